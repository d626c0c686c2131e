// Models on disk: parameters under PyTorch's names, and all that is needed to use them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/function_ref.hpp>
#include <unroll/io/model_options.hpp>
#include <unroll/io/parameters_file.hpp>
#include <unroll/io/test_vector.hpp>
#include <unroll/network/model.hpp>
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
  OptionValues options;  ///< of the model's parts that are structs of options (UNROLL_OPTIONS)

  UNROLL_API Index vocabulary_size() const;
  bool has(std::string_view path) const { return shapes.contains(path); }
  /// A size of the tensor as stored, which is PyTorch's: `size("0.weight", 1)` is the D of an Embedding (V, D),
  /// `size("1.weight_hh_l0", 1)` the H of an LSTM (4 H, H). Throws FormatError where there is none, and for a
  /// tensor that holds nothing.
  UNROLL_API Index size(std::string_view path, std::size_t dimension) const;
  /// A struct of options as the file has it, for what must be known to make the model: `options_of<Options>("how")`,
  /// where `how` is the part's path. What the file has not is as in `others`. Throws FormatError for a value of another
  /// kind.
  template <OptionStruct O> O options_of(std::string_view path, O others = {}) const {
    const Path root;
    detail::set_options(source, options, root / path, others);
    return others;
  }
  /// The value of an extra key. Throws FormatError where there is none.
  UNROLL_API const std::string& value(const std::string& key) const;
};

template <class M> struct LoadedModel {
  M model;
  ModelInfo info;
};
template <class M> struct LoadedTextModel {
  M model;
  Vocabulary vocabulary;
};

template <class C> class Bidirectional;

namespace detail {

/// Whether a model begins with a layer of the library's whose weights say what it takes, whatever comes behind.
template <class L> consteval bool kind_knows_input() {
  if constexpr (has_kind<L>)
    return !requires { L::KindInFiles::takes_any; };
  else
    return false;
}
template <class L> inline constexpr bool has_known_input = kind_knows_input<L>();
template <class C> inline constexpr bool has_known_input<Recurrent<C>> = true;
template <class C> inline constexpr bool has_known_input<Bidirectional<C>> = true;
template <class L> inline constexpr bool has_known_input<FinalState<L>> = has_known_input<L>;
template <class L, class... Ls> inline constexpr bool has_known_input<Sequential<L, Ls...>> = has_known_input<L>;
template <class L, class... Ls> inline constexpr bool has_known_input<Stack<L, Ls...>> = has_known_input<L>;

/// Whether the first part of a composite says what it takes, which then is likely what the composite takes.
template <class L> consteval bool has_likely_input() {
  if constexpr (requires(L& model) { std::get<0>(model.parts()); }) {
    return []<class... P>(const std::tuple<P&...>*) {
      bool likely = false, found = false;  // the first one that is no struct of options
      ((found || OptionStruct<std::remove_const_t<P>>
            ? void()
            : void((found = true, likely = has_likely_input<std::remove_const_t<P>>()))),
       ...);
      return likely;
    }(static_cast<const decltype(std::declval<L&>().parts())*>(nullptr));
  } else if constexpr (requires { typename L::value_type; }) {  // a list of parts
    return has_likely_input<typename L::value_type>();
  } else {
    return has_known_input<L>;
  }
}

/// A model without its type: all that `save` wants to know of it.
struct SavedModel {
  StoredParameters parameters;
  OptionValues options{};
  std::optional<std::string> description{};
  bool has_known_input = false, has_likely_input = false, takes_tokens = false, takes_test_input = false;
};
/// `add` adds the model's layers, or is null where they are no network's.
UNROLL_API void save_model(const std::filesystem::path& path, const SavedModel& model, const AddLayers* add,
                           const Vocabulary* vocabulary, const SaveOptions& options, RunTest run);

template <class M>
void save_model(const std::filesystem::path& path, const M& model, const Vocabulary* vocabulary,
                const SaveOptions& options) {
  SavedModel saved{stored_parameters(model)};
  saved.options = options_of(model);
  if constexpr (requires { model.describe(); }) saved.description = model.describe();
  saved.has_known_input = has_known_input<M>;
  saved.has_likely_input = has_likely_input<M>();
  saved.takes_tokens = Accepts<M, TokenBatch>;
  saved.takes_test_input = accepts_test_input<M>;
  if constexpr (KnowsItsLayers<M>) {
    saved.has_likely_input = true;
    saved.takes_tokens = model.takes_tokens();
  }
  const auto run = [&]([[maybe_unused]] const TestInput& input, TestOutput& output) {
    if constexpr (accepts_test_input<M>) output = run_test(model, input);
    static_cast<void>(output);
  };
  if constexpr (NetworkModel<M>) {
    const auto layers = adding_layers(model);
    const AddLayers add = layers;
    save_model(path, saved, &add, vocabulary, options, run);
  } else {
    save_model(path, saved, nullptr, vocabulary, options, run);
  }
}

UNROLL_API ModelInfo read_info(const SafeTensors& file, const std::vector<Tokenizer>& known);

/// Sizes come from the file, so that what is wrong with them is wrong with the file, and what they ask for is bounded
/// by what it holds: a model has a parameter for each number there, and is copied a few times until it is in its place.
UNROLL_API void make_from_file(const SafeTensors& file, FunctionRef<> make);
/// The model must be the one that was saved, not merely one that its tensors fit.
UNROLL_API void check_structure(const SafeTensors& file, const StoredParameters& parameters);

}  // namespace detail

/// Writes model, vocabulary and options into one safetensors file, which replaces an old one as a whole or not at all.
/// Throws std::invalid_argument for a parameter or an output that is not finite or text that is not UTF-8, FormatError
/// where the file cannot be written.
template <Visitable M>
void save(const std::filesystem::path& path, const M& model, const Vocabulary& vocabulary,
          const SaveOptions& options = {}) {
  detail::save_model(path, model, &vocabulary, options);
}
/// A model without a vocabulary.
template <Visitable M> void save(const std::filesystem::path& path, const M& model, const SaveOptions& options = {}) {
  detail::save_model(path, model, nullptr, options);
}

/// What a model file says, without building the model. `known`, here and below, are tokenizers of the user's own that
/// the file may name.
UNROLL_API ModelInfo read_model_info(const std::filesystem::path& path, const std::vector<Tokenizer>& known = {});

/// Builds the model by `make_model(const ModelInfo&)`, which sees the sizes in the file, then reads its parameters as
/// `load_parameters` does, and runs the test vector: an output that is off by more than 1e-4 (float) or 1e-9 (double)
/// of the vector's largest means another model, and throws. All errors are FormatError with the file's name, also what
/// `make_model` throws as std::invalid_argument, and a model of more than 16 MB that takes more than 16 times the
/// memory of the numbers in the file.
template <class MakeModel>
auto load_model(MakeModel&& make_model, const SafeTensors& file, const std::vector<Tokenizer>& known = {}) {
  ModelInfo info = detail::read_info(file, known);
  using M = std::remove_cvref_t<decltype(make_model(std::as_const(info)))>;
  std::optional<M> made;
  detail::make_from_file(file, [&] { made.emplace(make_model(std::as_const(info))); });
  LoadedModel<M> loaded{*std::move(made), std::move(info)};
  detail::take_options(loaded.info.source, loaded.info.options, loaded.model);
  const auto parameters = detail::stored_parameters(loaded.model);
  detail::load_parameters(file, parameters);
  detail::check_structure(file, parameters);
  if constexpr (detail::accepts_test_input<M>)
    detail::check_test_vector(file, [&](const TestInput& input, detail::TestOutput& output) {
      output = detail::run_test(loaded.model, input);
    });
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

#if UNROLL_HEADER_ONLY
#include <unroll/io/model_file.ipp>
#endif
