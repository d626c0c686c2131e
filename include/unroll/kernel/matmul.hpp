// Products of matrices on all threads.
#pragma once

#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/kernel/elementwise.hpp>
#include <unroll/kernel/parallel.hpp>
#include <unroll/kernel/product.hpp>

namespace unroll::inline UNROLL_ABI {

/// Room for the packed operands of a product, for each thread. Keeps its memory; belongs to a cache.
template <class T> struct MatmulScratch {
  std::vector<ProductScratch<T>> pieces;
};

/// c = op(a) op(b), or c += with `accumulate`, for matrices and blocks of whole rows or columns. Threads split c, never
/// a sum: the same bits for any number of them.
template <class C, class A, class B, class T>
void matmul(C&& c, const A& a, Transpose transpose_a, const B& b, Transpose transpose_b, bool accumulate,
            MatmulScratch<T>& scratch) {
  const View<T> to = view(c);
  const View<const T> left = view(a), right = view(b);
  const Index depth = transpose_a == Transpose::no ? left.cols : left.rows;
  const bool by_columns = to.cols >= to.rows;
  const Index n = by_columns ? to.cols : to.rows, across = by_columns ? to.rows : to.cols;
  constexpr Index unit = 16;            // pieces of whole panels
  constexpr Index least_work = 400000;  // multiplications that are worth a thread
  const Index units = (n + unit - 1) / unit;
  const Index pieces =
      std::clamp<Index>(std::min(units, n * across * depth / least_work), 1, inside_parallel() ? 1 : threads());
  if (scratch.pieces.size() < static_cast<std::size_t>(pieces)) scratch.pieces.resize(static_cast<std::size_t>(pieces));
  // Sized for the whole product: how it is cut may change from one batch to the next, room must not.
  for (auto& piece : scratch.pieces) piece.reserve(to.rows, to.cols, depth);
  parallel_for(static_cast<int>(pieces), [&](int k) {
    const Index first = units * k / pieces * unit, last = std::min(units * (k + 1) / pieces * unit, n);
    const auto part = [&](const View<const T>& m, bool columns) {
      return columns ? m.middle_cols(first, last - first) : m.middle_rows(first, last - first);
    };
    auto& room = scratch.pieces[static_cast<std::size_t>(k)];
    if (by_columns)
      product<T>(to.middle_cols(first, last - first), left, transpose_a, part(right, transpose_b == Transpose::no),
                 transpose_b, accumulate, room);
    else
      product<T>(to.middle_rows(first, last - first), part(left, transpose_a == Transpose::yes), transpose_a, right,
                 transpose_b, accumulate, room);
  });
}

/// Every column of m += b.
template <class T> void add_to_columns(const Matrix<T>& b, Matrix<T>& m) {
  parallel_ranges(m.cols(), 256, [&](Index first, Index last) {
    for (Index j = first; j < last; ++j) m.col(j) += b.col(0);
  });
}

/// b (rows) += the sum of m's columns, threads splitting the rows.
template <class T> void add_row_sums(const Matrix<T>& m, std::type_identity_t<T>* b) {
  constexpr Index unit = 64;
  parallel_ranges((m.rows() + unit - 1) / unit, 4, [&](Index first, Index last) {
    const Index row = first * unit, n = std::min(last * unit, m.rows()) - row;
    add_row_sums<T>(view(m).middle_rows(row, n), b + row);
  });
}

}  // namespace unroll::inline UNROLL_ABI
