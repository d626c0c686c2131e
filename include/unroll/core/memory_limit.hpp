// A bound on what matrices may take while sizes from outside decide.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// While it lives, the matrices that this thread allocates may take so many bytes in all, those that are gone again
/// counted too. Sizes that each stand in a file may not belong to each other: 20000 columns of one row are 80 kB, the
/// recurrent layer of 20000 units that somebody builds from them has 6 GB.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::size_t bytes) : before_(std::exchange(left(), (std::min)(left(), bytes))) {}
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  ~MemoryLimit() { left() = before_; }

  /// Called by whoever allocates.
  static void take(std::size_t bytes) {
    std::size_t& rest = left();
    if (rest == (std::numeric_limits<std::size_t>::max)()) return;
    require(bytes <= rest, "a matrix of ", bytes, " bytes, expected at most ", rest);
    rest -= bytes;
  }

 private:
  static std::size_t& left() {
    static thread_local std::size_t bytes = (std::numeric_limits<std::size_t>::max)();
    return bytes;
  }

  std::size_t before_;
};

}  // namespace unroll::inline UNROLL_ABI::detail
