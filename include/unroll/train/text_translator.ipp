// Bodies of train/text_translator.hpp.
#pragma once

#include <algorithm>

#include <unroll/core/error.hpp>
#include <unroll/train/text_translator.hpp>

namespace unroll::inline UNROLL_ABI::detail {

inline constexpr const char *translator_source_key = "translator.source", *translator_target_key = "translator.target",
                            *translator_end_key = "translator.source_end",
                            *translator_reverse_key = "translator.reverse_source";

UNROLL_FUNCTION std::map<std::string, std::string> translator_metadata(const TranslatorTexts& texts) {
  const auto word = [](bool yes) { return std::string(yes ? "true" : "false"); };
  return {{translator_source_key, texts.source.text()},
          {translator_target_key, texts.target.text()},
          {translator_end_key, word(texts.pairs.source_end)},
          {translator_reverse_key, word(texts.pairs.reverse_source)}};
}
UNROLL_FUNCTION TranslatorTexts read_translator(const ModelInfo& info, const std::vector<Tokenizer>& known) {
  const auto flag = [&](const char* key) {
    const std::string& word = info.value(key);
    require<FormatError>(word == "true" || word == "false", info.source, ": metadata '", key, "' is '", word,
                         "', expected true or false");
    return word == "true";
  };
  const auto encoding = [&](const char* key) {
    return TextEncoding::from_text(info.value(key), concat_text(info.source, ": metadata '", key, "'"), known);
  };
  TranslatorTexts texts{encoding(translator_source_key), encoding(translator_target_key), {}};
  texts.pairs.source_end = flag(translator_end_key);
  texts.pairs.reverse_source = flag(translator_reverse_key);
  return texts;
}

UNROLL_FUNCTION TestInput translator_test_input(Index source_size, Index target_size) {
  const auto tokens = [](Index size) {
    std::vector<std::int32_t> ids{TextEncoding::bos};
    for (Index k = 0; k < 5; ++k) ids.push_back(static_cast<std::int32_t>((TextEncoding::eos + k) % size));
    return ids;
  };
  TestInput input{.tokens = tokens(source_size)};
  input.more.push_back({.tokens = tokens(target_size)});
  return input;
}

UNROLL_FUNCTION std::vector<std::vector<std::int32_t>> encode_sources(const TextEncoding& source,
                                                                      std::span<const std::string> texts,
                                                                      const PairOptions& pairs,
                                                                      std::vector<std::size_t>& rows) {
  std::vector<std::vector<std::int32_t>> all;
  for (std::size_t k = 0; k < texts.size(); ++k) {
    const std::vector<std::int32_t> ids = source.encode(texts[k]);
    if (ids.empty()) continue;
    rows.push_back(k);
    all.push_back(source_of_pair(ids, pairs));
  }
  return all;
}

}  // namespace unroll::inline UNROLL_ABI::detail
