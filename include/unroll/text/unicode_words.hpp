// A tokenizer of words in any alphabet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <unroll/text/token_buffer.hpp>

namespace unroll::inline UNROLL_ABI {

/// Words of any alphabet, lower-cased: runs of letters, marks and digits (the general categories L, M and N of
/// Unicode), everything else between them. So "Don't" is `don` `t` and "L'eau" is `l` `eau`.
///
/// - Lower case is that of Python's `str.lower()`: a capital sigma that ends a word of several letters is a final one.
/// - Chinese and Japanese have no spaces: each code point of Han, Hiragana and Katakana is a token. Words of Thai, Lao,
///   Khmer and Burmese, which have none either, come out as one token up to the next space.
/// - A mark belongs to the letter before it, and is nothing where there is none. Composed and decomposed forms are told
///   apart: normalize texts (NFC) if they come from different places.
/// - Format characters (soft hyphens, joiners, direction marks: Cf) are deleted; a zero-width space separates.
struct UnicodeWordTokenizer {
  static constexpr std::string_view name = "unicode-words";

  template <class Callback> void operator()(std::string_view text, Callback&& on_token) const {
    write(text).split(on_token);
  }
  UNROLL_API std::vector<std::string> tokenize(std::string_view text) const;
  bool operator==(const UnicodeWordTokenizer&) const = default;

 private:
  friend class Tokenizer;
  UNROLL_API static detail::TokenBuffer write(std::string_view text);
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/unicode_words.ipp>
#endif
