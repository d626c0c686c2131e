// What losses of numbers share: a loss of each target, and of the outputs that are for it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include <unroll/core/finite.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

/// How an output becomes a standard deviation or a scale, which is positive.
enum class Spread : std::uint8_t {
  softplus,    ///< log(1 + exp(x)): large errors in the beginning do not make it explode
  exponential  ///< exp(x / 2): x is the logarithm of the variance
};

namespace detail {
inline double sigmoid_of(double x) {
  const double e = std::exp(-std::abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}
inline double softplus_of(double x) { return (std::max)(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
/// A positive number of x, and its derivative.
struct Positive {
  double value, derivative;
  Positive(Spread spread, double x) {
    if (spread == Spread::softplus) {
      value = softplus_of(x);
      derivative = sigmoid_of(x);
    } else {
      value = std::exp(x / 2);
      derivative = value / 2;
    }
  }
};

/// What is wrong with the arguments of a loss that takes `each` outputs for each target.
UNROLL_API void check_number_shapes(const char* who, Index each, Index output_rows, Index output_cols,
                                    Index target_rows, Index target_cols, std::span<const double> sample_weights);
UNROLL_API void check_least(const char* who, double least);

/// The mean over all targets of `of(y, t, d)`, weighted per column: y, with y[j], is output j for the target t (row
/// j K + k of the output for row k of K), and `d(j, g)` takes g = d of / d y[j]. Writes d_output if it is not null.
template <class T, class F>
LossResult mean_of_numbers(const char* who, Index each, const Matrix<T>& output, const Matrix<T>& targets,
                           Matrix<T>* d_output, std::span<const double> sample_weights, const F& of) {
  check_number_shapes(who, each, output.rows(), output.cols(), targets.rows(), targets.cols(), sample_weights);
  const Index K = targets.rows();
  if (const Index k = find_not_finite(targets.data(), targets.size()); k >= 0)
    fail(who, ": target ", k % K, " of column ", k / K, " is ", targets.data()[k], ", expected a finite number");
  if (d_output != nullptr) d_output->resize(output.rows(), output.cols());
  if (targets.size() == 0) return {};
  const auto total = static_cast<double>(targets.size());
  struct Outputs {
    const T* first;
    Index apart;
    double operator[](Index j) const { return double(first[j * apart]); }
  };
  const double sum = ordered_sum(output.cols(), output.rows(), [&](Index n) {
    const double weight = at_or_one(sample_weights, n), scale = weight / total;
    const T* const y = output.data() + n * output.rows();
    const T* const t = targets.data() + n * K;
    T* const d = d_output == nullptr ? nullptr : d_output->data() + n * output.rows();
    double s = 0;
    for (Index k = 0; k < K; ++k)
      s += of(Outputs{y + k, K}, double(t[k]), [&](Index j, double gradient) {
        if (d != nullptr) d[j * K + k] = static_cast<T>(scale * gradient);
      });
    return weight * s;
  });
  return {sum / total, total};
}

/// Rows part * K .. of an output with `each` rows for each of K targets.
template <class T> Matrix<T> part_of_numbers(const char* who, Index each, const Matrix<T>& output, Index part) {
  require(output.rows() % each == 0, who, ": the output has ", output.rows(), " rows, expected ", each,
          " for each target");
  const Index K = output.rows() / each;
  return Matrix<T>(output.middleRows(part * K, K));
}
}  // namespace detail

// What every loss here has beside its formula: the two calls of a Loss, in a class whose `compute(output, targets,
// d_output, sample_weights)` may be given no d_output.
#define UNROLL_NUMBERS_LOSS(NAME)                                                                           \
  template <class T>                                                                                        \
  LossResult NAME::operator()(const Matrix<T>& output, const Matrix<T>& targets, Matrix<T>& d_output,       \
                              std::span<const double> sample_weights) const {                               \
    return compute(output, targets, &d_output, sample_weights);                                             \
  }                                                                                                         \
  template <class T> LossResult NAME::operator()(const Matrix<T>& output, const Matrix<T>& targets) const { \
    return compute(output, targets, static_cast<Matrix<T>*>(nullptr), {});                                  \
  }
#define UNROLL_NUMBERS_LOSS_INSTANCES(DECLARE, NAME, T)                                                               \
  DECLARE LossResult NAME::operator()(const Matrix<T>&, const Matrix<T>&, Matrix<T>&, std::span<const double>) const; \
  DECLARE LossResult NAME::operator()(const Matrix<T>&, const Matrix<T>&) const;

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/loss/numbers.ipp>
#endif
