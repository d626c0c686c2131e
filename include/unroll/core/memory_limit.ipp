// Bodies of core/memory_limit.hpp.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/core/memory_limit.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION MemoryLimit::MemoryLimit(std::size_t bytes)
    : before_(std::exchange(left(), (std::min)(left(), bytes))) {}
UNROLL_FUNCTION MemoryLimit::~MemoryLimit() { left() = before_; }

UNROLL_FUNCTION void MemoryLimit::take(std::size_t bytes) {
  std::size_t& rest = left();
  if (rest == (std::numeric_limits<std::size_t>::max)()) return;
  require(bytes <= rest, "a matrix of ", bytes, " bytes, expected at most ", rest);
  rest -= bytes;
}
UNROLL_FUNCTION std::size_t& MemoryLimit::left() {
  static thread_local std::size_t bytes = (std::numeric_limits<std::size_t>::max)();
  return bytes;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
