// Files of lines: parts cut off the front of a text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Cuts the part up to the next `end` off the front of the text.
inline std::string_view take_until(std::string_view& text, char end) {
  const std::size_t size = (std::min)(text.find(end), text.size());
  const std::string_view part = text.substr(0, size);
  text.remove_prefix((std::min)(size + 1, text.size()));
  return part;
}

/// The next line, which may end in CRLF or with the text.
inline std::string_view take_line(std::string_view& text) {
  std::string_view line = take_until(text, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace unroll::inline UNROLL_ABI::detail
