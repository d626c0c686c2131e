// Tokenizers: a text cut into words or characters.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/text/token.hpp>
#include <unroll/text/utf8.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// What one pass over a text leaves of it: the bytes of tokens, spaces between them, and padding behind.
class TokenBuffer {
 public:
  explicit TokenBuffer(std::size_t capacity)
      : begin_(std::make_unique_for_overwrite<char[]>(capacity + padding)), end_(begin_.get()) {}

  /// Writes c, and keeps it if `keep` holds: one store, no branch.
  void put(char c, bool keep = true) {
    *end_ = c;
    end_ += keep;
  }
  void put(std::string_view bytes) {
    std::memcpy(end_, bytes.data(), bytes.size());
    end_ += bytes.size();
  }

  /// Calls on_token(Token) for what stands between the spaces.
  template <class Callback> void split(Callback&& on_token) {
    std::memset(end_, ' ', padding);
    for (const char* at = begin_.get(); at < end_; ++at) {
      if (*at == ' ') continue;
      const char* const begin = at;
      std::uint64_t spaces;
      for (; (spaces = find_spaces(at)) == 0; at += 8) {
      }
      at += (std::endian::native == std::endian::little ? std::countr_zero(spaces) : std::countl_zero(spaces)) / 8;
      on_token(Token::from_padded(begin, static_cast<std::size_t>(at - begin)));
    }
  }

 private:
  static constexpr std::size_t padding = Token::prefix_size;

  /// The top bit of each of the eight bytes at `at` that is a space.
  static std::uint64_t find_spaces(const char* at) {
    constexpr std::uint64_t ones = 0x0101010101010101u, low_bits = 0x7F * ones;
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    word ^= ' ' * ones;  // a space is zero now; the sum carries into the top bit of a byte that is not
    return ~(((word & low_bits) + low_bits) | word | low_bits);
  }

  std::unique_ptr<char[]> begin_;
  char* end_;
};

template <class Tokenize> std::vector<std::string> collect_tokens(const Tokenize& tokenizer, std::string_view text) {
  std::vector<std::string> tokens;
  tokenizer(text, [&](std::string_view token) { tokens.emplace_back(token); });
  return tokens;
}

}  // namespace detail

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

enum class TokenizerKind : std::uint8_t { article, whitespace, characters };

/// One of the three, chosen at run time: what a vocabulary holds and a file names.
class Tokenizer {
 public:
  Tokenizer() = default;
  Tokenizer(TokenizerKind kind) : kind_(kind) {}
  Tokenizer(WordTokenizer) : kind_(TokenizerKind::article) {}
  Tokenizer(WhitespaceTokenizer) : kind_(TokenizerKind::whitespace) {}
  Tokenizer(CharacterTokenizer) : kind_(TokenizerKind::characters) {}

  /// The tokenizer called `name`. Throws `Error` for any other name; the message begins with `who`.
  template <class Error = std::invalid_argument>
  static Tokenizer from_name(std::string_view name, std::string_view who = "Tokenizer") {
    for (const TokenizerKind kind : {TokenizerKind::article, TokenizerKind::whitespace, TokenizerKind::characters})
      if (Tokenizer(kind).name() == name) return kind;
    fail<Error>(who, ": tokenizer '", name, "', expected ", WordTokenizer::name, ", ", WhitespaceTokenizer::name,
                " or ", CharacterTokenizer::name);
  }

  TokenizerKind kind() const { return kind_; }
  std::string_view name() const {
    return with([](auto tokenizer) { return tokenizer.name; });
  }
  /// What stands between two tokens when they are joined to a text again.
  std::string_view separator() const { return kind_ == TokenizerKind::characters ? "" : " "; }

  template <class Callback> void operator()(std::string_view text, Callback&& on_token) const {
    with([&](auto tokenizer) { tokenizer(text, on_token); });
  }
  std::vector<std::string> tokenize(std::string_view text) const { return detail::collect_tokens(*this, text); }
  bool operator==(const Tokenizer&) const = default;

 private:
  template <class F> std::invoke_result_t<F, WordTokenizer> with(F&& f) const {
    switch (kind_) {
      case TokenizerKind::whitespace:
        return f(WhitespaceTokenizer{});
      case TokenizerKind::characters:
        return f(CharacterTokenizer{});
      case TokenizerKind::article:
        break;
    }
    return f(WordTokenizer{});
  }

  TokenizerKind kind_ = TokenizerKind::article;
};

}  // namespace unroll::inline UNROLL_ABI
