// UTF-8: code points out of bytes that may be anything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// What stands for bytes that are not UTF-8 (U+FFFD, the replacement character).
inline constexpr char32_t replacement_character = 0xFFFD;
inline constexpr std::string_view replacement_character_utf8 = "\xEF\xBF\xBD";

/// A code point and the number of bytes it was read from (1 to 4).
struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;
  bool valid = false;  ///< false: the bytes are not UTF-8 and `value` is U+FFFD

  bool operator==(const CodePoint&) const = default;
};

/// The code point that begins at text[at], where at < text.size(). Never reads past the text.
///
/// Bytes that are not UTF-8 give U+FFFD exactly as often as Python's `decode('utf-8', errors='replace')` and browsers
/// write it: once for the longest run of bytes that could have begun a code point (Unicode 15, section 3.9, "maximal
/// subparts"), else once a byte. So a truncated 4-byte character is one U+FFFD, a lone continuation byte one, an
/// overlong form or a surrogate one for each of its bytes; the byte that broke a sequence is read again as itself.
constexpr CodePoint decode_code_point(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(text[at + i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  if (lead < 0xC2 || lead > 0xF4) return {replacement_character, 1, false};
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte alone rules out overlong forms, surrogates and values past U+10FFFF.
  std::uint32_t low = 0x80, high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  std::uint32_t value = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i, low = 0x80, high = 0xBF) {
    if (at + i >= text.size() || byte(i) < low || byte(i) > high) return {replacement_character, i, false};
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  return {value, size, true};
}

/// A code point in UTF-8, zeros behind it.
struct Utf8 {
  std::array<char, 4> bytes{};
  std::size_t size = 0;

  constexpr std::string_view view() const { return {bytes.data(), size}; }
};

/// The UTF-8 of a code point; that of U+FFFD for a surrogate or what is past U+10FFFF.
constexpr Utf8 encode_code_point(char32_t point) {
  const auto lead = [&](std::uint32_t mark, int shift) { return static_cast<char>(mark | point >> shift); };
  const auto next = [&](int shift) { return static_cast<char>(0x80u | (point >> shift & 0x3Fu)); };
  if (point < 0x80) return {{lead(0, 0)}, 1};
  if (point < 0x800) return {{lead(0xC0, 6), next(0)}, 2};
  if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) point = replacement_character;
  if (point < 0x10000) return {{lead(0xE0, 12), next(6), next(0)}, 3};
  return {{lead(0xF0, 18), next(12), next(6), next(0)}, 4};
}

/// Calls on_code_point(CodePoint, bytes it came from) for each code point of the text.
template <class Callback> constexpr void for_each_code_point(std::string_view text, Callback&& on_code_point) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = decode_code_point(text, at);
    on_code_point(point, text.substr(at, point.size));
    at += point.size;
  }
}

constexpr bool is_valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = decode_code_point(text, at);
    if (!point.valid) return false;
    at += point.size;
  }
  return true;
}

/// The text with U+FFFD where it was not UTF-8.
UNROLL_API std::string replace_invalid_utf8(std::string_view text);

/// The 29 code points that Python's `str.isspace`, `str.split` and the `\s` of its `re` take for white space. Unlike
/// Unicode's White_Space they include the separators U+001C to U+001F.
constexpr bool is_white_space(char32_t c) {
  if (c < 0x80) return c == 0x20 || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/utf8.ipp>
#endif
