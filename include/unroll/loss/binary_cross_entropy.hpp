// Binary cross-entropy from logits.
#pragma once

#include <cmath>

#include <unroll/core/finite.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

/// For a logit x and a target y in 0 .. 1, with s the sigmoid:
///   l = -(pos_weight * y * log s(x) + (1 - y) * log s(-x)),   dl/dx = (1 - y) * s(x) - pos_weight * y * s(-x)
/// computed without overflow for every x; the mean is over all elements. PyTorch's binary_cross_entropy_with_logits.
struct BinaryCrossEntropy {
  double pos_weight = 1;                 ///< above 1: misses cost more than false alarms
  std::vector<double> pos_weights = {};  ///< (K) one for each output; none: pos_weight for all

  template <class T> using Targets = std::vector<Index>;

  /// logits (1, n) and labels 0 or 1 (n); writes d_logits (1, n). Throws where a label is neither, a weight is negative
  /// or no finite number, or shapes differ.
  template <class T>
  UNROLL_API LossResult operator()(const Matrix<T>& logits, Labels labels, Matrix<T>& d_logits,
                                   std::span<const double> sample_weights = {}) const;
  template <class T> UNROLL_API LossResult operator()(const Matrix<T>& logits, Labels labels) const;
  double weight(Labels labels) const;

  /// Several outputs at once, or soft targets: logits and targets (K, n), targets in 0 .. 1, or it throws.
  template <class T>
  UNROLL_API LossResult operator()(const Matrix<T>& logits, const Matrix<T>& targets, Matrix<T>& d_logits,
                                   std::span<const double> sample_weights = {}) const;
  template <class T> UNROLL_API LossResult operator()(const Matrix<T>& logits, const Matrix<T>& targets) const;
  template <class T> double weight(const Matrix<T>& targets) const;

  /// How many logits have the sign of their label: above 0 means 1.
  template <class T> UNROLL_API Index correct(const Matrix<T>& logits, Labels labels) const;
  Index count(Labels labels) const;

 private:
  double pos_weight_of(Index k) const;

  template <class T> void check(const Matrix<T>& logits, Labels labels) const;
  template <class T> static void check(const Matrix<T>& logits, const Matrix<T>& targets);
  template <class T> void check_weights(const Matrix<T>& logits, std::span<const double> sample_weights) const;
  template <class T>
  LossResult from_labels(const Matrix<T>& logits, Labels labels, T* d_logits,
                         std::span<const double> sample_weights) const;
  template <class T>
  LossResult from_targets(const Matrix<T>& logits, const Matrix<T>& targets, T* d_logits,
                          std::span<const double> sample_weights) const;
  template <class T, class Target>
  LossResult compute(const Matrix<T>& logits, T* d_logits, std::span<const double> sample_weights,
                     const Target& target) const;
};

template <class T>
LossResult BinaryCrossEntropy::operator()(const Matrix<T>& logits, Labels labels, Matrix<T>& d_logits,
                                          std::span<const double> sample_weights) const {
  check(logits, labels);
  check_weights(logits, sample_weights);
  d_logits.resize(logits.rows(), logits.cols());
  return from_labels(logits, labels, d_logits.data(), sample_weights);
}
template <class T> LossResult BinaryCrossEntropy::operator()(const Matrix<T>& logits, Labels labels) const {
  check(logits, labels);
  check_weights(logits, {});
  return from_labels(logits, labels, static_cast<T*>(nullptr), {});
}
inline double BinaryCrossEntropy::weight(Labels labels) const { return static_cast<double>(labels.size()); }
template <class T>
LossResult BinaryCrossEntropy::operator()(const Matrix<T>& logits, const Matrix<T>& targets, Matrix<T>& d_logits,
                                          std::span<const double> sample_weights) const {
  check(logits, targets);
  check_weights(logits, sample_weights);
  d_logits.resize(logits.rows(), logits.cols());
  return from_targets(logits, targets, d_logits.data(), sample_weights);
}
template <class T> LossResult BinaryCrossEntropy::operator()(const Matrix<T>& logits, const Matrix<T>& targets) const {
  check(logits, targets);
  check_weights(logits, {});
  return from_targets(logits, targets, static_cast<T*>(nullptr), {});
}
template <class T> double BinaryCrossEntropy::weight(const Matrix<T>& targets) const {
  return static_cast<double>(targets.size());
}
template <class T> Index BinaryCrossEntropy::correct(const Matrix<T>& logits, Labels labels) const {
  check(logits, labels);
  Index n = 0;
  for (Index k = 0; k < labels.size(); ++k) n += (logits.data()[k] > T(0)) == (labels[k] == 1) ? 1 : 0;
  return n;
}
inline Index BinaryCrossEntropy::count(Labels labels) const { return labels.size(); }
inline double BinaryCrossEntropy::pos_weight_of(Index k) const {
  return pos_weights.empty() ? pos_weight : pos_weights[std::size_t(k)];
}
template <class T> void BinaryCrossEntropy::check(const Matrix<T>& logits, Labels labels) const {
  require(logits.rows() == 1, "binary_cross_entropy: the logits have ", logits.rows(), " rows, expected 1");
  detail::check_columns("binary_cross_entropy", logits.cols(), labels.size());
  for (Index n = 0; n < labels.size(); ++n)
    require(labels[n] == 0 || labels[n] == 1, "binary_cross_entropy: label ", n, " is ", labels[n],
            ", expected 0 or 1");
}
template <class T> void BinaryCrossEntropy::check(const Matrix<T>& logits, const Matrix<T>& targets) {
  require(logits.rows() == targets.rows(), "binary_cross_entropy: targets have ", targets.rows(),
          " rows, the logits have ", logits.rows());
  detail::check_columns("binary_cross_entropy", logits.cols(), targets.cols());
  for (Index k = 0; k < targets.size(); ++k)
    if (const T y = targets.data()[k]; !(detail::has_finite_bits(y) && y >= T(0) && y <= T(1))) [[unlikely]]
      fail("binary_cross_entropy: target ", k % targets.rows(), " of column ", k / targets.rows(), " is ", y,
           ", expected 0 to 1");
}
template <class T>
void BinaryCrossEntropy::check_weights(const Matrix<T>& logits, std::span<const double> sample_weights) const {
  detail::require_not_negative("binary_cross_entropy", "pos_weight", pos_weight);
  require(pos_weights.empty() || static_cast<Index>(pos_weights.size()) == logits.rows(),
          "binary_cross_entropy: ", pos_weights.size(), " pos_weights for ", logits.rows(), " outputs");
  detail::check_weights("binary_cross_entropy", "pos_weight", pos_weights);
  detail::check_sample_weights("binary_cross_entropy", logits.cols(), sample_weights);
}
template <class T>
LossResult BinaryCrossEntropy::from_labels(const Matrix<T>& logits, Labels labels, T* d_logits,
                                           std::span<const double> sample_weights) const {
  return compute(logits, d_logits, sample_weights, [&](Index, Index n) { return double(labels[n]); });
}
template <class T>
LossResult BinaryCrossEntropy::from_targets(const Matrix<T>& logits, const Matrix<T>& targets, T* d_logits,
                                            std::span<const double> sample_weights) const {
  return compute(logits, d_logits, sample_weights, [&](Index k, Index n) { return double(targets(k, n)); });
}
template <class T, class Target>
LossResult BinaryCrossEntropy::compute(const Matrix<T>& logits, T* d_logits, std::span<const double> sample_weights,
                                       const Target& target) const {
  if (logits.size() == 0) return {};
  const auto total = static_cast<double>(logits.size());
  const double sum = detail::ordered_sum(logits.cols(), 16 * logits.rows(), [&](Index n) {
    const double weight = detail::at_or_one(sample_weights, n);
    double s = 0;
    for (Index k = 0; k < logits.rows(); ++k) {
      const auto x = static_cast<double>(logits(k, n));
      const double positive = pos_weight_of(k) * target(k, n), negative = 1 - target(k, n);
      const double e = std::exp(-std::abs(x)), lesser = e / (1 + e), greater = 1 / (1 + e);
      s += positive * (std::max)(-x, 0.0) + negative * (std::max)(x, 0.0) + (positive + negative) * std::log1p(e);
      if (d_logits != nullptr) {
        const double d = x < 0 ? negative * lesser - positive * greater : negative * greater - positive * lesser;
        d_logits[n * logits.rows() + k] = static_cast<T>(d * weight / total);
      }
    }
    return weight * s;
  });
  return {sum / total, total};
}

#define UNROLL_BINARY_CROSS_ENTROPY_INSTANCES(DECLARE, T)                                                          \
  DECLARE LossResult BinaryCrossEntropy::operator()(const Matrix<T>&, Labels, Matrix<T>&, std::span<const double>) \
      const;                                                                                                       \
  DECLARE LossResult BinaryCrossEntropy::operator()(const Matrix<T>&, Labels) const;                               \
  DECLARE LossResult BinaryCrossEntropy::operator()(const Matrix<T>&, const Matrix<T>&, Matrix<T>&,                \
                                                    std::span<const double>) const;                                \
  DECLARE LossResult BinaryCrossEntropy::operator()(const Matrix<T>&, const Matrix<T>&) const;                     \
  DECLARE Index BinaryCrossEntropy::correct(const Matrix<T>&, Labels) const;
#if !UNROLL_HEADER_ONLY
UNROLL_BINARY_CROSS_ENTROPY_INSTANCES(extern template, float)
UNROLL_BINARY_CROSS_ENTROPY_INSTANCES(extern template, double)
#endif

/// The mean loss of a batch and its gradient; targets are labels (n) or a matrix (K, n). See BinaryCrossEntropy.
template <class Output, class Targets, class T = ScalarOf<Output>>
T binary_cross_entropy(const Output& logits, const Targets& targets, Output& d_logits,
                       const BinaryCrossEntropy& options = {}, std::span<const double> sample_weights = {}) {
  return static_cast<T>(compute_loss(options, logits, targets, d_logits, sample_weights).loss);
}

}  // namespace unroll::inline UNROLL_ABI
