// Bodies of layer/softmax.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include <unroll/layer/softmax.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Matrix<double> SoftmaxKind::run(const LayerData&, const Matrix<double>& x) {
  Matrix<double> y(x.rows(), x.cols());
  for (Index j = 0; j < x.cols(); ++j) {
    double largest = x(0, j), sum = 0;
    for (Index i = 1; i < x.rows(); ++i) largest = (std::max)(largest, x(i, j));
    for (Index i = 0; i < x.rows(); ++i) sum += y(i, j) = std::exp(x(i, j) - largest);
    for (Index i = 0; i < x.rows(); ++i) y(i, j) /= sum;
  }
  return y;
}

}  // namespace unroll::inline UNROLL_ABI
