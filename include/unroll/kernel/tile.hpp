// The register tile under every product: a few vectors of rows times a few columns, summed over k in registers.
//
// Here and in what is made of tiles, O is the type of the operands in memory and A that of the sums, float or double. A
// level cuts by the sums; an operand becomes an A where a tile loads it. A is O unless said otherwise.
#pragma once

#include <algorithm>

#include <unroll/core/config.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/load.hpp>
#include <unroll/kernel/simd.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Packed left operands are panels of this many rows, [panel][k][row], whatever the vector width.
inline constexpr Index panel_rows = 16;

/// How a level cuts a product into tiles. Sizes keep the sums, one column of vectors and one broadcast in registers,
/// and without FMA a product on its way to its sum. There a broadcast is two instructions, one of which competes with
/// the arithmetic: fewer columns, more rows.
template <class Isa, class A> struct Tiling {
  using V = typename Isa::template Vector<A>;
  static constexpr int width = V::width;
  static constexpr bool fused = Isa::fuses;
  static constexpr int vectors_per_panel = static_cast<int>(panel_rows) / width;
  static constexpr int vectors = Isa::registers >= 32 || !fused ? 4 : 2;  // of rows in a tile
  static constexpr int columns = Isa::registers >= 32 || fused ? 6 : 2;
  static constexpr int panels = (std::max)(1, vectors / vectors_per_panel);
  static constexpr int vectors_of_panel = (std::min)(vectors, vectors_per_panel);
  static constexpr int parts = vectors_per_panel / vectors_of_panel;  // tiles below each other in one panel
};

/// The right operand: element (k, j) at k * row_stride + j * column_stride.
template <class O> struct StridedColumns {
  const O* data;
  Index row_stride, column_stride;
  UNROLL_INLINE StridedColumns from(Index k, Index j) const {
    return {data + k * row_stride + j * column_stride, row_stride, column_stride};
  }
};

/// Sums of Panels x Vectors vectors of rows and Columns columns.
template <class V, int Panels, int Vectors, int Columns> struct Tile {
  using A = typename V::Scalar;
  static constexpr int rows = Panels * Vectors;
  V sum[Columns][rows];

  UNROLL_INLINE void clear() {
    UNROLL_UNROLL
    for (int j = 0; j < Columns; ++j) {
      UNROLL_UNROLL
      for (int r = 0; r < rows; ++r) sum[j][r] = V();
    }
  }
  /// Starts to bring what will be added into the first cache, for as long as `multiply` takes.
  UNROLL_INLINE void fetch(const A* add, Index add_stride) const {
    UNROLL_UNROLL
    for (int j = 0; j < Columns; ++j) {
      UNROLL_UNROLL
      for (int r = 0; r < rows; ++r) __builtin_prefetch(add + j * add_stride + r * V::width, 1);
    }
  }
  /// sum += a b: for each k in order, one fma an element. `a` has its panels `panel_stride` apart and its k `a_stride`.
  template <class O>
  UNROLL_INLINE void multiply(const O* a, Index panel_stride, Index a_stride, const StridedColumns<O>& b, Index depth) {
    const O* column[Columns];
    UNROLL_UNROLL
    for (int j = 0; j < Columns; ++j) column[j] = b.data + j * b.column_stride;
    UNROLL_ONE_BY_ONE
    for (Index k = 0, at = 0; k < depth; ++k, at += b.row_stride, a += a_stride) {
      V rows_of_a[rows];
      UNROLL_UNROLL
      for (int r = 0; r < rows; ++r) rows_of_a[r] = load_as<V>(a + r / Vectors * panel_stride + r % Vectors * V::width);
      UNROLL_UNROLL
      for (int j = 0; j < Columns; ++j) {
        const V element = column[j][at];
        UNROLL_UNROLL
        for (int r = 0; r < rows; ++r) sum[j][r] = fma(rows_of_a[r], element, sum[j][r]);
      }
    }
  }
  /// c = sum, + what `add` points to where it is not null. Panels of c are below each other; only the first `limit`
  /// rows exist.
  UNROLL_INLINE void write(A* c, Index stride, Index limit, const A* add, Index add_stride) const {
    if (limit >= rows * V::width) {
      UNROLL_UNROLL
      for (int j = 0; j < Columns; ++j) {
        UNROLL_UNROLL
        for (int r = 0; r < rows; ++r) {
          (add != nullptr ? V::load(add + j * add_stride + r * V::width) + sum[j][r] : sum[j][r])
              .store(c + j * stride + r * V::width);
        }
      }
    } else {
      A row[rows * V::width];
      for (int j = 0; j < Columns; ++j) {
        UNROLL_UNROLL
        for (int r = 0; r < rows; ++r) sum[j][r].store(row + r * V::width);
        for (Index i = 0; i < limit; ++i)
          c[j * stride + i] = add != nullptr ? add[j * add_stride + i] + row[i] : row[i];
      }
    }
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
