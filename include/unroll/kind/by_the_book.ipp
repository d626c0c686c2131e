// Bodies of kind/by_the_book.hpp. In matrices of the library's own: memory of Eigen's must not be allocated by one unit
// and freed by another that is compiled with other flags.
#pragma once

#include <algorithm>
#include <cstddef>

#include <unroll/kind/by_the_book.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// to = rows first .. first + n of m, times x. A loop, because Eigen's product is a second of compile time.
inline void multiply_rows(const Matrix<double>& m, Index first, Index n, const double* x, double* to) {
  std::fill_n(to, n, 0.0);
  for (Index j = 0; j < m.cols(); ++j)
    for (Index i = 0; i < n; ++i) to[i] += m(first + i, j) * x[j];
}
inline Matrix<double> in_double(const Matrix<float>& m) {
  Matrix<double> numbers(m.rows(), m.cols());
  std::copy_n(m.data(), m.size(), numbers.data());
  return numbers;
}
/// n numbers, zeros where it is absent.
inline void copy_or_zeros(const Matrix<float>& m, Index n, double* to) {
  std::fill_n(to, n, 0.0);
  std::copy_n(m.data(), (std::min)(n, m.size()), to);
}

UNROLL_FUNCTION Matrix<double> affine(const Matrix<float>& weight, const Matrix<float>& bias, const Matrix<double>& x) {
  const Matrix<double> W = in_double(weight);
  Matrix<double> y(W.rows(), x.cols());
  for (Index t = 0; t < x.cols(); ++t) {
    multiply_rows(W, 0, W.rows(), x.data() + t * x.rows(), y.data() + t * y.rows());
    for (Index k = 0; k < bias.size(); ++k) y(k, t) += static_cast<double>(bias.data()[k]);
  }
  return y;
}

UNROLL_FUNCTION Matrix<double> run_recurrent(const LayerData& layer, const Matrix<double>& x, CellCounts counts,
                                             void (*step)(const ReferenceStep&)) {
  const Matrix<double> U = in_double(layer.tensor("weight_hh")), unit = in_double(layer.tensor("weight_unit")),
                       projection = in_double(layer.tensor("weight_hr"));
  const Matrix<double> a = affine(layer.tensor("weight_ih"), layer.tensor("bias_ih"), x);
  const Index H = a.rows() / counts.GX, R = counts.projects ? projection.rows() : H, T = x.cols();
  Matrix<double> b(counts.GU * H, 1), u(counts.GU * H, 1), state(R + (counts.S - 1) * H, 1);
  copy_or_zeros(layer.tensor("bias_hh"), b.size(), b.data());
  const auto at = [&](Index t) {
    return ReferenceStep{H, R, U, projection, b.data(), unit.data(), a.data() + t * a.rows(), u.data(), state.data()};
  };
  for (Index s = 0; s < counts.S; ++s)
    copy_or_zeros(layer.tensor(initial_names[static_cast<std::size_t>(s)]), at(0).field_rows(s), at(0).field(s));
  const bool reverse = layer.flag("reverse"), final_state = layer.flag("final_state");
  Matrix<double> y(R, final_state ? 1 : T);
  for (Index k = 0; k < T; ++k) {
    const Index t = reverse ? T - 1 - k : k;
    step(at(t));
    if (!final_state) std::copy_n(state.data(), R, y.data() + t * R);
  }
  if (final_state) std::copy_n(state.data(), R, y.data());
  return y;
}
}  // namespace detail

UNROLL_FUNCTION void ReferenceStep::multiply(Index first, Index n, const double* v) const {
  detail::multiply_rows(weight_hh, first * units, n * units, v, u + first * units);
  for (Index k = first * units; k < (first + n) * units; ++k) u[k] += bias_hh[k];
}
UNROLL_FUNCTION void ReferenceStep::project(const double* v, double* to) const {
  detail::multiply_rows(weight_hr, 0, outputs, v, to);
}

}  // namespace unroll::inline UNROLL_ABI
