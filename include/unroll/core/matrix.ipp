// Bodies of core/matrix.hpp.
#pragma once

#include <new>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/core/memory_limit.hpp>
#include <unroll/core/size.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION Index elements_of_matrix(Index rows, Index cols, std::size_t bytes_of_element) {
  const Index size = product_of_sizes(rows, cols);
  require(rows >= 0 && cols >= 0, "Matrix: ", rows, " x ", cols, ", expected sizes of at least 0");
  require(product_of_sizes(size, static_cast<Index>(bytes_of_element)) >= 0, "Matrix: ", rows, " x ", cols,
          " elements are more than memory can hold");
  return size;
}

inline constexpr std::align_val_t matrix_alignment{64};
UNROLL_FUNCTION void* allocate_matrix(std::size_t bytes) {
  const std::size_t lines = (bytes + 63) / 64 * 64;
  MemoryLimit::take(lines);
  return ::operator new(lines, matrix_alignment);
}
UNROLL_FUNCTION void release_matrix(void* storage) noexcept { ::operator delete(storage, matrix_alignment); }
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
