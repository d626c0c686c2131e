// A token on its way from a tokenizer to a table of ids.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// The bytes of a token (UTF-8), and the first eight of them in a register. Most words have no more than eight letters,
/// so a table need not touch memory to hash and compare them, and a tokenizer that has padding behind its buffer gets
/// the register with one load. Converts to and from std::string_view.
class Token {
 public:
  static constexpr std::size_t prefix_size = 8;

  Token(std::string_view text) : text_(text), prefix_(prefix_of(text)) {}

  /// The `size` bytes at `data`, of which at least `prefix_size` can be read whatever the size.
  static Token from_padded(const char* data, std::size_t size) {
    std::uint64_t word;
    std::memcpy(&word, data, prefix_size);
    if (size < prefix_size) word &= first_bytes(size);
    return Token({data, size}, word);
  }

  operator std::string_view() const { return text_; }
  std::string_view text() const { return text_; }
  std::size_t size() const { return text_.size(); }
  /// The first eight bytes in memory order, zeros behind a shorter token.
  std::uint64_t prefix() const { return prefix_; }

 private:
  Token(std::string_view text, std::uint64_t prefix) : text_(text), prefix_(prefix) {}

  static std::uint64_t prefix_of(std::string_view text) {
    std::uint64_t word = 0;
    if (!text.empty()) std::memcpy(&word, text.data(), text.size() < prefix_size ? text.size() : prefix_size);
    return word;
  }
  static constexpr std::uint64_t first_bytes(std::size_t count) {
    const auto bits = static_cast<int>(8 * count);
    const std::uint64_t low = (std::uint64_t{1} << bits) - 1;
    return std::endian::native == std::endian::little ? low : std::rotr(low, bits);
  }

  std::string_view text_;
  std::uint64_t prefix_;
};

}  // namespace unroll::inline UNROLL_ABI
