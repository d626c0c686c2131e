// Words as ids, and as the ids of their characters.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/text/vocabulary.hpp>

namespace unroll::inline UNROLL_ABI {

struct WordEncodingOptions {
  Index min_frequency = 2;  ///< rarer words have no id of their own: what is known of them are their characters
};

/// What a model needs of a language that reads words, and each of them by its characters: sentences are cut into words
/// already. Id 1 is any unknown word, or character. A value.
struct WordEncoding {
  Vocabulary words, characters;

  /// Of the words of training sentences. Throws std::invalid_argument for a word that is empty or not UTF-8, and where
  /// none is frequent enough.
  UNROLL_API static WordEncoding build(std::span<const std::vector<std::string>> sentences,
                                       const WordEncodingOptions& options = {});

  UNROLL_API std::vector<std::int32_t> word_ids(std::span<const std::string> sentence) const;
  /// 0 behind the last character of every word: what a CharacterEmbedding reads.
  UNROLL_API std::vector<std::int32_t> character_ids(std::span<const std::string> sentence) const;

  /// What a model's file keeps beside `words`, its vocabulary; and back. Throws FormatError naming `source`.
  UNROLL_API std::map<std::string, std::string> metadata() const;
  UNROLL_API static WordEncoding from_metadata(Vocabulary words, const std::map<std::string, std::string>& metadata,
                                               std::string_view source);

  bool operator==(const WordEncoding&) const = default;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/word_encoding.ipp>
#endif
