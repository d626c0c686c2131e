// Bodies of core/error.hpp.
#pragma once

#include <charconv>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void Part::append_to(std::string& out) const {
  char digits[64];
  char* end = digits;
  switch (kind_) {
    case Kind::text:
      out += value_.text;
      break;
    case Kind::character:
      out += value_.character;
      break;
    case Kind::integer:
      end = std::to_chars(digits, digits + sizeof digits, value_.integer).ptr;
      break;
    case Kind::natural:
      end = std::to_chars(digits, digits + sizeof digits, value_.natural).ptr;
      break;
    case Kind::real:
      end = std::to_chars(digits, digits + sizeof digits, value_.real, std::chars_format::general, 6).ptr;
      break;
  }
  out.append(digits, end);
}

namespace detail {
UNROLL_FUNCTION std::string join(std::initializer_list<Part> parts) {
  std::string out;
  for (const Part& part : parts) part.append_to(out);
  return out;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
