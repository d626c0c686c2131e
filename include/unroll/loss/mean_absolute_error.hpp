// Mean absolute error.
#pragma once

#include <cmath>
#include <span>

#include <unroll/loss/numbers.hpp>

namespace unroll::inline UNROLL_ABI {

/// mean of |output - target| over all elements of the batch, weighted per column where weights are given: the forecast
/// becomes the median. The gradient where both are equal is 0. PyTorch's l1_loss.
struct MeanAbsoluteError {
  template <class T> using Targets = Matrix<T>;

  /// output and targets (K, n); writes d_output (K, n). Throws where the shapes differ or a target is no finite number.
  template <class T>
  UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>& d_output,
                                   std::span<const double> sample_weights = {}) const;
  template <class T> UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets) const;
  template <class T> double weight(const Matrix<T>& targets) const { return static_cast<double>(targets.size()); }

 private:
  template <class T>
  LossResult compute(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>* d_output,
                     std::span<const double> sample_weights) const {
    return detail::mean_of_numbers("mean_absolute_error", 1, output, targets, d_output, sample_weights,
                                   [](const auto& y, double t, const auto& d) {
                                     const double error = y[0] - t;
                                     d(0, error > 0 ? 1 : error < 0 ? -1 : 0);
                                     return std::abs(error);
                                   });
  }
};
UNROLL_NUMBERS_LOSS(MeanAbsoluteError)

#define UNROLL_MEAN_ABSOLUTE_ERROR_INSTANCES(DECLARE, T) UNROLL_NUMBERS_LOSS_INSTANCES(DECLARE, MeanAbsoluteError, T)
#if !UNROLL_HEADER_ONLY
UNROLL_MEAN_ABSOLUTE_ERROR_INSTANCES(extern template, float)
UNROLL_MEAN_ABSOLUTE_ERROR_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
