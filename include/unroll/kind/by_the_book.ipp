// Bodies of kind/by_the_book.hpp. In matrices of the library's own: memory of Eigen's must not be allocated by one unit
// and freed by another that is compiled with other flags.
#pragma once

#include <algorithm>
#include <cstddef>

#include <unroll/kind/by_the_book.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// to = m x, of a column vector, as Eigen does it without memory of its own.
template <class M> void multiply_vector(const M& m, const double* x, double* to) {
  Eigen::Map<Eigen::VectorXd>(to, m.rows()).noalias() = m * Eigen::Map<const Eigen::VectorXd>(x, m.cols());
}
/// (n, 1), zeros where it is absent.
inline Matrix<double> column_or_zeros(const Matrix<float>& m, Index n) {
  Matrix<double> column(n, 1);
  column.setZero();
  for (Index k = 0; k < (std::min)(n, m.size()); ++k) column.data()[k] = static_cast<double>(m.data()[k]);
  return column;
}

UNROLL_FUNCTION Matrix<double> affine(const Matrix<float>& weight, const Matrix<float>& bias, const Matrix<double>& x) {
  const Matrix<double> W = weight.cast<double>();
  Matrix<double> y(W.rows(), x.cols());
  for (Index t = 0; t < x.cols(); ++t) {
    multiply_vector(W, x.col(t).data(), y.col(t).data());
    for (Index k = 0; k < bias.size(); ++k) y(k, t) += static_cast<double>(bias.data()[k]);
  }
  return y;
}

UNROLL_FUNCTION Matrix<double> run_recurrent(const LayerData& layer, const Matrix<double>& x, CellCounts counts,
                                             void (*step)(const ReferenceStep&)) {
  const Matrix<double> U = layer.tensor("weight_hh").cast<double>(), unit = layer.tensor("weight_unit").cast<double>();
  const Matrix<double> a = affine(layer.tensor("weight_ih"), layer.tensor("bias_ih"), x);
  const Index H = counts.GU > 0 ? U.cols() : a.rows() / counts.GX, T = x.cols();
  const Matrix<double> b = column_or_zeros(layer.tensor("bias_hh"), counts.GU * H);
  Matrix<double> u(counts.GU * H, 1), state(H, counts.S);
  for (int s = 0; s < counts.S; ++s)
    state.col(s) = column_or_zeros(layer.tensor(initial_names[static_cast<std::size_t>(s)]), H);
  const bool reverse = layer.flag("reverse"), final_state = layer.flag("final_state");
  Matrix<double> y(H, final_state ? 1 : T);
  for (Index k = 0; k < T; ++k) {
    const Index t = reverse ? T - 1 - k : k;
    step({H, U, b.data(), unit.data(), a.col(t).data(), u.data(), state.data()});
    if (!final_state) y.col(t) = state.col(0);
  }
  if (final_state) y.col(0) = state.col(0);
  return y;
}
}  // namespace detail

UNROLL_FUNCTION void ReferenceStep::multiply(Index first, Index n, const double* v) const {
  detail::multiply_vector(weight_hh.middleRows(first * units, n * units), v, u + first * units);
  for (Index k = first * units; k < (first + n) * units; ++k) u[k] += bias_hh[k];
}

}  // namespace unroll::inline UNROLL_ABI
