// Tokenizers that need no table: words of a to z, what stands between white space, characters.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

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
    detail::TokenBuffer buffer(text.size());
    for (std::size_t at = 0; at < text.size();) {
      const char c = ascii[static_cast<unsigned char>(text[at])];
      if (c != beyond_ascii) [[likely]] {
        buffer.put(c, c != deleted);
        ++at;
        continue;
      }
      const CodePoint point = decode_code_point(text, at);
      if (is_white_space(point.value)) buffer.put(' ');
      if (point.value == 0x0130) buffer.put('i');
      if (point.value == 0x212A) buffer.put('k');
      at += point.size;
    }
    buffer.split(on_token);
  }
  std::vector<std::string> tokenize(std::string_view text) const { return detail::collect_tokens(*this, text); }
  bool operator==(const WordTokenizer&) const = default;

 private:
  static constexpr char deleted = 0, beyond_ascii = 1;
  static constexpr std::array<char, 256> ascii = [] {
    std::array<char, 256> table{};
    for (std::size_t c = 0; c < table.size(); ++c)
      table[c] = c >= 0x80                                  ? beyond_ascii
                 : c >= 'a' && c <= 'z'                     ? static_cast<char>(c)
                 : c >= 'A' && c <= 'Z'                     ? static_cast<char>(c - 'A' + 'a')
                 : is_white_space(static_cast<char32_t>(c)) ? ' '
                                                            : deleted;
    return table;
  }();
};

/// Whatever stands between white space, as Python's `text.split()`. Bytes that are not UTF-8 become U+FFFD.
struct WhitespaceTokenizer {
  static constexpr std::string_view name = "whitespace";

  template <class Callback> void operator()(std::string_view text, Callback&& on_token) const {
    const std::size_t growth = is_valid_utf8(text) ? 1 : replacement_character_utf8.size();
    detail::TokenBuffer buffer(text.size() * growth);
    for_each_code_point(text, [&](const CodePoint& point, std::string_view bytes) {
      if (is_white_space(point.value))
        buffer.put(' ');
      else if (point.value < 0x80)
        buffer.put(bytes[0]);
      else
        buffer.put(point.valid ? bytes : replacement_character_utf8);
    });
    buffer.split(on_token);
  }
  std::vector<std::string> tokenize(std::string_view text) const { return detail::collect_tokens(*this, text); }
  bool operator==(const WhitespaceTokenizer&) const = default;
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
  std::vector<std::string> tokenize(std::string_view text) const { return detail::collect_tokens(*this, text); }
  bool operator==(const CharacterTokenizer&) const = default;
};

}  // namespace unroll::inline UNROLL_ABI
