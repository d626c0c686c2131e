// Bodies of text/word_encoding.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/text/vocabulary_file.hpp>
#include <unroll/text/word_encoding.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
inline constexpr const char* word_characters_key = "words.characters";
}

UNROLL_FUNCTION WordEncoding WordEncoding::build(std::span<const std::vector<std::string>> sentences,
                                                 const WordEncodingOptions& options) {
  std::map<std::string, Index> counts;
  for (const auto& sentence : sentences)
    for (const std::string& word : sentence) ++counts[word];
  std::vector<std::string_view> distinct;
  for (const auto& [word, count] : counts) distinct.push_back(word);
  return {Vocabulary::from_counts(counts, {.min_frequency = options.min_frequency, .tokenizer = WhitespaceTokenizer{}}),
          Vocabulary::build(distinct, {.tokenizer = CharacterTokenizer{}})};
}

UNROLL_FUNCTION std::vector<std::int32_t> WordEncoding::word_ids(std::span<const std::string> sentence) const {
  std::vector<std::int32_t> ids;
  for (const std::string& word : sentence) ids.push_back((std::max)(words.id(word), Vocabulary::oov));
  return ids;
}
UNROLL_FUNCTION std::vector<std::int32_t> WordEncoding::character_ids(std::span<const std::string> sentence) const {
  std::vector<std::int32_t> ids, of_word;
  for (const std::string& word : sentence) {
    characters.encode(word, of_word);
    ids.insert(ids.end(), of_word.begin(), of_word.end());
    ids.push_back(Vocabulary::pad);
  }
  return ids;
}

UNROLL_FUNCTION std::map<std::string, std::string> WordEncoding::metadata() const {
  return {{detail::word_characters_key, vocabulary_text(characters)}};
}
UNROLL_FUNCTION WordEncoding WordEncoding::from_metadata(Vocabulary words,
                                                         const std::map<std::string, std::string>& metadata,
                                                         std::string_view source) {
  const auto found = metadata.find(detail::word_characters_key);
  require<FormatError>(found != metadata.end(), source, ": no metadata '", detail::word_characters_key, "'");
  return {std::move(words),
          vocabulary_from_text(found->second, concat_text(source, ": metadata '", found->first, "'"))};
}

}  // namespace unroll::inline UNROLL_ABI
