// Huber's loss: squared error that outliers do not rule.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include <unroll/loss/numbers.hpp>

namespace unroll::inline UNROLL_ABI {

/// Squares of small errors, and of large ones no more than their size (Huber 1964), with e = output - target:
///   l = e^2 / 2 where |e| <= delta, else delta * (|e| - delta / 2);   dl/de = e, at most delta either way
/// PyTorch's huber_loss. Throws where delta is not a finite number above 0.
struct Huber {
  double delta = 1;

  template <class T> using Targets = Matrix<T>;

  /// As MeanAbsoluteError.
  template <class T>
  UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>& d_output,
                                   std::span<const double> sample_weights = {}) const;
  template <class T> UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets) const;
  template <class T> double weight(const Matrix<T>& targets) const { return static_cast<double>(targets.size()); }

 private:
  template <class T>
  LossResult compute(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>* d_output,
                     std::span<const double> sample_weights) const {
    require(detail::has_finite_bits(delta) && delta > 0, "huber: delta is ", delta,
            ", expected a finite number above 0");
    return detail::mean_of_numbers("huber", 1, output, targets, d_output, sample_weights,
                                   [this](const auto& y, double t, const auto& d) {
                                     const double error = y[0] - t, size = std::abs(error);
                                     d(0, (std::max)(-delta, (std::min)(delta, error)));
                                     return size <= delta ? error * error / 2 : delta * (size - delta / 2);
                                   });
  }
};
UNROLL_NUMBERS_LOSS(Huber)

#define UNROLL_HUBER_INSTANCES(DECLARE, T) UNROLL_NUMBERS_LOSS_INSTANCES(DECLARE, Huber, T)
#if !UNROLL_HEADER_ONLY
UNROLL_HUBER_INSTANCES(extern template, float)
UNROLL_HUBER_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
