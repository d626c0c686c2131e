// Quantiles: forecasts that the truth stays below so and so often.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include <unroll/loss/numbers.hpp>

namespace unroll::inline UNROLL_ABI {

/// Pinball loss of several levels q side by side (Koenker and Bassett 1978), with e = target - output:
///   l = max(q e, (q - 1) e),   dl/doutput = -q where the target is above, 1 - q where it is below, 0 where equal
/// mean over all targets and levels. The output has a row for each target at each level, those of the first level
/// first: `Dense{H, loss.outputs(K)}`, and `loss.level(output, l)` is the forecast at level l.
struct Quantile {
  std::vector<double> levels = {0.1, 0.5, 0.9};

  template <class T> using Targets = Matrix<T>;

  /// output (L K, n) and targets (K, n); writes d_output (L K, n). Throws where the shapes differ, a target is no
  /// finite number, or there is no level, or one that is not between 0 and 1.
  template <class T>
  UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>& d_output,
                                   std::span<const double> sample_weights = {}) const;
  template <class T> UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets) const;
  template <class T> double weight(const Matrix<T>& targets) const { return static_cast<double>(targets.size()); }

  /// Rows that the output has for K numbers to be forecast.
  Index outputs(Index targets) const { return count() * targets; }
  /// (K, n): the forecasts at level l.
  template <class T> Matrix<T> level(const Matrix<T>& output, Index l) const {
    detail::require_index("quantile", "level", l, count());
    return detail::part_of_numbers("quantile", count(), output, l);
  }
  /// (K, n): those at the level that is nearest to the median, which metrics of numbers see.
  template <class T> Matrix<T> point(const Matrix<T>& output) const {
    check();
    const auto farther = [](double a, double b) { return std::abs(a - 0.5) < std::abs(b - 0.5); };
    return level(output, std::min_element(levels.begin(), levels.end(), farther) - levels.begin());
  }

 private:
  Index count() const { return static_cast<Index>(levels.size()); }
  void check() const {
    require(!levels.empty(), "quantile: there is no level");
    for (const double q : levels) require(q > 0 && q < 1, "quantile: a level is ", q, ", expected one between 0 and 1");
  }
  template <class T>
  LossResult compute(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>* d_output,
                     std::span<const double> sample_weights) const {
    check();
    const auto share = 1 / static_cast<double>(count());
    return detail::mean_of_numbers("quantile", count(), output, targets, d_output, sample_weights,
                                   [&](const auto& y, double t, const auto& d) {
                                     double sum = 0;
                                     for (Index l = 0; l < count(); ++l) {
                                       const double q = levels[static_cast<std::size_t>(l)], e = t - y[l];
                                       d(l, share * (e > 0 ? -q : e < 0 ? 1 - q : 0));
                                       sum += (std::max)(q * e, (q - 1) * e);
                                     }
                                     return share * sum;
                                   });
  }
};
UNROLL_NUMBERS_LOSS(Quantile)

#define UNROLL_QUANTILE_INSTANCES(DECLARE, T) UNROLL_NUMBERS_LOSS_INSTANCES(DECLARE, Quantile, T)
#if !UNROLL_HEADER_ONLY
UNROLL_QUANTILE_INSTANCES(extern template, float)
UNROLL_QUANTILE_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
