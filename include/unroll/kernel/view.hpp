// Matrices in someone else's memory, as kernels take them.
#pragma once

#include <type_traits>

#include <Eigen/Core>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

enum class Transpose { no, yes };
/// Whether a product is added to what is there, or replaces it.
enum class Accumulate { no, yes };
/// In which order the blocks of a long sum are added.
enum class Blocks { ascending, descending };

/// A matrix (rows, cols) in someone else's memory, column j at data + j * stride.
template <class T> struct View {
  T* data = nullptr;
  Index rows = 0, cols = 0, stride = 0;

  View middle_cols(Index first, Index n) const { return {data + first * stride, rows, n, stride}; }
  View middle_rows(Index first, Index n) const { return {data + first, n, cols, stride}; }
  operator View<const T>() const requires(!std::is_const_v<T>)
  {
    return {data, rows, cols, stride};
  }
};
/// Of a column-major Eigen matrix, map, block of whole columns or rows.
template <class Derived> auto view(Eigen::DenseBase<Derived>& m) {
  return View<typename Derived::Scalar>{m.derived().data(), m.rows(), m.cols(), m.derived().outerStride()};
}
template <class Derived> auto view(const Eigen::DenseBase<Derived>& m) {
  return View<const typename Derived::Scalar>{m.derived().data(), m.rows(), m.cols(), m.derived().outerStride()};
}

}  // namespace unroll::inline UNROLL_ABI
