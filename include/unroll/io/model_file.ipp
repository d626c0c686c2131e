// Bodies of io/model_file.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/memory_limit.hpp>
#include <unroll/core/random.hpp>
#include <unroll/core/utf8.hpp>
#include <unroll/core/version.hpp>
#include <unroll/file/json_value.hpp>
#include <unroll/file/tensor_text.hpp>
#include <unroll/io/fingerprint.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/io/model_keys.hpp>
#include <unroll/io/test_input.hpp>
#include <unroll/network/layer_json.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Index ModelInfo::vocabulary_size() const {
  require<FormatError>(vocabulary.has_value(), source, ": the file has no vocabulary");
  return vocabulary->size();
}
UNROLL_FUNCTION Index ModelInfo::size(std::string_view path, std::size_t dimension) const {
  const auto found = shapes.find(path);
  if (found == shapes.end())
    fail<FormatError>(source, ": no tensor ", detail::quote(path), detail::nearest_names(path, shapes));
  require<FormatError>(std::ranges::find(found->second, 0) == found->second.end(), source, ": tensor ",
                       detail::quote(path), " is ", detail::shape_text(found->second), ", which holds nothing");
  require<FormatError>(dimension < found->second.size(), source, ": tensor ", detail::quote(path), " is ",
                       detail::shape_text(found->second), ", expected a dimension ", dimension);
  return found->second[dimension];
}
UNROLL_FUNCTION const std::string& ModelInfo::value(const std::string& key) const {
  const auto found = extra.find(key);
  require<FormatError>(found != extra.end(), source, ": no metadata ", detail::quote(key));
  return found->second;
}

namespace detail {

/// Of all parameters. Not of what a later version may call differently.
inline std::string fingerprint(const StoredParameters& parameters) {
  Fingerprint of;
  for (const StoredParameter& p : parameters) of.add(p.path, p.shape);
  return of.text();
}

/// What a layer is, and what its tensors are called in the model.
inline Json model_entry(const LayerData& form, const std::vector<StoredParameters>& parameters, std::size_t at = 0) {
  const Description of = describe_layer(form);
  Json entry = entry_of(form);
  for (std::size_t k = 0; k < of.parts.size(); ++k)
    entry[std::string(of.parts[k])] = model_entry(form.parts[k], parameters, k);
  if (!of.parts.empty()) return entry;
  for (const StoredParameter& p : parameters[at]) {
    if (p.size() == 0) continue;
    const auto tensor = std::ranges::find(of.tensors, p.name, &TensorForm::stored);
    require(tensor != of.tensors.end(), "save: ", p.path, ": the kind ", quote(form.kind->name), " describes no ",
            p.name);
    entry[std::string(tensor->name)] = p.path;
  }
  return entry;
}
/// What `save` says of a model in the metadata "unroll.network": its tensors are called as the model calls them.
inline Json network_json_of(const std::vector<ModelLayer>& layers) {
  Json list = Json::array();
  for (const ModelLayer& layer : layers) list.push_back(model_entry(layer.form, layer.parameters));
  return {{"layers", list}};
}

/// Token ids that the embedding has, or random values.
inline TestInput make_test_input(const StoredParameters& parameters) {
  const auto first = std::ranges::find_if(parameters, [](const StoredParameter& p) { return p.size() > 0; });
  TestInput input;
  if (first == parameters.end()) return input;
  if (first->is_table) {
    if (first->cols > 1) input.tokens = make_test_tokens(first->cols, TestInput::max_steps);
    return input;
  }
  // A matrix is applied to its columns' number of values, a vector to as many as it has.
  input.values.resize(first->shape.size() == 1 ? first->rows : first->cols, TestInput::max_steps);
  Rng rng(1);
  for (Index k = 0; k < input.values.size(); ++k) input.values.data()[k] = rng.uniform(-1, 1);
  return input;
}

/// Whether the model takes this.
inline bool takes_input(RunTest run, const TestInput& input) {
#if defined(__cpp_exceptions)
  try {
    TestOutput output;
    run(input, output);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
#else
  static_cast<void>(run), static_cast<void>(input);
  return false;
#endif
}

UNROLL_FUNCTION void save_model(const std::filesystem::path& path, const SavedModel& model, const AddLayers* add,
                                const Vocabulary* vocabulary, const SaveOptions& options, RunTest run) {
  const std::vector<ModelLayer> layers = add == nullptr ? std::vector<ModelLayer>() : layers_of(*add);
  const bool is_network =
      add != nullptr && std::ranges::all_of(layers, [](const ModelLayer& layer) { return layer.form.kind != nullptr; });
  SafeTensorsWriter writer;
  for (const auto& [key, value] : options.extra) {
    require(!key.starts_with("unroll.") && key != "format", "save: the extra key '", key, "' is the library's own");
    writer.set_metadata(key, value);
  }
  writer.set_metadata("format", "pt");  // what PyTorch's own tools look for
  writer.set_metadata(model_format_key, model_format_version);
  writer.set_metadata("unroll.version", UNROLL_VERSION_STRING);
  writer.set_metadata("unroll.fingerprint", fingerprint(model.parameters));
  if (is_network) writer.set_metadata(network_key, network_json_of(layers).dump());
  if (!model.options.empty()) writer.set_metadata(options_key, write_options(model.options));
  if (model.description) writer.set_metadata("unroll.description", *model.description);
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
  add_parameters(writer, model.parameters);

  if (model.takes_test_input) {
    TestInput input = options.test_input;
    const StoredParameters& first =
        is_network && !layers.empty() ? layers.front().parameters.front() : model.parameters;
    if (model.takes_tokens && input.empty() && vocabulary != nullptr)
      input.tokens = make_test_tokens(vocabulary->size(), TestInput::max_steps);
    if ((is_network || model.has_known_input) && input.empty()) input = make_test_input(first);
    if (model.has_likely_input && input.empty())
      if (TestInput likely = make_test_input(first); takes_input(run, likely)) input = std::move(likely);
    if (!input.empty()) add_test_vector(writer, input, run);
  } else {
    require(options.test_input.empty(), "save: this model takes neither token ids nor values, so no test input");
  }
  writer.save(path);
}

UNROLL_FUNCTION ModelInfo read_info(const SafeTensors& file, const std::vector<Tokenizer>& known) {
  const auto text = [&](std::string_view key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  const auto strings = [&](std::string_view key) {
    return JsonArray<std::string>::read(file.metadata_value(key), concat_text(file.source, ": metadata ", key));
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
        concat_text(file.source, ": vocabulary"),
        file.metadata.contains("unroll.unknown") ? file.metadata_value("unroll.unknown") : Vocabulary::oov_token);
  for (const auto& [key, value] : file.metadata)
    if (!key.starts_with("unroll.") && key != "format") info.extra[key] = value;
  info.options = read_options(file);
  for (const auto& [name, tensor] : file.tensors) info.shapes[name] = tensor.shape;
  return info;
}

UNROLL_FUNCTION void make_from_file(const SafeTensors& file, FunctionRef<> make) {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : file.tensors) bytes += tensor.bytes.size();
  const auto too_large = [&] {
    fail<FormatError>(file.source, ": a model with its sizes is more than memory can hold");
  };
  try {
    const MemoryLimit limit((std::max)(16 * bytes, std::size_t{16} << 20));
    make();
  } catch (const std::invalid_argument& error) {
    fail<FormatError>(file.source, ": no model can be made with its sizes: ", error.what());
  } catch (const std::bad_alloc&) {
    too_large();
  } catch (const std::length_error&) {  // of a list of parts
    too_large();
  }
}

UNROLL_FUNCTION void check_structure(const SafeTensors& file, const StoredParameters& parameters) {
  const auto names = zero_tensors(file);
  const std::set<std::string_view> zeros(names.begin(), names.end());
  for (const StoredParameter& p : parameters)
    require<FormatError>(!zeros.contains(p.path), file.source, ": the model has a '", p.path,
                         "', expected none: the one saved has a single bias");
  const std::string got = fingerprint(parameters), expected = file.metadata_value("unroll.fingerprint");
  require<FormatError>(got == expected, file.source, ": the model's parameters have the fingerprint ", got,
                       ", expected ", quote(expected));
}

}  // namespace detail

UNROLL_FUNCTION ModelInfo read_model_info(const std::filesystem::path& path, const std::vector<Tokenizer>& known) {
  return detail::read_info(read_safetensors(path), known);
}

}  // namespace unroll::inline UNROLL_ABI
