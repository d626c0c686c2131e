// Sizes that come from outside: what they may be.
#pragma once

#include <algorithm>
#include <limits>
#include <string_view>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// What a size of a layer may be at most: some gates times as many units are still an Index.
inline constexpr Index largest_size = (std::min<Index>)((std::numeric_limits<Index>::max)() / 64, 2147483647);

namespace detail {
/// a * b, or -1 where one of them is negative or the product more than an Index holds.
constexpr Index product_of_sizes(Index a, Index b) {
  if (a < 0 || b < 0 || (b > 0 && a > (std::numeric_limits<Index>::max)() / b)) return -1;
  return a * b;
}
UNROLL_API void require_size(std::string_view who, Index size, std::string_view what, Index least);
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/size.ipp>
#endif
