// Bodies of core/parameters.hpp.
#pragma once

#include <unroll/core/parameters.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION bool matches(std::string_view pattern, std::string_view path) {
  constexpr auto none = std::string_view::npos;
  std::size_t at = 0, star = none, after = 0;  // the last star, and the first character that it does not stand for
  for (std::size_t k = 0; k < path.size();)
    if (at < pattern.size() && pattern[at] == '*')
      star = at++, after = k;
    else if (at < pattern.size() && pattern[at] == path[k])
      ++at, ++k;
    else if (star != none)
      at = star + 1, k = ++after;  // an earlier star need not take more: the last one can
    else
      return false;
  return pattern.find_first_not_of('*', at) == none;
}

namespace detail {
UNROLL_FUNCTION void SetTrainable::set(const Path& path, bool& of_parameter) {
  if (pattern == "*" || matches(pattern, path.str())) any = true, of_parameter = trainable;
}
UNROLL_FUNCTION void SetTrainable::finish() const {
  require(any || pattern == "*", trainable ? "thaw" : "freeze", ": no parameter matches '", pattern, "'");
}

UNROLL_FUNCTION void require_same_shape(const Path& path, Index rows, Index cols, Index rows_there, Index cols_there) {
  if (rows != rows_there || cols != cols_there)
    fail("copy_parameters: ", path.str(), " is ", rows, " x ", cols, " here and ", rows_there, " x ", cols_there,
         " there");
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
