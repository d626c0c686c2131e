// A trained encoder-decoder model with the encodings of both its languages: texts in, texts out, one file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/data/pair_dataset.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/text/text_encoding.hpp>
#include <unroll/train/translate.hpp>

namespace unroll::inline UNROLL_ABI {

/// `translator("ein Mann schläft")` is what the model makes of it.
template <class M> struct TextTranslator {
  M model;
  TextEncoding source, target;
  PairOptions pairs{};  ///< of the data set that it was trained on, but for `begin` and `end`, which are the encodings'

  /// The likeliest translation. One without tokens is translated to "".
  std::string operator()(std::string_view text, const TranslateOptions& options = {}) const {
    const std::vector<std::string> one{std::string(text)};
    return (*this)(std::span(one), options).front();
  }
  std::vector<std::string> operator()(std::span<const std::string> texts, const TranslateOptions& options = {}) const;
};

namespace detail {
/// What the file of a translator says beside its model.
struct TranslatorTexts {
  TextEncoding source, target;
  PairOptions pairs;
};
UNROLL_API std::map<std::string, std::string> translator_metadata(const TranslatorTexts& texts);
/// Throws FormatError.
UNROLL_API TranslatorTexts read_translator(const ModelInfo& info, const std::vector<Tokenizer>& known);
/// A source and a target of a few tokens.
UNROLL_API TestInput translator_test_input(Index source_size, Index target_size);
/// Ids of the texts as the model reads them; `rows` are those that have some.
UNROLL_API std::vector<std::vector<std::int32_t>> encode_sources(const TextEncoding& source,
                                                                 std::span<const std::string> texts,
                                                                 const PairOptions& pairs,
                                                                 std::vector<std::size_t>& rows);
}  // namespace detail

template <class M>
std::vector<std::string> TextTranslator<M>::operator()(std::span<const std::string> texts,
                                                       const TranslateOptions& options) const {
  std::vector<std::string> translated(texts.size());
  std::vector<std::size_t> rows;
  const auto ids = detail::encode_sources(source, texts, pairs, rows);
  const auto found = translate(model, std::span(ids), options);
  for (std::size_t k = 0; k < rows.size(); ++k) translated[rows[k]] = target.decode(found[k].front().ids);
  return translated;
}

/// The model and both encodings in one file, as `save` of a model; metadata whose keys begin with "translator." is this
/// function's.
template <class M>
void save(const std::filesystem::path& path, const TextTranslator<M>& translator, SaveOptions options = {}) {
  if (options.test_input.empty())
    options.test_input = detail::translator_test_input(translator.source.size(), translator.target.size());
  options.extra.merge(detail::translator_metadata({translator.source, translator.target, translator.pairs}));
  save(path, translator.model, options);
}

/// Makes the model by `make_model(info, source, target)`, the last two being the sizes of the encodings, and reads its
/// parameters as `load_model` does, which throws what this does. FormatError where the file is not a translator's.
/// `known` are tokenizers of the user's own that it may name.
template <class MakeModel>
auto load_translator(MakeModel&& make_model, const std::filesystem::path& path,
                     const std::vector<Tokenizer>& known = {}) {
  detail::TranslatorTexts texts;
  auto [model, info] = load_model(
      [&](const ModelInfo& of) {
        texts = detail::read_translator(of, known);
        return make_model(of, texts.source.size(), texts.target.size());
      },
      path, known);
  return TextTranslator<decltype(model)>{std::move(model), std::move(texts.source), std::move(texts.target),
                                         texts.pairs};
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/text_translator.ipp>
#endif
