// Bodies of train/epoch_windows.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/train/epoch_windows.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void require_window_taken(bool taken, const char* member) {
  require(taken, "fit: the streams have drawn windows, but their ", member,
          " takes only the number of one; see the concept Streams");
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
