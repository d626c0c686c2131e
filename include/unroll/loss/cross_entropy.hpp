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

  /// logits (C, n) and labels 0 .. C - 1 (n); writes d_logits (C, n). Throws where a label is outside, or shapes
  /// differ.
  template <class T>
  LossResult operator()(const Matrix<T>& logits, Labels labels, Matrix<T>& d_logits,
                        std::span<const double> sample_weights = {}) const {
    d_logits.resize(logits.rows(), logits.cols());
    return compute(logits, labels, d_logits.data(), sample_weights);
  }
  template <class T> LossResult operator()(const Matrix<T>& logits, Labels labels) const {
    return compute(logits, labels, static_cast<T*>(nullptr), {});
  }
  double weight(Labels labels) const {
    double sum = 0;
    for (Index n = 0; n < labels.size(); ++n)
      if (labels[n] != ignore_index) sum += class_weight(labels[n]);
    return sum;
  }

  /// How many columns, of those not ignored, have their largest logit (the first of equals) at their label.
  template <class T> Index correct(const Matrix<T>& logits, Labels labels) const {
    check(logits, labels, 0);
    Index right = 0;
    for (Index n = 0; n < labels.size(); ++n) {
      if (labels[n] == ignore_index) continue;
      const T* x = logits.data() + n * logits.rows();
      right += std::max_element(x, x + logits.rows()) - x == labels[n] ? 1 : 0;
    }
    return right;
  }
  Index count(Labels labels) const {
    Index n = 0;
    for (Index k = 0; k < labels.size(); ++k) n += labels[k] != ignore_index ? 1 : 0;
    return n;
  }

 private:
  double class_weight(Index c) const {
    if (class_weights.empty()) return 1;
    require(c >= 0 && c < static_cast<Index>(class_weights.size()), "cross_entropy: class ", c,
            " has no weight, there are ", class_weights.size());
    return class_weights[static_cast<std::size_t>(c)];
  }

  template <class T> void check(const Matrix<T>& logits, Labels labels, std::size_t sample_weights) const {
    detail::check_columns("cross_entropy", logits.cols(), labels.size(), sample_weights);
    require(class_weights.empty() || static_cast<Index>(class_weights.size()) == logits.rows(),
            "cross_entropy: ", class_weights.size(), " class weights for ", logits.rows(), " classes");
    require(label_smoothing >= 0 && label_smoothing <= 1, "cross_entropy: label_smoothing is ", label_smoothing,
            ", expected 0 to 1");
    for (Index n = 0; n < labels.size(); ++n)
      require((labels[n] >= 0 && labels[n] < logits.rows()) || labels[n] == ignore_index, "cross_entropy: label ", n,
              " is ", labels[n], ", expected 0 to ", logits.rows() - 1, " or ", ignore_index, " to ignore it");
  }

  template <class T>
  LossResult compute(const Matrix<T>& logits, Labels labels, T* d_logits,
                     std::span<const double> sample_weights) const {
    check(logits, labels, sample_weights.size());
    const Index classes = logits.rows();
    const double total = weight(labels), smooth = label_smoothing / static_cast<double>(std::max<Index>(classes, 1));
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
};

/// The mean loss of a batch and its gradient; labels (n) are Index or int32. See CrossEntropy.
template <class Output, class T = ScalarOf<Output>>
T cross_entropy(const Output& logits, Labels labels, Output& d_logits, const CrossEntropy& options = {},
                std::span<const double> sample_weights = {}) {
  return static_cast<T>(compute_loss(options, logits, labels, d_logits, sample_weights).loss);
}

}  // namespace unroll::inline UNROLL_ABI
