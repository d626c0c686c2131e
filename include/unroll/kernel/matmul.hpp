// Products of matrices on all threads.
#pragma once

#include <type_traits>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/kernel/elementwise.hpp>
#include <unroll/kernel/product.hpp>

namespace unroll::inline UNROLL_ABI {

/// Room for the packed operands of a product, for each thread. Keeps its memory; belongs to a cache.
template <class O> struct MatmulScratch {
  std::vector<ProductScratch<O>> pieces;

  /// For a whole product and any part of it: how it is cut may change from one batch to the next, room must not.
  void reserve(Index rows, Index cols, Index depth) {
    const auto most = static_cast<std::size_t>(threads());
    if (pieces.size() < most) pieces.resize(most);
    for (auto& piece : pieces) piece.reserve(rows, cols, depth);
  }
};

namespace detail {
template <class M> using SumsOf = typename std::remove_cvref_t<M>::Scalar;
template <class O, class A>
UNROLL_API void multiply_views(View<A> to, View<const O> left, Transpose transpose_a, View<const O> right,
                               Transpose transpose_b, Accumulate accumulate, MatmulScratch<O>& scratch, Blocks order,
                               const std::type_identity_t<A>* bias);
template <class O, class A>
UNROLL_API void multiply_views(View<A> to, const PackedMatrix<O>& a, View<const O> right, Transpose transpose_b,
                               Accumulate accumulate, MatmulScratch<O>& scratch, const std::type_identity_t<A>* bias);
template <class T> UNROLL_API void add_row_sums_of(View<const T> all, T* b, Blocks order);
}  // namespace detail

/// c = op(a) op(b) + bias (rows, or null), or c += with `accumulate`, for matrices and blocks of whole rows or columns.
/// Threads split c, never a sum: the same bits for any number of them. a and b are of the type O; sums, c and bias may
/// be of another.
template <class C, class A, class B, class O>
void matmul(C&& c, const A& a, Transpose transpose_a, const B& b, Transpose transpose_b, Accumulate accumulate,
            MatmulScratch<O>& scratch, Blocks order = Blocks::ascending, const detail::SumsOf<C>* bias = nullptr) {
  detail::multiply_views<O>(view(c), view(a), transpose_a, view(b), transpose_b, accumulate, scratch, order, bias);
}

/// c = a op(b) + bias (rows, or null), or c += a op(b) with `accumulate`, for a packed a. Threads split the columns of
/// c.
template <class C, class B, class O>
void matmul(C&& c, const PackedMatrix<O>& a, const B& b, Transpose transpose_b, Accumulate accumulate,
            MatmulScratch<O>& scratch, const detail::SumsOf<C>* bias = nullptr) {
  detail::multiply_views<O>(view(c), a, view(b), transpose_b, accumulate, scratch, bias);
}

template <class C, class A, class B, class T>
[[deprecated("say Accumulate::yes or Accumulate::no")]] void matmul(C&& c, const A& a, Transpose transpose_a,
                                                                    const B& b, Transpose transpose_b, bool accumulate,
                                                                    MatmulScratch<T>& scratch,
                                                                    Blocks order = Blocks::ascending,
                                                                    const std::type_identity_t<T>* bias = nullptr) {
  matmul(c, a, transpose_a, b, transpose_b, accumulate ? Accumulate::yes : Accumulate::no, scratch, order, bias);
}
template <class C, class B, class T>
[[deprecated("say Accumulate::yes or Accumulate::no")]] void matmul(C&& c, const PackedMatrix<T>& a, const B& b,
                                                                    Transpose transpose_b, bool accumulate,
                                                                    MatmulScratch<T>& scratch,
                                                                    const std::type_identity_t<T>* bias = nullptr) {
  matmul(c, a, b, transpose_b, accumulate ? Accumulate::yes : Accumulate::no, scratch, bias);
}

/// b (rows) += the sum of m's columns, in the blocks and the order of a product's sums; threads split the rows.
template <class Derived, class T>
void add_row_sums(const Eigen::DenseBase<Derived>& m, T* b, Blocks order = Blocks::ascending) {
  detail::add_row_sums_of<T>(view(m), b, order);
}

namespace detail {
/// Calls f(first, n, scratch) for pieces of 0 .. n - 1, on as many threads as the work is worth.
template <class T, class F> void in_pieces(Index n, Index work_of_each, MatmulScratch<T>& scratch, const F& f) {
  constexpr Index unit = 16;            // pieces of whole panels
  constexpr Index least_work = 400000;  // multiplications that are worth a thread
  const Index units = (n + unit - 1) / unit;
  const Index pieces =
      std::clamp<Index>((std::min)(units, n * work_of_each / least_work), 1, inside_parallel() ? 1 : threads());
  parallel_for(static_cast<int>(pieces), [&](int k) {
    const Index first = units * k / pieces * unit, last = (std::min)(units * (k + 1) / pieces * unit, n);
    f(first, last - first, scratch.pieces[static_cast<std::size_t>(k)]);
  });
}
/// c = a op(b) with a (rows, depth).
template <class O, class A>
void require_product(const View<A>& c, Index rows, Index depth, const View<const O>& b, Transpose transpose) {
  const Index b_rows = transpose == Transpose::no ? b.rows : b.cols,
              cols = transpose == Transpose::no ? b.cols : b.rows;
  require(c.rows == rows && c.cols == cols && b_rows == depth, "matmul: ", c.rows, " x ", c.cols, " = ", rows, " x ",
          depth, " times ", b_rows, " x ", cols);
}

template <class O, class A>
void multiply_views(View<A> to, View<const O> left, Transpose transpose_a, View<const O> right, Transpose transpose_b,
                    Accumulate accumulate, MatmulScratch<O>& scratch, Blocks order,
                    const std::type_identity_t<A>* bias) {
  const bool as_is[] = {transpose_a == Transpose::no, transpose_b == Transpose::no};
  const Index rows = as_is[0] ? left.rows : left.cols, depth = as_is[0] ? left.cols : left.rows;
  const Index cols = as_is[1] ? right.cols : right.rows;
  require(to.rows == rows && to.cols == cols && depth == (as_is[1] ? right.rows : right.cols), "matmul: op(a) is ",
          rows, " x ", depth, ", op(b) ", as_is[1] ? right.rows : right.cols, " x ", cols,
          ", and the product's place is ", to.rows, " x ", to.cols);
  require_product(to, transpose_a == Transpose::no ? left.rows : left.cols, depth, right, transpose_b);
  const bool by_columns = to.cols >= to.rows;
  scratch.reserve(to.rows, to.cols, depth);
  const Index n = by_columns ? to.cols : to.rows, across = by_columns ? to.rows : to.cols;
  in_pieces(n, across * depth, scratch, [&](Index first, Index count, ProductScratch<O>& room) {
    const auto part = [&](const View<const O>& m, bool columns) {
      return columns ? m.middle_cols(first, count) : m.middle_rows(first, count);
    };
    if (by_columns)
      product<O, A>(to.middle_cols(first, count), left, transpose_a, part(right, transpose_b == Transpose::no),
                    transpose_b, accumulate, room, order, bias);
    else
      product<O, A>(to.middle_rows(first, count), part(left, transpose_a == Transpose::yes), transpose_a, right,
                    transpose_b, accumulate, room, order, bias == nullptr ? bias : bias + first);
  });
}

template <class O, class A>
void multiply_views(View<A> to, const PackedMatrix<O>& a, View<const O> right, Transpose transpose_b,
                    Accumulate accumulate, MatmulScratch<O>& scratch, const std::type_identity_t<A>* bias) {
  require_product(to, a.rows(), a.depth(), right, transpose_b);
  scratch.reserve(to.rows, transpose_b == Transpose::yes ? to.cols : 0, a.depth());
  in_pieces(to.cols, to.rows * a.depth(), scratch, [&](Index first, Index n, ProductScratch<O>& room) {
    const View<const O> part = transpose_b == Transpose::no ? right.middle_cols(first, n) : right.middle_rows(first, n);
    product<O, A>(to.middle_cols(first, n), a, part, transpose_b, accumulate, room, bias);
  });
}

template <class T> void add_row_sums_of(View<const T> all, T* b, Blocks order) {
  constexpr Index unit = 64;
  const Index blocks = (all.cols + depth_block - 1) / depth_block;
  parallel_ranges((all.rows + unit - 1) / unit, 4, [&](Index first, Index last) {
    const View<const T> rows = all.middle_rows(first * unit, (std::min)(last * unit, all.rows) - first * unit);
    for (Index i = 0; i < blocks; ++i) {
      const Index j = (order == Blocks::ascending ? i : blocks - 1 - i) * depth_block;
      unroll::add_row_sums(rows.middle_cols(j, (std::min)(depth_block, all.cols - j)), b + first * unit);
    }
  });
}

#define UNROLL_MATMUL_INSTANCES(DECLARE, T)                                                               \
  DECLARE void multiply_views<T>(View<T>, View<const T>, Transpose, View<const T>, Transpose, Accumulate, \
                                 MatmulScratch<T>&, Blocks, const T*);                                    \
  DECLARE void multiply_views<T>(View<T>, const PackedMatrix<T>&, View<const T>, Transpose, Accumulate,   \
                                 MatmulScratch<T>&, const T*);                                            \
  DECLARE void add_row_sums_of<T>(View<const T>, T*, Blocks);
#if !UNROLL_HEADER_ONLY
UNROLL_MATMUL_INSTANCES(extern template, float)
UNROLL_MATMUL_INSTANCES(extern template, double)
#endif
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
