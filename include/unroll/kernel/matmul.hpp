// Products of matrices on all threads.
#pragma once

#include <unroll/core/matrix.hpp>
#include <unroll/kernel/parallel.hpp>

namespace unroll::inline UNROLL_ABI {

enum class Op { none, transpose };

template <class T>
using MatrixRef = Eigen::Ref<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>, 0, Eigen::OuterStride<>>;
template <class T>
using ConstMatrixRef = Eigen::Ref<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>, 0, Eigen::OuterStride<>>;

/// c = op(a) op(b), or c += with `accumulate`. Threads split c, never a sum: the same bits for any number of them.
template <class T>
void matmul(MatrixRef<T> c, const std::type_identity_t<ConstMatrixRef<T>>& a, Op op_a,
            const std::type_identity_t<ConstMatrixRef<T>>& b, Op op_b, bool accumulate) {
  const auto run = [&](const auto& x, const auto& y) {
    if (accumulate)
      c.noalias() += x * y;
    else
      c.noalias() = x * y;
  };
  if (op_a == Op::none && op_b == Op::none)
    run(a, b);
  else if (op_a == Op::none)
    run(a, b.transpose());
  else if (op_b == Op::none)
    run(a.transpose(), b);
  else
    run(a.transpose(), b.transpose());
}

/// Every column of m += b.
template <class T> void add_to_columns(const Matrix<T>& b, Matrix<T>& m) {
  parallel_ranges(m.cols(), 256, [&](Index first, Index last) {
    for (Index j = first; j < last; ++j) m.col(j) += b.col(0);
  });
}

/// b += the sum of m's columns, in blocks of 64 so that rounding grows with N / 64; the same order for any threads.
template <class T> void add_row_sums(const Matrix<T>& m, Eigen::Ref<Eigen::Matrix<T, Eigen::Dynamic, 1>> b) {
  UNROLL_ASSERT(m.rows() == b.size(), "add_row_sums: sizes differ");
  constexpr Index rows_at_once = 64;
  parallel_ranges((m.rows() + rows_at_once - 1) / rows_at_once, 4, [&](Index first, Index last) {
    Eigen::Matrix<T, rows_at_once, 1> sum;
    for (Index r = first * rows_at_once; r < std::min(last * rows_at_once, m.rows()); r += rows_at_once) {
      const Index n = std::min(rows_at_once, m.rows() - r);
      for (Index block = 0; block < m.cols(); block += 64) {
        sum.setZero();
        for (Index j = block; j < std::min(block + 64, m.cols()); ++j) sum.head(n) += m.col(j).segment(r, n);
        b.segment(r, n) += sum.head(n);
      }
    }
  });
}

}  // namespace unroll::inline UNROLL_ABI
