// Bodies of core/utf8.hpp.
#pragma once

#include <unroll/core/utf8.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_code_point(text, [&](const CodePoint& point, std::string_view bytes) {
    out += point.valid ? bytes : replacement_character_utf8;
  });
  return out;
}

}  // namespace unroll::inline UNROLL_ABI
