// Where a tokenizer writes what it keeps of a text, to be cut into tokens.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/utf8.hpp>
#include <unroll/text/token.hpp>

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

  /// Writes a code point in UTF-8, by one store of four bytes: there is padding behind.
  void put(char32_t point) {
    const Utf8 utf8 = encode_code_point(point);
    std::memcpy(end_, utf8.bytes.data(), utf8.bytes.size());
    end_ += utf8.size;
  }
  /// Whether what was written last is part of a token.
  bool in_token() const { return end_ != begin_.get() && end_[-1] != ' '; }

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

/// A function that returns its local buffer this way keeps its end in a register: who returns the buffer itself fills
/// that of the caller, which what is written into the buffer might change.
inline TokenBuffer moved(TokenBuffer& buffer) { return std::move(buffer); }

template <class Tokenize> std::vector<std::string> collect_tokens(const Tokenize& tokenizer, std::string_view text) {
  std::vector<std::string> tokens;
  tokenizer(text, [&](std::string_view token) { tokens.emplace_back(token); });
  return tokens;
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
