// Operands of a product in the order in which its tiles read them.
#pragma once

#include <algorithm>
#include <cstring>

#include <unroll/core/config.hpp>
#include <unroll/kernel/tile.hpp>
#include <unroll/kernel/view.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

constexpr Index round_up(Index n, Index unit) { return (n + unit - 1) / unit * unit; }

/// Rows [row, row + n) of op(a), k in [k0, k0 + depth), as panels [panel][k][16]; rows that do not exist are 0.
template <class T>
UNROLL_INLINE void pack_rows(View<const T> a, Transpose t, Index row, Index n, Index k0, Index depth, T* to) {
  for (Index first = 0; first < n; first += panel_rows, to += panel_rows * depth) {
    const Index rows = (std::min)(panel_rows, n - first);
    const T* from = t == Transpose::no ? a.data + row + first + k0 * a.stride : a.data + (row + first) * a.stride + k0;
    if (rows < panel_rows) std::fill(to, to + panel_rows * depth, T(0));
    if (t == Transpose::no && rows == panel_rows) {
      for (Index k = 0; k < depth; ++k) std::memcpy(to + k * panel_rows, from + k * a.stride, sizeof(T) * panel_rows);
    } else if (t == Transpose::no) {
      for (Index k = 0; k < depth; ++k)
        for (Index r = 0; r < rows; ++r) to[k * panel_rows + r] = from[k * a.stride + r];
    } else {
      constexpr Index strip = 16;  // of each row at a time, so that lines of `to` are filled while they are near
      for (Index k = 0; k < depth; k += strip)
        for (Index r = 0; r < rows; ++r)
          for (Index i = k; i < (std::min)(k + strip, depth); ++i) to[i * panel_rows + r] = from[r * a.stride + i];
    }
  }
}

/// Columns [column, column + n) of b^T, k in [k0, k0 + depth), as [group of Columns][k][Columns].
template <int Columns, class T>
UNROLL_INLINE void pack_columns_of_transpose(View<const T> b, Index column, Index n, Index k0, Index depth, T* to) {
  for (Index first = 0; first < n; first += Columns, to += Columns * depth) {
    const Index columns = (std::min<Index>)(Columns, n - first);
    const T* from = b.data + column + first + k0 * b.stride;
    if (columns == Columns)
      for (Index k = 0; k < depth; ++k) std::memcpy(to + k * Columns, from + k * b.stride, sizeof(T) * Columns);
    else
      for (Index k = 0; k < depth; ++k)
        for (Index j = 0; j < columns; ++j) to[k * Columns + j] = from[k * b.stride + j];
  }
}

/// What is added to a product: column j at data + j * stride, or nothing.
template <class T> struct Addend {
  const T* data = nullptr;
  Index stride = 0;
  UNROLL_INLINE Addend from(Index row, Index j) const {
    return data == nullptr ? *this : Addend{data + row + j * stride, stride};
  }
};

/// The left operand: row r of panel p at k is at p * panel_stride + k * stride + r.
template <class T> struct LeftPanels {
  const T* data;
  Index panel_stride, stride;
};

/// The right operand, in groups of Columns: column j of a group at k is at k * row_stride + j * column_stride.
template <class T> struct RightGroups {
  const T* data;
  Index row_stride, column_stride, group_stride;
  template <int Columns> UNROLL_INLINE StridedColumns<T> at(Index j) const {
    return {data + j / Columns * group_stride + j % Columns * column_stride, row_stride, column_stride};
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
