// Bodies of metric/forecast.hpp.
#pragma once

#include <unroll/metric/forecast.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION ForecastScores::ForecastScores(double naive_error) : naive_error_(naive_error) {
  require(detail::has_finite_bits(naive_error) && naive_error > 0, "ForecastScores: naive_error is ", naive_error,
          ", expected a finite number above 0");
}
UNROLL_FUNCTION void ForecastScores::add(double truth, double forecast) {
  require(detail::has_finite_bits(truth) && detail::has_finite_bits(forecast), "ForecastScores: number ", n_,
          " is not finite");
  const double error = std::abs(truth - forecast), both = std::abs(truth) + std::abs(forecast);
  ++n_;
  absolute_ += error;
  if (truth == 0)
    ++zeros_;
  else
    relative_ += error / std::abs(truth);
  if (both > 0) symmetric_ += 2 * (error / both);
}
UNROLL_FUNCTION double ForecastScores::mape() const {
  require(n_ > zeros_, "ForecastScores: mape needs a true number that is not 0, has none among ", n_);
  return relative_ / static_cast<double>(n_ - zeros_);
}
UNROLL_FUNCTION double ForecastScores::mase() const {
  require(naive_error_ > 0,
          "ForecastScores: mase needs the error of the naive forecast: "
          "ForecastScores(seasonal_naive_error(training, season))");
  return n_ == 0 ? 0 : absolute_ / static_cast<double>(n_) / naive_error_;
}
UNROLL_FUNCTION MetricValues ForecastScores::values() const {
  MetricValues values{{"smape", smape()}};
  if (n_ > zeros_) values["mape"] = mape();
  if (naive_error_ > 0) values["mase"] = mase();
  return values;
}

}  // namespace unroll::inline UNROLL_ABI
