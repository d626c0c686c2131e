// Bodies of core/size.hpp.
#pragma once

#include <unroll/core/size.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void require_size(std::string_view who, Index size, std::string_view what, Index least) {
  require(size >= least && size <= largest_size, who, ": ", size, " ", what, ", expected ", least, " to ",
          largest_size);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
