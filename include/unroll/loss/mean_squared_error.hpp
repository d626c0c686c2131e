// Mean squared error.
#pragma once

#include <unroll/core/finite.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

/// mean of (output - target)^2 over all elements of the batch, weighted per column where weights are given.
struct MeanSquaredError {
  template <class T> using Targets = Matrix<T>;

  /// output and targets (K, n); writes d_output (K, n). Throws where the shapes differ or a target is no finite number.
  template <class T>
  UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>& d_output,
                                   std::span<const double> sample_weights = {}) const;
  template <class T> UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets) const;
  template <class T> double weight(const Matrix<T>& targets) const;

 private:
  template <class T>
  static void check(const Matrix<T>& output, const Matrix<T>& targets, std::span<const double> sample_weights);
  template <class T>
  static LossResult compute(const Matrix<T>& output, const Matrix<T>& targets, T* d_output,
                            std::span<const double> sample_weights);
};

template <class T>
LossResult MeanSquaredError::operator()(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>& d_output,
                                        std::span<const double> sample_weights) const {
  check(output, targets, sample_weights);
  d_output.resize(output.rows(), output.cols());
  return compute(output, targets, d_output.data(), sample_weights);
}
template <class T> LossResult MeanSquaredError::operator()(const Matrix<T>& output, const Matrix<T>& targets) const {
  check(output, targets, {});
  return compute(output, targets, static_cast<T*>(nullptr), {});
}
template <class T> double MeanSquaredError::weight(const Matrix<T>& targets) const {
  return static_cast<double>(targets.size());
}
template <class T>
void MeanSquaredError::check(const Matrix<T>& output, const Matrix<T>& targets,
                             std::span<const double> sample_weights) {
  require(output.rows() == targets.rows(), "mean_squared_error: targets have ", targets.rows(),
          " rows, the output has ", output.rows());
  detail::check_columns("mean_squared_error", output.cols(), targets.cols());
  detail::check_sample_weights("mean_squared_error", output.cols(), sample_weights);
  if (const Index k = detail::find_not_finite(targets.data(), targets.size()); k >= 0)
    fail("mean_squared_error: target ", k % targets.rows(), " of column ", k / targets.rows(), " is ",
         targets.data()[k], ", expected a finite number");
}
template <class T>
LossResult MeanSquaredError::compute(const Matrix<T>& output, const Matrix<T>& targets, T* d_output,
                                     std::span<const double> sample_weights) {
  const Index rows = output.rows();
  const auto total = static_cast<double>(output.size());
  if (output.size() == 0) return {};
  const double sum = detail::ordered_sum(output.cols(), rows, [&](Index n) {
    const double weight = detail::at_or_one(sample_weights, n), scale = 2 * weight / total;
    const T* y = output.data() + n * rows;
    const T* t = targets.data() + n * rows;
    double s = 0;
    for (Index k = 0; k < rows; ++k) {
      const double difference = double(y[k]) - double(t[k]);
      s += difference * difference;
      if (d_output != nullptr) d_output[n * rows + k] = static_cast<T>(scale * difference);
    }
    return weight * s;
  });
  return {sum / total, total};
}

#define UNROLL_MEAN_SQUARED_ERROR_INSTANCES(DECLARE, T)                                           \
  DECLARE LossResult MeanSquaredError::operator()(const Matrix<T>&, const Matrix<T>&, Matrix<T>&, \
                                                  std::span<const double>) const;                 \
  DECLARE LossResult MeanSquaredError::operator()(const Matrix<T>&, const Matrix<T>&) const;
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
