// A bound on what matrices may take while sizes from outside decide.
#pragma once

#include <cstddef>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// While it lives, the matrices that this thread allocates may take so many bytes in all, those that are gone again
/// counted too. Sizes that each stand in a file may not belong to each other: 20000 columns of one row are 80 kB, the
/// recurrent layer of 20000 units that somebody builds from them has 6 GB.
class MemoryLimit {
 public:
  UNROLL_API explicit MemoryLimit(std::size_t bytes);
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  UNROLL_API ~MemoryLimit();

  /// Called by whoever allocates.
  UNROLL_API static void take(std::size_t bytes);

 private:
  static std::size_t& left();

  std::size_t before_;
};

}  // namespace unroll::inline UNROLL_ABI::detail

#if UNROLL_HEADER_ONLY
#include <unroll/core/memory_limit.ipp>
#endif
