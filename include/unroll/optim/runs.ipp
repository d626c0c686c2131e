// Bodies of optim/runs.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/optim/runs.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void check_touched(const char* who, const Path& path, Index cols, const std::vector<Index>* touched) {
  if (touched == nullptr) return;
  for (const Index v : *touched)
    if (v < 0 || v >= cols) [[unlikely]]
      fail(who, ": the gradient of ", path.str(), " names column ", v, " as touched, it has ", cols);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
