// How far forecasts are off, in numbers that do not depend on the unit: MAPE, sMAPE and MASE.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/metric/metric.hpp>

namespace unroll::inline UNROLL_ABI {

/// Mean of |y_t - y_(t - season)| over a series: how wrong the forecast "as it was a season ago" is where the model has
/// learned, and the denominator of MASE. Throws where the series is not longer than a season, has a number that is not
/// finite, or where the error is 0.
template <class T> double seasonal_naive_error(std::span<const T> series, Index season = 1);

/// Errors of forecasts over all elements of as many batches as there are, in fractions and not in percent:
///   MAPE   mean of |truth - forecast| / |truth|, over the truths that are not 0: a percentage of nothing is none
///   sMAPE  mean of 2 |truth - forecast| / (|truth| + |forecast|), 0 where both are 0; from 0 to 2
///   MASE   mean of |truth - forecast| / naive_error (Hyndman and Koehler 2006): below 1 is better than the naive
///          forecast was on the training part, one step (or season) ahead
/// The first two are of numbers in their own unit: scaled by a mean and a deviation they mean nothing.
class UNROLL_API ForecastScores {
 public:
  ForecastScores() = default;
  /// With MASE: `seasonal_naive_error` of the training part, in the unit of the forecasts.
  explicit ForecastScores(double naive_error);

  /// Throws for a number that is not finite.
  void add(double truth, double forecast);
  /// Matrices of one shape, element by element.
  template <class T> void add(const Matrix<T>& truth, const Matrix<T>& forecast);

  template <class T> void add(const MetricBatch<T>& batch) {
    detail::require_numbers("ForecastScores", batch.numbers != nullptr);
    add(*batch.numbers, batch.outputs);
  }

  Index count() const { return n_; }
  /// Truths that are 0, which MAPE leaves out.
  Index zeros() const { return zeros_; }
  /// Throws where every truth is 0.
  double mape() const;
  double smape() const { return n_ == 0 ? 0 : symmetric_ / double(n_); }
  /// Throws where no naive error was given.
  double mase() const;
  /// smape and, where they are defined, mape and mase.
  MetricValues values() const;

 private:
  double naive_error_ = 0;
  Index n_ = 0, zeros_ = 0;
  double absolute_ = 0, relative_ = 0, symmetric_ = 0;
};

template <class T> void ForecastScores::add(const Matrix<T>& truth, const Matrix<T>& forecast) {
  require(truth.rows() == forecast.rows() && truth.cols() == forecast.cols(), "ForecastScores: ", truth.rows(), " x ",
          truth.cols(), " numbers and ", forecast.rows(), " x ", forecast.cols(), " forecasts");
  for (Index k = 0; k < truth.size(); ++k)
    add(static_cast<double>(truth.data()[k]), static_cast<double>(forecast.data()[k]));
}

template <class T> double seasonal_naive_error(std::span<const T> series, Index season) {
  const auto n = static_cast<Index>(series.size());
  require(season >= 1 && season < n, "seasonal_naive_error: a season of ", season, " in a series of ", n,
          " values, expected 1 or more, and a longer series");
  if (const Index k = detail::find_not_finite(series.data(), n); k >= 0)
    fail("seasonal_naive_error: value ", k, " is not finite");
  double sum = 0;
  for (Index t = season; t < n; ++t)
    sum += std::abs(double(series[static_cast<std::size_t>(t)]) - double(series[static_cast<std::size_t>(t - season)]));
  require(sum > 0, "seasonal_naive_error: every value is that of a season before: there is no error to compare with");
  return sum / static_cast<double>(n - season);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/forecast.ipp>
#endif
