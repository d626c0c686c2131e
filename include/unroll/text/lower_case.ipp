// Bodies of text/lower_case.hpp.
#pragma once

#include <cstddef>

#include <unroll/core/utf8.hpp>
#include <unroll/text/lower_case.hpp>
#include <unroll/text/unicode_words.ipp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::string lower_case(std::string_view text) {
  using Words = detail::UnicodeWords;
  std::string lower;
  lower.reserve(text.size());
  bool in_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = decode_code_point(text, at);
    const std::string_view bytes = text.substr(at, point.size);
    at += point.size;
    const auto part = point.valid ? detail::word_part(point.value) : Words::Part::separator;
    if (part != Words::Part::cased)
      lower += bytes;
    else
      Words::for_lower_case(point.value, in_word && !Words::word_goes_on(text, at),
                            [&](char32_t letter) { lower += encode_code_point(letter).view(); });
    if (part != Words::Part::dropped)
      in_word = part == Words::Part::letter || part == Words::Part::cased || (in_word && part == Words::Part::mark);
  }
  return lower;
}

}  // namespace unroll::inline UNROLL_ABI
