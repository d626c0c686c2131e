// Mean squared error.
#pragma once

#include <span>

#include <unroll/loss/numbers.hpp>

namespace unroll::inline UNROLL_ABI {

/// mean of (output - target)^2 over all elements of the batch, weighted per column where weights are given.
struct MeanSquaredError {
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
    return detail::mean_of_numbers("mean_squared_error", 1, output, targets, d_output, sample_weights,
                                   [](const auto& y, double t, const auto& d) {
                                     const double error = y[0] - t;
                                     d(0, 2 * error);
                                     return error * error;
                                   });
  }
};
UNROLL_NUMBERS_LOSS(MeanSquaredError)

#define UNROLL_MEAN_SQUARED_ERROR_INSTANCES(DECLARE, T) UNROLL_NUMBERS_LOSS_INSTANCES(DECLARE, MeanSquaredError, T)
#if !UNROLL_HEADER_ONLY
UNROLL_MEAN_SQUARED_ERROR_INSTANCES(extern template, float)
UNROLL_MEAN_SQUARED_ERROR_INSTANCES(extern template, double)
#endif

/// The mean loss of a batch and its gradient; see MeanSquaredError.
template <class Output, class T = ScalarOf<Output>>
T mean_squared_error(const Output& output, const Matrix<T>& targets, Output& d_output,
                     std::span<const double> sample_weights = {}) {
  return static_cast<T>(compute_loss(MeanSquaredError{}, output, targets, d_output, sample_weights).loss);
}

}  // namespace unroll::inline UNROLL_ABI
