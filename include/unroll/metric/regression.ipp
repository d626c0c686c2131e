// Bodies of metric/regression.hpp.
#pragma once

#include <unroll/core/finite.hpp>
#include <unroll/metric/regression.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void RegressionScores::add(double truth, double predicted) {
  require(detail::has_finite_bits(truth) && detail::has_finite_bits(predicted), "RegressionScores: number ", n_,
          " is not finite");
  const double error = predicted - truth, apart = truth - mean_;
  ++n_;
  absolute_ += std::abs(error);
  squared_ += error * error;
  mean_ += apart / static_cast<double>(n_);
  spread_ += apart * (truth - mean_);
}
UNROLL_FUNCTION double RegressionScores::r2() const {
  require(spread_ > 0, "RegressionScores: r2 needs two different true numbers, has ", n_, " of one value");
  return 1 - squared_ / spread_;
}

UNROLL_FUNCTION MetricValues RegressionScores::values() const {
  MetricValues values{{"mae", mean_absolute_error()}, {"rmse", root_mean_squared_error()}};
  if (spread_ > 0) values["r2"] = r2();
  return values;
}

}  // namespace unroll::inline UNROLL_ABI
