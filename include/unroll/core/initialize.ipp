// Bodies of core/initialize.hpp.
#pragma once

#include <unroll/core/initialize.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION Matrix<double> orthogonal(Index rows, Index cols, Rng rng) {
  const bool tall = rows >= cols;
  Matrix<double> q(tall ? rows : cols, tall ? cols : rows);
  for (Index j = 0; j < q.cols(); ++j) {
    for (Index i = 0; i < q.rows(); ++i) q(i, j) = rng.normal();
    for (int pass = 0; pass < 2; ++pass)
      for (Index k = 0; k < j; ++k) q.col(j) -= q.col(k).dot(q.col(j)) * q.col(k);
    q.col(j) /= q.col(j).norm();
  }
  if (tall) return q;
  return Matrix<double>(q.transpose());
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
