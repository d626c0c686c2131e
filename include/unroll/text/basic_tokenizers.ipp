// Bodies of text/basic_tokenizers.hpp.
#pragma once

#include <array>
#include <cstddef>

#include <unroll/text/basic_tokenizers.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
inline constexpr char deleted = 0, beyond_ascii = 1;
/// What WordTokenizer makes of a byte: a letter, a space, or one of the two above.
inline constexpr std::array<char, 256> ascii_words = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c)
    table[c] = c >= 0x80                                  ? beyond_ascii
               : c >= 'a' && c <= 'z'                     ? static_cast<char>(c)
               : c >= 'A' && c <= 'Z'                     ? static_cast<char>(c - 'A' + 'a')
               : is_white_space(static_cast<char32_t>(c)) ? ' '
                                                          : deleted;
  return table;
}();
}  // namespace detail

UNROLL_FUNCTION detail::TokenBuffer WordTokenizer::write(std::string_view text) {
  detail::TokenBuffer buffer(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char c = detail::ascii_words[static_cast<unsigned char>(text[at])];
    if (c != detail::beyond_ascii) [[likely]] {
      buffer.put(c, c != detail::deleted);
      ++at;
      continue;
    }
    const CodePoint point = decode_code_point(text, at);
    if (is_white_space(point.value)) buffer.put(' ');
    if (point.value == 0x0130) buffer.put('i');
    if (point.value == 0x212A) buffer.put('k');
    at += point.size;
  }
  return detail::moved(buffer);
}
UNROLL_FUNCTION std::vector<std::string> WordTokenizer::tokenize(std::string_view text) const {
  return detail::collect_tokens(*this, text);
}

UNROLL_FUNCTION detail::TokenBuffer WhitespaceTokenizer::write(std::string_view text) {
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
  return detail::moved(buffer);
}
UNROLL_FUNCTION std::vector<std::string> WhitespaceTokenizer::tokenize(std::string_view text) const {
  return detail::collect_tokens(*this, text);
}

UNROLL_FUNCTION std::vector<std::string> CharacterTokenizer::tokenize(std::string_view text) const {
  return detail::collect_tokens(*this, text);
}

}  // namespace unroll::inline UNROLL_ABI
