// Central differences of a loss with respect to its output, for the tests of this folder.
#pragma once

#include <doctest/doctest.h>

#include <unroll/core/matrix.hpp>

/// loss_of(output) is the loss; `gradient` what the loss said its gradient is.
template <class F>
void check_output_gradient(const unroll::Matrix<double>& output, const unroll::Matrix<double>& gradient, F loss_of) {
  REQUIRE(gradient.rows() == output.rows());
  REQUIRE(gradient.cols() == output.cols());
  const double largest = gradient.cwiseAbs().maxCoeff(), h = 1e-5;
  for (unroll::Index k = 0; k < output.size(); ++k) {
    unroll::Matrix<double> moved = output;
    const auto at = [&](double by) {
      moved.data()[k] = output.data()[k] + by;
      return double(loss_of(moved));
    };
    // Fourth order: the error of the difference itself stays below 1e-10.
    const double numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h), analytic = gradient.data()[k];
    INFO("element ", k, ": numeric ", numeric, ", analytic ", analytic);
    CHECK(std::abs(numeric - analytic) <=
          1e-6 * std::max({std::abs(numeric), std::abs(analytic), 1e-3 * largest}) + 1e-11 * std::abs(at(0)));
  }
}
