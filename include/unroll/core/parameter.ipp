// Bodies of core/parameter.hpp.
#pragma once

#include <unroll/core/parameter.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::string Path::str() const {
  std::string text, end;
  write(text, end);
  return text + end;
}

UNROLL_FUNCTION void Path::write(std::string& text, std::string& end) const {
  if (parent != nullptr) parent->write(text, end);
  if (!name.empty() || number >= 0) {
    if (!text.empty()) text += '.';
    detail::append(text, name);
    if (number >= 0) detail::append(text, number);
  }
  if (layer_number >= 0) {
    end += "_l";
    detail::append(end, layer_number);
  }
  end += suffix;
}

}  // namespace unroll::inline UNROLL_ABI
