// The likelihood of numbers under a normal distribution whose mean and deviation a model gives.
#pragma once

#include <cmath>
#include <numbers>
#include <span>

#include <unroll/loss/numbers.hpp>

namespace unroll::inline UNROLL_ABI {

/// Negative log-likelihood of a normal distribution, in nats, mean over all targets. With e = mean - target and
/// s = least + spread(x), where x is the second output (PyTorch's GaussianNLLLoss with full=True of the variance s^2):
///   l = log(s) + e^2 / (2 s^2) + log(2 pi) / 2
///   dl/dmean = e / s^2,   dl/ds = 1 / s - e^2 / s^3
/// The output has a row for each of K means, then one for each of K deviations: `Dense{H, loss.outputs(K)}`.
struct GaussianNll {
  Spread spread = Spread::softplus;
  double least = 1e-3;  ///< of the deviation: below it, a target that is met exactly would be worth any price

  template <class T> using Targets = Matrix<T>;

  /// output (2 K, n) and targets (K, n); writes d_output (2 K, n). Throws where the shapes differ, a target is no
  /// finite number or `least` is negative.
  template <class T>
  UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>& d_output,
                                   std::span<const double> sample_weights = {}) const;
  template <class T> UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets) const;
  template <class T> double weight(const Matrix<T>& targets) const { return static_cast<double>(targets.size()); }

  /// Rows that the output has for K numbers to be forecast.
  Index outputs(Index targets) const { return 2 * targets; }
  /// (K, n): the means, which metrics of numbers see.
  template <class T> Matrix<T> point(const Matrix<T>& output) const {
    return detail::part_of_numbers("gaussian_nll", 2, output, 0);
  }
  /// (K, n): the standard deviations.
  template <class T> Matrix<T> deviation(const Matrix<T>& output) const {
    Matrix<T> s = detail::part_of_numbers("gaussian_nll", 2, output, 1);
    for (Index k = 0; k < s.size(); ++k)
      s.data()[k] = static_cast<T>(least + detail::Positive(spread, double(s.data()[k])).value);
    return s;
  }

 private:
  template <class T>
  LossResult compute(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>* d_output,
                     std::span<const double> sample_weights) const {
    detail::check_least("gaussian_nll", least);
    return detail::mean_of_numbers("gaussian_nll", 2, output, targets, d_output, sample_weights,
                                   [this](const auto& y, double t, const auto& d) {
                                     const detail::Positive positive(spread, y[1]);
                                     const double s = least + positive.value, z = (y[0] - t) / s;
                                     d(0, z / s);
                                     d(1, (1 - z * z) / s * positive.derivative);
                                     return std::log(s) + z * z / 2 + std::log(2 * std::numbers::pi) / 2;
                                   });
  }
};
UNROLL_NUMBERS_LOSS(GaussianNll)

#define UNROLL_GAUSSIAN_NLL_INSTANCES(DECLARE, T) UNROLL_NUMBERS_LOSS_INSTANCES(DECLARE, GaussianNll, T)
#if !UNROLL_HEADER_ONLY
UNROLL_GAUSSIAN_NLL_INSTANCES(extern template, float)
UNROLL_GAUSSIAN_NLL_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
