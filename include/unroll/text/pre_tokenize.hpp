// The pieces that byte-pair encoding keeps apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

enum class ByteClass : std::uint8_t { space, letter, digit, other };

constexpr ByteClass class_of_byte(char c) {
  if (c == ' ' || (c >= '\t' && c <= '\r')) return ByteClass::space;
  if (c >= '0' && c <= '9') return ByteClass::digit;
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
  return is_letter ? ByteClass::letter : ByteClass::other;
}

/// Where the run of one class that begins at text[at] ends.
constexpr std::size_t end_of_run(std::string_view text, std::size_t at) {
  const ByteClass run = class_of_byte(text[at]);
  while (++at < text.size() && class_of_byte(text[at]) == run) {
  }
  return at;
}

}  // namespace detail

/// Calls on_piece(std::string_view) with the pieces of a text, whose concatenation is the text: any bytes. A piece is a
/// run of letters, of digits or of other characters, with the space before it, if there is one, or a run of white space
/// but for that space. White space, letters and digits are those of ASCII; bytes beyond it are letters, so that no
/// table of Unicode, which changes, decides what a text encodes to. "I don't  know" is [I] [ don] ['] [t] [ ] [ know].
template <class Callback> constexpr void pre_tokenize(std::string_view text, Callback&& on_piece) {
  for (std::size_t at = 0, end = 0; at < text.size(); at = end) {
    end = detail::end_of_run(text, at);
    if (detail::class_of_byte(text[at]) == detail::ByteClass::space && end < text.size() && text[end - 1] == ' ') {
      if (end - at > 1)
        --end;  // the last space leads the next piece
      else
        end = detail::end_of_run(text, end);
    }
    on_piece(text.substr(at, end - at));
  }
}

}  // namespace unroll::inline UNROLL_ABI
