// Bytes as characters that can be printed: how tokens that are no text are written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <unroll/core/utf8.hpp>

namespace unroll::inline UNROLL_ABI {

// The usual alphabet of byte-level encodings: a byte that is a visible character of Latin-1 (U+0021 to U+007E, U+00A1
// to U+00FF but for the soft hyphen U+00AD) is that character; the 68 others are U+0100, U+0101, .. in their order. So
// a space is U+0120, a line feed U+010A. What is written in it is UTF-8 and without white space.

namespace detail {
constexpr bool is_visible_latin1(char32_t c) {
  return (c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xFF && c != 0xAD);
}
}  // namespace detail

/// The character that stands for a byte.
constexpr char32_t letter_of_byte(std::uint8_t byte) {
  if (detail::is_visible_latin1(byte)) return byte;
  if (byte <= 0x20) return char32_t{0x100} + byte;
  return byte == 0xAD ? 0x143 : char32_t{0x121} + (byte - 0x7Fu);  // 0x7F to 0xA0 follow 33 others
}

/// The byte that a character stands for, or -1 for a character that stands for none.
constexpr int byte_of_letter(char32_t c) {
  if (detail::is_visible_latin1(c)) return static_cast<int>(c);
  if (c >= 0x100 && c <= 0x120) return static_cast<int>(c - 0x100);
  if (c >= 0x121 && c <= 0x142) return static_cast<int>(c - 0x121 + 0x7F);
  return c == 0x143 ? 0xAD : -1;
}

/// Bytes in this alphabet.
inline std::string spell_bytes(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += encode_code_point(letter_of_byte(static_cast<std::uint8_t>(c))).view();
  return text;
}

}  // namespace unroll::inline UNROLL_ABI
