// Tokenizers that need no table: words of a to z, what stands between white space, characters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/utf8.hpp>
#include <unroll/text/token.hpp>
#include <unroll/text/token_buffer.hpp>

namespace unroll::inline UNROLL_ABI {

// Each tokenizer is a value. `tokenizer(text, on_token)` calls on_token with each token in turn; the token is gone when
// the call returns. It costs one allocation a text, none a token. Any bytes may come in, tokens are valid UTF-8.

/// Words of the letters a to z: the text lower-cased, every character but a-z and white space deleted, split at white
/// space. The same tokens as Python's `re.sub(r'[^a-z\s]', '', text.lower()).split()`: so "Don't" is `dont`, and of the
/// characters beyond ASCII those two stay that Unicode lower-cases into a-z, U+0130 as i and the Kelvin sign as k.
struct WordTokenizer {
  static constexpr std::string_view name = "article";

  template <class Callback> void operator()(std::string_view text, Callback&& on_token) const {
    write(text).split(on_token);
  }
  UNROLL_API std::vector<std::string> tokenize(std::string_view text) const;
  bool operator==(const WordTokenizer&) const = default;

 private:
  friend class Tokenizer;
  UNROLL_API static detail::TokenBuffer write(std::string_view text);
};

/// Whatever stands between white space, as Python's `text.split()`. Bytes that are not UTF-8 become U+FFFD.
struct WhitespaceTokenizer {
  static constexpr std::string_view name = "whitespace";

  template <class Callback> void operator()(std::string_view text, Callback&& on_token) const {
    write(text).split(on_token);
  }
  UNROLL_API std::vector<std::string> tokenize(std::string_view text) const;
  bool operator==(const WhitespaceTokenizer&) const = default;

 private:
  friend class Tokenizer;
  UNROLL_API static detail::TokenBuffer write(std::string_view text);
};

/// One token for each Unicode code point, white space included, as Python's `list(text)`. Bytes that are not UTF-8
/// become U+FFFD.
struct CharacterTokenizer {
  static constexpr std::string_view name = "characters";

  template <class Callback> void operator()(std::string_view text, Callback&& on_token) const {
    for_each_code_point(text, [&](const CodePoint& point, std::string_view bytes) {
      on_token(Token(point.valid ? bytes : replacement_character_utf8));
    });
  }
  UNROLL_API std::vector<std::string> tokenize(std::string_view text) const;
  bool operator==(const CharacterTokenizer&) const = default;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/basic_tokenizers.ipp>
#endif
