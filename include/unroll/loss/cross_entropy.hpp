// Softmax cross-entropy from logits.
#pragma once

#include <cmath>

#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

/// For logits x (C), a label y, class weights w and label smoothing s, a column's loss is
///   l = sum_c t_c * (log sum_k exp(x_k) - x_c),   t_c = w_c * ((1 - s) * [c == y] + s / C)
///   dl/dx_c = softmax(x)_c * sum_k t_k - t_c
/// and the mean divides by the sum of w_y over the columns that are not ignored: PyTorch's cross_entropy. Where that
/// sum is 0 the loss and the gradient are 0 (PyTorch: NaN).
struct CrossEntropy {
  double label_smoothing = 0;
  Index ignore_index = -100;               ///< columns with this label count for nothing
  std::vector<double> class_weights = {};  ///< (C), or none

  template <class T> using Targets = std::vector<Index>;

  /// logits (C, n) and labels 0 .. C - 1 (n); writes d_logits (C, n). Throws where a label is outside, a weight is
  /// negative or no finite number, or shapes differ.
  template <class T>
  UNROLL_API LossResult operator()(const Matrix<T>& logits, Labels labels, Matrix<T>& d_logits,
                                   std::span<const double> sample_weights = {}) const;
  template <class T> UNROLL_API LossResult operator()(const Matrix<T>& logits, Labels labels) const;
  double weight(Labels labels) const;

  /// How many columns, of those not ignored, have their largest logit (the first of equals) at their label.
  template <class T> UNROLL_API Index correct(const Matrix<T>& logits, Labels labels) const;
  Index count(Labels labels) const;

 private:
  double class_weight(Index c) const;

  template <class T> void check(const Matrix<T>& logits, Labels labels) const;
  template <class T> void check_options(const Matrix<T>& logits, std::span<const double> sample_weights) const;

  template <class T>
  LossResult compute(const Matrix<T>& logits, Labels labels, T* d_logits, std::span<const double> sample_weights) const;
};

template <class T>
LossResult CrossEntropy::operator()(const Matrix<T>& logits, Labels labels, Matrix<T>& d_logits,
                                    std::span<const double> sample_weights) const {
  check(logits, labels);
  check_options(logits, sample_weights);
  d_logits.resize(logits.rows(), logits.cols());
  return compute(logits, labels, d_logits.data(), sample_weights);
}
template <class T> LossResult CrossEntropy::operator()(const Matrix<T>& logits, Labels labels) const {
  check(logits, labels);
  check_options(logits, {});
  return compute(logits, labels, static_cast<T*>(nullptr), {});
}
inline double CrossEntropy::weight(Labels labels) const {
  double sum = 0;
  for (Index n = 0; n < labels.size(); ++n)
    if (labels[n] != ignore_index) sum += class_weight(labels[n]);
  return sum;
}
template <class T> Index CrossEntropy::correct(const Matrix<T>& logits, Labels labels) const {
  check(logits, labels);
  Index right = 0;
  for (Index n = 0; n < labels.size(); ++n) {
    if (labels[n] == ignore_index) continue;
    const T* x = logits.data() + n * logits.rows();
    right += std::max_element(x, x + logits.rows()) - x == labels[n] ? 1 : 0;
  }
  return right;
}
inline Index CrossEntropy::count(Labels labels) const { return detail::count_labels(labels, ignore_index); }
inline double CrossEntropy::class_weight(Index c) const {
  if (class_weights.empty()) return 1;
  require(c >= 0 && c < static_cast<Index>(class_weights.size()), "cross_entropy: class ", c,
          " has no weight, there are ", class_weights.size());
  return class_weights[static_cast<std::size_t>(c)];
}
template <class T> void CrossEntropy::check(const Matrix<T>& logits, Labels labels) const {
  detail::check_columns("cross_entropy", logits.cols(), labels.size());
  detail::check_labels("cross_entropy", labels, logits.rows(), ignore_index);
}
template <class T>
void CrossEntropy::check_options(const Matrix<T>& logits, std::span<const double> sample_weights) const {
  require(class_weights.empty() || static_cast<Index>(class_weights.size()) == logits.rows(),
          "cross_entropy: ", class_weights.size(), " class weights for ", logits.rows(), " classes");
  detail::check_weights("cross_entropy", "class weight", class_weights);
  detail::require_share("cross_entropy", "label_smoothing", label_smoothing);
  detail::check_sample_weights("cross_entropy", logits.cols(), sample_weights);
}
template <class T>
LossResult CrossEntropy::compute(const Matrix<T>& logits, Labels labels, T* d_logits,
                                 std::span<const double> sample_weights) const {
  const Index classes = logits.rows();
  const double total = weight(labels), smooth = label_smoothing / static_cast<double>((std::max<Index>)(classes, 1));
  double weight_sum = static_cast<double>(classes);
  if (!class_weights.empty()) {
    weight_sum = 0;
    for (const double w : class_weights) weight_sum += w;
  }
  if (!(total > 0)) {
    if (d_logits != nullptr) std::fill_n(d_logits, logits.size(), T(0));
    return {};
  }
  const double sum = detail::ordered_sum(labels.size(), 8 * classes, [&](Index n) {
    const T* x = logits.data() + n * classes;
    T* d = d_logits != nullptr ? d_logits + n * classes : nullptr;
    const Index y = labels[n];
    if (y == ignore_index) {
      if (d != nullptr) std::fill_n(d, classes, T(0));
      return 0.0;
    }
    const T largest = *std::max_element(x, x + classes);
    double partition = 0;
    for (Index c = 0; c < classes; ++c) {
      const T e = std::exp(x[c] - largest);
      partition += double(e);
      if (d != nullptr) d[c] = e;
    }
    const double sample = detail::at_or_one(sample_weights, n);
    const double hit = (1 - label_smoothing) * class_weight(y), log_partition = std::log(partition);
    double loss = hit * (log_partition - double(x[y] - largest));
    if (smooth > 0)
      for (Index c = 0; c < classes; ++c) loss += smooth * class_weight(c) * (log_partition - double(x[c] - largest));
    if (d != nullptr) {
      const double scale = sample / total, of_softmax = scale * (hit + smooth * weight_sum) / partition;
      for (Index c = 0; c < classes; ++c) d[c] = static_cast<T>(of_softmax * double(d[c]));
      d[y] -= static_cast<T>(scale * hit);
      if (smooth > 0)
        for (Index c = 0; c < classes; ++c) d[c] -= static_cast<T>(scale * smooth * class_weight(c));
    }
    return sample * loss;
  });
  return {sum / total, total};
}

#define UNROLL_CROSS_ENTROPY_INSTANCES(DECLARE, T)                                                                  \
  DECLARE LossResult CrossEntropy::operator()(const Matrix<T>&, Labels, Matrix<T>&, std::span<const double>) const; \
  DECLARE LossResult CrossEntropy::operator()(const Matrix<T>&, Labels) const;                                      \
  DECLARE Index CrossEntropy::correct(const Matrix<T>&, Labels) const;
#if !UNROLL_HEADER_ONLY
UNROLL_CROSS_ENTROPY_INSTANCES(extern template, float)
UNROLL_CROSS_ENTROPY_INSTANCES(extern template, double)
#endif

/// The mean loss of a batch and its gradient; labels (n) of any integer type. See CrossEntropy.
template <class Output, class T = ScalarOf<Output>>
T cross_entropy(const Output& logits, Labels labels, Output& d_logits, const CrossEntropy& options = {},
                std::span<const double> sample_weights = {}) {
  return static_cast<T>(compute_loss(options, logits, labels, d_logits, sample_weights).loss);
}

}  // namespace unroll::inline UNROLL_ABI
