// Models on disk: parameters under PyTorch's names, and all that is needed to use them.
#pragma once

#include <filesystem>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <unroll/io/network_writer.hpp>
#include <unroll/text/vocabulary.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a file says besides its parameters; all of it optional.
struct SaveOptions {
  std::string architecture{};         ///< the caller's name for the kind of model: "bilstm"
  std::vector<std::string> labels{};  ///< names of the classes, in the order of the outputs
  std::map<std::string, std::string>
      extra{};  ///< anything else, such as how texts are cut; no key begins with "unroll."
  /// What `load` re-runs. Empty: made up where the model's input is known, by its vocabulary or its first layer, one of
  /// the library's; any other model is saved without a test vector.
  TestInput test_input{};
};

/// What a file says: enough to build the model that its parameters fit.
struct ModelInfo {
  std::string source;           ///< the file's name
  std::string library_version;  ///< of the unroll that wrote it
  std::string architecture;
  std::string description;  ///< the model's own `describe()`
  std::vector<std::string> labels;
  std::map<std::string, std::string> extra;
  std::optional<Vocabulary> vocabulary;
  std::map<std::string, std::vector<Index>, std::less<>> shapes;  ///< of the tensors, as stored

  Index vocabulary_size() const {
    require<FormatError>(vocabulary.has_value(), source, ": the file has no vocabulary");
    return vocabulary->size();
  }
  bool has(std::string_view path) const { return shapes.contains(path); }
  /// A size of the tensor as stored, which is PyTorch's: `size("0.weight", 1)` is the D of an Embedding (V, D),
  /// `size("1.weight_hh_l0", 1)` the H of an LSTM (4 H, H). Throws FormatError where there is none, and for a
  /// tensor that holds nothing.
  Index size(std::string_view path, std::size_t dimension) const {
    const auto found = shapes.find(path);
    if (found == shapes.end())
      fail<FormatError>(source, ": no tensor ", detail::quote(path), detail::nearest_names(path, shapes));
    require<FormatError>(std::ranges::find(found->second, 0) == found->second.end(), source, ": tensor ",
                         detail::quote(path), " is ", detail::shape_text(found->second), ", which holds nothing");
    require<FormatError>(dimension < found->second.size(), source, ": tensor ", detail::quote(path), " is ",
                         detail::shape_text(found->second), ", expected a dimension ", dimension);
    return found->second[dimension];
  }
  /// The value of an extra key. Throws FormatError where there is none.
  const std::string& value(const std::string& key) const {
    const auto found = extra.find(key);
    require<FormatError>(found != extra.end(), source, ": no metadata ", detail::quote(key));
    return found->second;
  }
};

template <class M> struct LoadedModel {
  M model;
  ModelInfo info;
};
template <class M> struct LoadedTextModel {
  M model;
  Vocabulary vocabulary;
};

namespace detail {

/// Of all parameters. Not of what a later version may call differently.
template <class M> std::string fingerprint(const M& model) {
  Fingerprint of;
  visit([&](const Path& path, const auto& p) { of.add(path.str(), stored_shape(path, p)); }, model);
  return of.text();
}

template <class M>
SafeTensorsWriter write_model(const M& model, const Vocabulary* vocabulary, const SaveOptions& options) {
  SafeTensorsWriter writer;
  for (const auto& [key, value] : options.extra) {
    require(!key.starts_with("unroll.") && key != "format", "save: the extra key '", key, "' is the library's own");
    writer.set_metadata(key, value);
  }
  writer.set_metadata("format", "pt");  // what PyTorch's own tools look for
  writer.set_metadata(model_format_key, model_format_version);
  writer.set_metadata("unroll.version", UNROLL_VERSION_STRING);
  writer.set_metadata("unroll.fingerprint", fingerprint(model));
  if constexpr (NetworkModel<M>) writer.set_metadata(network_key, network_json_of(model).dump());
  if constexpr (requires { model.describe(); }) writer.set_metadata("unroll.description", model.describe());
  if (!options.architecture.empty()) writer.set_metadata("unroll.architecture", options.architecture);
  if (!options.labels.empty()) {
    for (const std::string& label : options.labels)
      require(is_valid_utf8(label), "save: the label ", quote(label), " is not UTF-8");
    writer.set_metadata("unroll.labels", json_array(options.labels));
  }
  if (vocabulary != nullptr) {
    writer.set_metadata("unroll.tokenizer", vocabulary->tokenizer().name());
    writer.set_metadata("unroll.vocabulary", json_array(vocabulary->tokens()));
    if (vocabulary->unknown() != Vocabulary::oov_token) writer.set_metadata("unroll.unknown", vocabulary->unknown());
  }
  add_parameters(writer, model);

  if constexpr (accepts_test_input<M>) {
    TestInput input = options.test_input;
    if (Accepts<M, TokenBatch> && input.empty() && vocabulary != nullptr)
      input.tokens = make_test_tokens(vocabulary->size(), TestInput::max_steps);
    if constexpr (NetworkModel<M> || has_known_input<M>)
      if (input.empty()) input = make_test_input(model);
    if (!input.empty()) add_test_vector(writer, model, input);
  } else {
    require(options.test_input.empty(), "save: this model takes neither token ids nor values, so no test input");
  }
  return writer;
}

inline ModelInfo read_info(const SafeTensors& file, const std::vector<Tokenizer>& known) {
  const auto text = [&](std::string_view key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  const auto strings = [&](std::string_view key) {
    return JsonArray<std::string>::read(file.metadata_value(key), concat(file.source, ": metadata ", key));
  };
  require<FormatError>(file.metadata.contains(model_format_key), file.source, ": no metadata '", model_format_key,
                       "': not a model saved by unroll (load_parameters reads files of others)");
  require<FormatError>(text(model_format_key) == model_format_version, file.source, ": format version ",
                       quote(text(model_format_key)), ", expected ", model_format_version,
                       "; the file was written by unroll ", quote(text("unroll.version")), ", this is ",
                       UNROLL_VERSION_STRING);
  ModelInfo info;
  info.source = file.source;
  info.library_version = text("unroll.version");
  info.architecture = text("unroll.architecture");
  info.description = text("unroll.description");
  if (file.metadata.contains("unroll.labels")) info.labels = strings("unroll.labels");
  if (file.metadata.contains("unroll.vocabulary"))
    info.vocabulary = Vocabulary::from_tokens<FormatError>(
        strings("unroll.vocabulary"),
        Tokenizer::from_name<FormatError>(file.metadata_value("unroll.tokenizer"), file.source, known),
        concat(file.source, ": vocabulary"),
        file.metadata.contains("unroll.unknown") ? file.metadata_value("unroll.unknown") : Vocabulary::oov_token);
  for (const auto& [key, value] : file.metadata)
    if (!key.starts_with("unroll.") && key != "format") info.extra[key] = value;
  for (const auto& [name, tensor] : file.tensors) info.shapes[name] = tensor.shape;
  return info;
}

/// Sizes come from the file, so that what is wrong with them is wrong with the file, and what they ask for is bounded
/// by what it holds: a model has a parameter for each number there, and is copied a few times until it is in its place.
template <class MakeModel> auto make_from_file(MakeModel& make_model, const ModelInfo& info, const SafeTensors& file) {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : file.tensors) bytes += tensor.bytes.size();
  try {
    const MemoryLimit limit((std::max)(16 * bytes, std::size_t{16} << 20));
    return make_model(info);
  } catch (const std::invalid_argument& error) {
    fail<FormatError>(file.source, ": no model can be made with its sizes: ", error.what());
  } catch (const std::bad_alloc&) {
    fail<FormatError>(file.source, ": a model with its sizes is more than memory can hold");
  }
}

/// The model must be the one that was saved, not merely one that its tensors fit.
template <class M> void check_structure(const SafeTensors& file, const M& model) {
  const auto names = zero_tensors(file);
  const std::set<std::string_view> zeros(names.begin(), names.end());
  visit(
      [&](const Path& path, const auto&) {
        require<FormatError>(!zeros.contains(path.str()), file.source, ": the model has a '", path.str(),
                             "', expected none: the one saved has a single bias");
      },
      model);
  const std::string got = fingerprint(model), expected = file.metadata_value("unroll.fingerprint");
  require<FormatError>(got == expected, file.source, ": the model's parameters have the fingerprint ", got,
                       ", expected ", quote(expected));
}

}  // namespace detail

/// Writes model, vocabulary and options into one safetensors file, which replaces an old one as a whole or not at all.
/// Throws std::invalid_argument for a parameter or an output that is not finite or text that is not UTF-8, FormatError
/// where the file cannot be written.
template <Visitable M>
void save(const std::filesystem::path& path, const M& model, const Vocabulary& vocabulary,
          const SaveOptions& options = {}) {
  detail::write_model(model, &vocabulary, options).save(path);
}
/// A model without a vocabulary.
template <Visitable M> void save(const std::filesystem::path& path, const M& model, const SaveOptions& options = {}) {
  detail::write_model(model, nullptr, options).save(path);
}

/// What a model file says, without building the model. `known`, here and below, are tokenizers of the user's own that
/// the file may name.
inline ModelInfo read_model_info(const std::filesystem::path& path, const std::vector<Tokenizer>& known = {}) {
  return detail::read_info(read_safetensors(path), known);
}

/// Builds the model by `make_model(const ModelInfo&)`, which sees the sizes in the file, then reads its parameters as
/// `load_parameters` does, and runs the test vector: an output that is off by more than 1e-4 (float) or 1e-9 (double)
/// of the vector's largest means another model, and throws. All errors are FormatError with the file's name, also what
/// `make_model` throws as std::invalid_argument, and a model of more than 16 MB that takes more than 16 times the
/// memory of the numbers in the file.
template <class MakeModel>
auto load_model(MakeModel&& make_model, const SafeTensors& file, const std::vector<Tokenizer>& known = {}) {
  ModelInfo info = detail::read_info(file, known);
  using M = std::remove_cvref_t<decltype(make_model(std::as_const(info)))>;
  M model = detail::make_from_file(make_model, info, file);
  LoadedModel<M> loaded{std::move(model), std::move(info)};
  load_parameters(file, loaded.model);
  detail::check_structure(file, loaded.model);
  if constexpr (detail::accepts_test_input<M>) detail::check_test_vector(file, loaded.model);
  return loaded;
}
template <class MakeModel>
auto load_model(MakeModel&& make_model, const std::filesystem::path& path, const std::vector<Tokenizer>& known = {}) {
  return load_model(make_model, read_safetensors(path), known);
}

/// The same for a model of texts: `auto [model, vocabulary] = load(make_model, path)`. Throws FormatError where the
/// file has no vocabulary.
template <class MakeModel>
auto load(MakeModel&& make_model, const std::filesystem::path& path, const std::vector<Tokenizer>& known = {}) {
  auto [model, info] = load_model(make_model, path, known);
  info.vocabulary_size();
  return LoadedTextModel<decltype(model)>{std::move(model), *std::move(info.vocabulary)};
}

}  // namespace unroll::inline UNROLL_ABI
