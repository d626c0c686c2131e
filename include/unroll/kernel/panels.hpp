// Operands of a product in the order in which its tiles read them.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include <unroll/core/config.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/kernel/tile.hpp>
#include <unroll/kernel/view.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

constexpr Index round_up(Index n, Index unit) { return (n + unit - 1) / unit * unit; }

/// Rows [row, row + n) of op(a), k in [k0, k0 + depth), as panels [panel][k][16]; rows that do not exist are 0.
template <class O>
UNROLL_INLINE void pack_rows(View<const O> a, Transpose t, Index row, Index n, Index k0, Index depth, O* to) {
  for (Index first = 0; first < n; first += panel_rows, to += panel_rows * depth) {
    const Index rows = (std::min)(panel_rows, n - first);
    const O* from = t == Transpose::no ? a.data + row + first + k0 * a.stride : a.data + (row + first) * a.stride + k0;
    if (rows < panel_rows) std::fill(to, to + panel_rows * depth, O(0));
    if (t == Transpose::no && rows == panel_rows) {
      for (Index k = 0; k < depth; ++k) std::memcpy(to + k * panel_rows, from + k * a.stride, sizeof(O) * panel_rows);
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
/// The same of numbers that operands are rounded from.
template <class From, class O>
void pack_rows(View<const From> a, Transpose t, Index row, Index n, Index k0, Index depth, O* to) {
  std::fill(to, to + round_up(n, panel_rows) * depth, O(0));
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < depth; ++k) {
      const Index r = row + i, c = k0 + k;
      to[(i / panel_rows * depth + k) * panel_rows + i % panel_rows] =
          static_cast<O>(t == Transpose::no ? a.data[r + c * a.stride] : a.data[r * a.stride + c]);
    }
}

/// Columns [column, column + n) of b^T, k in [k0, k0 + depth), as [group of Columns][k][Columns].
template <int Columns, class O>
UNROLL_INLINE void pack_columns_of_transpose(View<const O> b, Index column, Index n, Index k0, Index depth, O* to) {
  for (Index first = 0; first < n; first += Columns, to += Columns * depth) {
    const Index columns = (std::min<Index>)(Columns, n - first);
    const O* from = b.data + column + first + k0 * b.stride;
    if (columns == Columns)
      for (Index k = 0; k < depth; ++k) std::memcpy(to + k * Columns, from + k * b.stride, sizeof(O) * Columns);
    else
      for (Index k = 0; k < depth; ++k)
        for (Index j = 0; j < columns; ++j) to[k * Columns + j] = from[k * b.stride + j];
  }
}

/// What is added to a product: column j at data + j * stride, or nothing.
template <class A> struct Addend {
  const A* data = nullptr;
  Index stride = 0;
  UNROLL_INLINE Addend from(Index row, Index j) const {
    return data == nullptr ? *this : Addend{data + row + j * stride, stride};
  }
};

/// The left operand: row r of panel p at k is at p * panel_stride + k * stride + r.
template <class O> struct LeftPanels {
  const O* data;
  Index panel_stride, stride;
};

/// The right operand, in groups of Columns: column j of a group at k is at k * row_stride + j * column_stride.
template <class O> struct RightGroups {
  const O* data;
  Index row_stride, column_stride, group_stride;
  template <int Columns> UNROLL_INLINE StridedColumns<O> at(Index j) const {
    return {data + j / Columns * group_stride + j % Columns * column_stride, row_stride, column_stride};
  }
};

}  // namespace detail

/// A left operand in the order in which products read it: for weights that many products share.
template <class O> class PackedMatrix {
 public:
  /// op(a). Keeps its memory from call to call.
  template <class From = O> void pack(std::type_identity_t<View<const From>> a, Transpose t) {
    rows_ = t == Transpose::no ? a.rows : a.cols;
    depth_ = t == Transpose::no ? a.cols : a.rows;
    panels_.resize(detail::round_up(rows_, detail::panel_rows), depth_);
    detail::pack_rows(a, t, 0, rows_, 0, depth_, panels_.data());
  }
  Index rows() const { return rows_; }
  Index depth() const { return depth_; }
  const O* data() const { return panels_.data(); }

 private:
  Matrix<O> panels_;
  Index rows_ = 0, depth_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
