// How far predicted numbers are from true ones.
#pragma once

#include <cmath>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/metric/metric.hpp>

namespace unroll::inline UNROLL_ABI {

/// Errors of numbers, over all elements of as many batches as there are.
class UNROLL_API RegressionScores {
 public:
  /// Throws for a number that is not finite.
  void add(double truth, double predicted);
  /// Matrices of one shape, element by element.
  template <class T> void add(const Matrix<T>& truth, const Matrix<T>& predicted);

  template <class T> void add(const MetricBatch<T>& batch) {
    detail::require_numbers("RegressionScores", batch.numbers != nullptr);
    add(*batch.numbers, batch.outputs);
  }

  Index count() const { return n_; }
  double mean_absolute_error() const { return n_ == 0 ? 0 : absolute_ / double(n_); }
  double root_mean_squared_error() const { return n_ == 0 ? 0 : std::sqrt(squared_ / double(n_)); }
  /// 1 - squared error / squared error of the mean; 1 is perfect, 0 no better than the mean. Throws where there are not
  /// two different true numbers.
  double r2() const;
  /// mae, rmse and, where it is defined, r2.
  MetricValues values() const;

 private:
  Index n_ = 0;
  double absolute_ = 0, squared_ = 0, mean_ = 0, spread_ = 0;  // spread: sum of (truth - mean)^2, by Welford 1962
};

template <class T> void RegressionScores::add(const Matrix<T>& truth, const Matrix<T>& predicted) {
  require(truth.rows() == predicted.rows() && truth.cols() == predicted.cols(), "RegressionScores: ", truth.rows(),
          " x ", truth.cols(), " numbers and ", predicted.rows(), " x ", predicted.cols(), " predictions");
  for (Index k = 0; k < truth.size(); ++k)
    add(static_cast<double>(truth.data()[k]), static_cast<double>(predicted.data()[k]));
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/regression.ipp>
#endif
