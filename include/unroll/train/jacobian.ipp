// Bodies of train/jacobian.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include <Eigen/Eigenvalues>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/train/jacobian.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION double spectral_radius(const Matrix<double>& a) {
  require(a.rows() == a.cols(), "spectral_radius: ", a.rows(), " x ", a.cols(), ", expected a square");
  if (a.size() == 0) return 0;
  return Eigen::MatrixXd(a).eigenvalues().cwiseAbs().maxCoeff();
}
UNROLL_FUNCTION double spectral_norm(const Matrix<double>& a) {
  if (a.size() == 0) return 0;
  const double scale = a.cwiseAbs().maxCoeff();  // squares of what is very small or large are no numbers
  if (scale == 0 || !detail::has_finite_bits(scale)) return scale;
  const Eigen::MatrixXd scaled = a / scale;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> squares(scaled.transpose() * scaled, Eigen::EigenvaluesOnly);
  return scale * std::sqrt((std::max)(squares.eigenvalues().maxCoeff(), 0.0));
}

}  // namespace unroll::inline UNROLL_ABI
