// C = op(A) op(B), blocked for registers and caches. Column-major throughout.
//
// Each element of C is the sum over blocks of `depth_block` products, first to last or last to first, and each block is
// summed in the order of k from 0, by fma where the level has it. Neither the sizes nor the place of the element enter:
// a product computed in pieces of C, by threads or by calls, has the same bits, and so has AVX2 beside AVX-512.
// Operands are of type O, sums and C of type A (kernel/tile.hpp).
#pragma once

#include <algorithm>
#include <type_traits>

#include <unroll/core/config.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/panels.hpp>
#include <unroll/kernel/tile.hpp>
#include <unroll/kernel/view.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

inline constexpr Index depth_block = 256;    // part of the meaning: changes the bits of sums longer than this
inline constexpr Index column_block = 384;   // of B a block, which stays in L2
inline constexpr Index direct_columns = 12;  // up to here reading A in place costs less than packing it

}  // namespace detail

/// Room for packed operands. Keeps its memory; one for each thread.
template <class O> struct ProductScratch {
  Matrix<O> a, b;

  /// For c (rows, cols) = a op(b) with a sum over `depth`, and any part of c, unless a is packed already or b not
  /// transposed.
  void reserve(Index rows, Index cols, Index depth, bool pack_a = true, bool pack_b = true) {
    const Index packed_rows = cols > detail::column_block ? rows : (std::min)(rows, 4 * detail::panel_rows);
    depth = (std::min)(depth, detail::depth_block);
    if (pack_a) a.resize(detail::round_up(packed_rows, detail::panel_rows), depth);
    if (pack_b) b.resize(detail::round_up((std::min)(cols, detail::column_block), 12), depth);
  }
};

namespace detail {

template <class V, int Panels, int Vectors, int Columns, class O, class A>
UNROLL_INLINE void multiply_tile(const LeftPanels<O>& a, const StridedColumns<O>& b, Index depth, View<A> c,
                                 Addend<A> add) {
  Tile<V, Panels, Vectors, Columns> tile;
  tile.clear();
  if (add.stride > 0) tile.fetch(add.data, add.stride);
  tile.multiply(a.data, a.panel_stride, a.stride, b, depth);
  tile.write(c.data, c.stride, c.rows, add.data, add.stride);
}

/// `Panels` panels of the left operand times all columns of c, for one block of k.
template <class Isa, int Panels, class O, class A>
UNROLL_INLINE void multiply_panels(const LeftPanels<O>& a, const RightGroups<O>& b, Index depth, View<A> c,
                                   const Addend<A>& addend) {
  using G = Tiling<Isa, A>;
  using V = typename G::V;
  constexpr int vectors = Panels > 1 ? G::vectors_per_panel : G::vectors_of_panel;
  constexpr int rows = Panels > 1 ? Panels * static_cast<int>(panel_rows) : vectors * G::width;
  for (Index first = 0; first < (std::min)(c.rows, Panels * panel_rows); first += rows) {
    const LeftPanels<O> left{a.data + first, a.panel_stride, a.stride};
    for (Index j = 0; j < c.cols;) {
      const View<A> to{c.data + first + j * c.stride, c.rows - first, 0, c.stride};
      const StridedColumns<O> right = b.template at<G::columns>(j);
      const Addend<A> add = addend.from(first, j);
      if (c.cols - j >= G::columns) {
        multiply_tile<V, Panels, vectors, G::columns>(left, right, depth, to, add);
        j += G::columns;
      } else if (G::columns > 4 && c.cols - j >= 4) {
        multiply_tile<V, Panels, vectors, 4>(left, right, depth, to, add);
        j += 4;
      } else if (c.cols - j >= 2) {
        multiply_tile<V, Panels, vectors, 2>(left, right, depth, to, add);
        j += 2;
      } else {
        multiply_tile<V, Panels, vectors, 1>(left, right, depth, to, add);
        j += 1;
      }
    }
  }
}

/// The innermost loops as a kernel of their own, so that all products and recurrent steps share one copy.
template <int Count> struct MultiplyPanels {
  template <class Isa, class O, class A>
  static UNROLL_INLINE void run(LeftPanels<O> a, RightGroups<O> b, Index depth, View<A> c, Addend<A> addend) {
    multiply_panels<Isa, Count>(a, b, depth, c, addend);
  }
};

template <class O, class A = O> struct ProductArguments {
  View<A> c;
  View<const O> a;  // its data is null where packed_a is not
  Transpose transpose_a;
  const O* packed_a;
  View<const O> b;
  Transpose transpose_b;
  Index depth;
  bool accumulate;
  Blocks order = Blocks::ascending;
  const A* bias = nullptr;
  O *room_a = nullptr, *room_b = nullptr;

  Index blocks() const { return (depth + depth_block - 1) / depth_block; }
  /// The first k of the block that is added as number i.
  Index block(Index i) const { return (order == Blocks::ascending ? i : blocks() - 1 - i) * depth_block; }
};

struct Product {
  template <class Isa, class O, class A> static UNROLL_INLINE void run(ProductArguments<O, A> p) {
    if constexpr (Isa::template width<A> == 1)
      plain(p);
    else
      blocked<Isa>(p);
  }

  template <class Isa, class O, class A> static UNROLL_INLINE void blocked(const ProductArguments<O, A>& p) {
    using G = Tiling<Isa, A>;
    constexpr Index rows_at_once = G::panels * panel_rows;
    const View<A>& c = p.c;
    const bool direct = p.packed_a == nullptr && p.transpose_a == Transpose::no && c.cols <= direct_columns;
    const bool pack_all = p.packed_a == nullptr && c.cols > column_block;
    for (Index i = 0; i < p.blocks(); ++i) {
      const Index k0 = p.block(i), depth = (std::min)(depth_block, p.depth - k0);
      const Addend<A> all = p.accumulate || i > 0 ? Addend<A>{c.data, c.stride} : Addend<A>{p.bias, 0};
      if (pack_all) pack_rows(p.a, p.transpose_a, 0, c.rows, k0, depth, p.room_a);
      for (Index j0 = 0; j0 < c.cols; j0 += column_block) {
        const Index n = (std::min)(column_block, c.cols - j0);
        RightGroups<O> right{p.b.data + j0 * p.b.stride + k0, 1, p.b.stride, G::columns * p.b.stride};
        if (p.transpose_b == Transpose::yes) {
          pack_columns_of_transpose<G::columns>(p.b, j0, n, k0, depth, p.room_b);
          right = {p.room_b, G::columns, 1, G::columns * depth};
        }
        for (Index row = 0, rows = 0; row < c.rows; row += rows) {
          rows = (std::min)(rows_at_once, c.rows - row);
          LeftPanels<O> left{p.room_a, panel_rows * depth, panel_rows};
          if (p.packed_a != nullptr) {
            left = {p.packed_a + row * p.depth + k0 * panel_rows, panel_rows * p.depth, panel_rows};
          } else if (pack_all) {
            left.data += row * depth;
          } else if (direct && rows >= panel_rows) {
            rows = rows < rows_at_once ? panel_rows : rows;
            left = {p.a.data + row + k0 * p.a.stride, panel_rows, p.a.stride};
          } else {
            pack_rows(p.a, p.transpose_a, row, rows, k0, depth, p.room_a);
          }
          const View<A> to{c.data + row + j0 * c.stride, rows, n, c.stride};
          const Addend<A> add = all.from(row, j0);
          if (G::panels > 1 && rows > rows_at_once - panel_rows) {
            call<Isa, MultiplyPanels<G::panels>>(left, right, depth, to, add);
          } else {
            for (Index first = 0; first < rows; first += panel_rows, left.data += left.panel_stride)
              call<Isa, MultiplyPanels<1>>(
                  left, right, depth, to.middle_rows(first, (std::min)(panel_rows, rows - first)), add.from(first, 0));
          }
        }
      }
    }
  }

  /// The reference.
  template <class O, class A> static void plain(const ProductArguments<O, A>& p) {
    for (Index j = 0; j < p.c.cols; ++j)
      for (Index row = 0; row < p.c.rows; row += panel_rows) {
        const Index rows = (std::min)(panel_rows, p.c.rows - row);
        A* c = p.c.data + row + j * p.c.stride;
        for (Index block = 0; block < p.blocks(); ++block) {
          const Index k0 = p.block(block);
          A sum[panel_rows] = {};
          for (Index k = k0; k < (std::min)(k0 + depth_block, p.depth); ++k) {
            const A b = p.transpose_b == Transpose::no ? p.b.data[k + j * p.b.stride] : p.b.data[j + k * p.b.stride];
            for (Index i = 0; i < rows; ++i)
              sum[i] += b * as<A>(p.packed_a != nullptr            ? p.packed_a[row * p.depth + k * panel_rows + i]
                                  : p.transpose_a == Transpose::no ? p.a.data[row + i + k * p.a.stride]
                                                                   : p.a.data[(row + i) * p.a.stride + k]);
          }
          for (Index i = 0; i < rows; ++i)
            c[i] = p.accumulate || block > 0 ? c[i] + sum[i] : p.bias != nullptr ? p.bias[row + i] + sum[i] : sum[i];
        }
      }
  }
};

template <class O, class A> UNROLL_API void run_product(ProductArguments<O, A> p, ProductScratch<O>& scratch);
template <class O, class A> void run_product(ProductArguments<O, A> p, ProductScratch<O>& scratch) {
  if (p.depth == 0 && !p.accumulate)
    for (Index j = 0; j < p.c.cols; ++j)
      for (Index i = 0; i < p.c.rows; ++i) p.c.data[i + j * p.c.stride] = p.bias != nullptr ? p.bias[i] : A(0);
  if (p.depth == 0 || p.c.rows == 0 || p.c.cols == 0) return;
  scratch.reserve(p.c.rows, p.c.cols, p.depth, p.packed_a == nullptr, p.transpose_b == Transpose::yes);
  p.room_a = scratch.a.data();
  p.room_b = scratch.b.data();
  dispatch<Product>(p);
}

#define UNROLL_PRODUCT_INSTANCES(DECLARE)                                           \
  DECLARE void run_product<float>(ProductArguments<float>, ProductScratch<float>&); \
  DECLARE void run_product<double>(ProductArguments<double>, ProductScratch<double>&);
#if !UNROLL_HEADER_ONLY
UNROLL_PRODUCT_INSTANCES(extern template)
#endif

}  // namespace detail

/// c = op(a) op(b), or c += with `accumulate`, else + bias (rows) in every column where it is not null. c may not
/// overlap a or b.
template <class O, class A = O>
void product(std::type_identity_t<View<A>> c, std::type_identity_t<View<const O>> a, Transpose transpose_a,
             std::type_identity_t<View<const O>> b, Transpose transpose_b, Accumulate accumulate,
             ProductScratch<O>& scratch, Blocks order = Blocks::ascending,
             const std::type_identity_t<A>* bias = nullptr) {
  const Index depth = transpose_a == Transpose::no ? a.cols : a.rows;
  UNROLL_ASSERT(c.rows == (transpose_a == Transpose::no ? a.rows : a.cols) &&
                    c.cols == (transpose_b == Transpose::no ? b.cols : b.rows) &&
                    depth == (transpose_b == Transpose::no ? b.rows : b.cols),
                "product: sizes differ");
  detail::run_product<O, A>(
      {c, a, transpose_a, nullptr, b, transpose_b, depth, accumulate == Accumulate::yes, order, bias}, scratch);
}

/// c = a op(b), or c += with `accumulate`; the same bits as from the matrix that was packed.
template <class O, class A = O>
void product(std::type_identity_t<View<A>> c, const PackedMatrix<O>& a, std::type_identity_t<View<const O>> b,
             Transpose transpose_b, Accumulate accumulate, ProductScratch<O>& scratch,
             const std::type_identity_t<A>* bias = nullptr) {
  UNROLL_ASSERT(c.rows == a.rows() && c.cols == (transpose_b == Transpose::no ? b.cols : b.rows) &&
                    a.depth() == (transpose_b == Transpose::no ? b.rows : b.cols),
                "product: sizes differ");
  detail::run_product<O, A>({c,
                             {},
                             Transpose::no,
                             a.data(),
                             b,
                             transpose_b,
                             a.depth(),
                             accumulate == Accumulate::yes,
                             Blocks::ascending,
                             bias},
                            scratch);
}

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
