// The likelihood of numbers under Student's t: a normal distribution that expects outliers.
#pragma once

#include <cmath>
#include <numbers>
#include <span>

#include <unroll/loss/numbers.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// log Gamma(x) and its derivative, for x > 0: Stirling's series from 10 on, below it by Gamma(x + 1) = x Gamma(x).
/// The C library's lgamma writes to a global variable.
struct LogGamma {
  double value = 0, derivative = 0;
  explicit LogGamma(double x) {
    double product = 1;
    for (; x < 10; ++x) {
      product *= x;
      derivative -= 1 / x;
    }
    const double r = 1 / x, r2 = r * r;
    value = (x - 0.5) * std::log(x) - x + std::log(2 * std::numbers::pi) / 2 - std::log(product) +
            r * (1.0 / 12 - r2 * (1.0 / 360 - r2 * (1.0 / 1260 - r2 * (1.0 / 1680 - r2 / 1188))));
    derivative +=
        std::log(x) - r / 2 - r2 * (1.0 / 12 - r2 * (1.0 / 120 - r2 * (1.0 / 252 - r2 * (1.0 / 240 - r2 / 132))));
  }
};
}  // namespace detail

/// Negative log-likelihood of Student's t, in nats, mean over all targets. With scale s = least + spread(x), v degrees
/// of freedom and z = (target - location) / s:
///   l = log G(v / 2) - log G((v + 1) / 2) + log(v pi) / 2 + log(s) + (v + 1) / 2 log(1 + z^2 / v)
/// The output has a row for each of K locations, then K of x, then, unless `degrees` says what v is, K of which
/// v = 2 + softplus: above 2 the distribution has a variance. PyTorch's distributions.StudentT.
struct StudentTNll {
  double degrees = 0;  ///< of freedom; 0: the model gives them
  Spread spread = Spread::softplus;
  double least = 1e-3;  ///< of the scale

  template <class T> using Targets = Matrix<T>;

  /// output (outputs(K), n) and targets (K, n); writes d_output like output. Throws where the shapes differ, a target
  /// is no finite number, or `least` or `degrees` is negative.
  template <class T>
  UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>& d_output,
                                   std::span<const double> sample_weights = {}) const;
  template <class T> UNROLL_API LossResult operator()(const Matrix<T>& output, const Matrix<T>& targets) const;
  template <class T> double weight(const Matrix<T>& targets) const { return static_cast<double>(targets.size()); }

  /// Rows that the output has for K numbers to be forecast.
  Index outputs(Index targets) const { return each() * targets; }
  /// (K, n): the locations, which are the means and what metrics of numbers see.
  template <class T> Matrix<T> point(const Matrix<T>& output) const {
    return detail::part_of_numbers("student_t_nll", each(), output, 0);
  }
  /// (K, n): the scales; a deviation is sqrt(v / (v - 2)) times as large.
  template <class T> Matrix<T> scale(const Matrix<T>& output) const {
    Matrix<T> s = detail::part_of_numbers("student_t_nll", each(), output, 1);
    for (Index k = 0; k < s.size(); ++k)
      s.data()[k] = static_cast<T>(least + detail::Positive(spread, double(s.data()[k])).value);
    return s;
  }
  /// (K, n): the degrees of freedom.
  template <class T> Matrix<T> degrees_of(const Matrix<T>& output) const {
    Matrix<T> v = detail::part_of_numbers("student_t_nll", each(), output, each() - 1);
    for (Index k = 0; k < v.size(); ++k)
      v.data()[k] = static_cast<T>(degrees > 0 ? degrees : 2 + detail::softplus_of(double(v.data()[k])));
    return v;
  }

 private:
  Index each() const { return degrees > 0 ? 2 : 3; }
  template <class T>
  LossResult compute(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>* d_output,
                     std::span<const double> sample_weights) const {
    detail::check_least("student_t_nll", least);
    require(detail::has_finite_bits(degrees) && degrees >= 0, "student_t_nll: degrees is ", degrees,
            ", expected a finite number above 0, or 0");
    return detail::mean_of_numbers(
        "student_t_nll", each(), output, targets, d_output, sample_weights,
        [this](const auto& y, double t, const auto& d) {
          const detail::Positive positive(spread, y[1]);
          const double s = least + positive.value, z = (t - y[0]) / s;
          const double v = degrees > 0 ? degrees : 2 + detail::softplus_of(y[2]);
          const detail::LogGamma half(v / 2), above((v + 1) / 2);
          const double share = (v + 1) / (v + z * z), log = std::log1p(z * z / v);
          d(0, -share * z / s);
          d(1, (1 - share * z * z) / s * positive.derivative);
          if (degrees <= 0)
            d(2, (half.derivative - above.derivative + 1 / v + log - share * z * z / v) / 2 * detail::sigmoid_of(y[2]));
          return half.value - above.value + std::log(v * std::numbers::pi) / 2 + std::log(s) + (v + 1) / 2 * log;
        });
  }
};
UNROLL_NUMBERS_LOSS(StudentTNll)

#define UNROLL_STUDENT_T_NLL_INSTANCES(DECLARE, T) UNROLL_NUMBERS_LOSS_INSTANCES(DECLARE, StudentTNll, T)
#if !UNROLL_HEADER_ONLY
UNROLL_STUDENT_T_NLL_INSTANCES(extern template, float)
UNROLL_STUDENT_T_NLL_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
