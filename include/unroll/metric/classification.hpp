// Metrics of the probabilities of a classifier; what follows from its decisions alone is in confusion_matrix.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include <unroll/core/range.hpp>
#include <unroll/metric/metric.hpp>

namespace unroll::inline UNROLL_ABI {

/// How often the true class is among the k largest outputs. Of equal ones the first are taken: scikit-learn's
/// top_k_accuracy_score, but that it takes the last.
class TopK {
 public:
  /// Throws unless k is at least 1.
  explicit TopK(Index k) : k_(k) { detail::require_at_least("TopK", "k", k, 1); }

  template <class T> void add(const MetricBatch<T>& batch);
  double accuracy() const { return count_ == 0 ? 0 : static_cast<double>(right_) / static_cast<double>(count_); }
  /// top_<k>_accuracy
  MetricValues values() const { return {{concat_text("top_", k_, "_accuracy"), accuracy()}}; }

 private:
  Index k_, right_ = 0, count_ = 0;
};

/// exp of the mean of -log p(true class), over all columns: how many classes the model wavers between. Unlike exp of
/// the loss it knows no class weights and no smoothing.
class Perplexity {
 public:
  template <class T> void add(const MetricBatch<T>& batch);
  double value() const { return count_ == 0 ? 1 : std::exp(sum_ / static_cast<double>(count_)); }
  /// perplexity
  MetricValues values() const { return {{"perplexity", value()}}; }

 private:
  double sum_ = 0;
  Index count_ = 0;
};

namespace detail {
/// f(logits, how many, label) for each column that counts; of one row as if class 0 had 0.
template <class T, class F> void for_each_decision(const char* who, const MetricBatch<T>& batch, const F& f) {
  require_labels(who, batch.numbers != nullptr);
  const Index rows = batch.outputs.rows(), classes = rows == 1 ? 2 : rows;
  require(batch.outputs.cols() == static_cast<Index>(batch.labels.size()), who, ": outputs of ", batch.outputs.cols(),
          " columns for ", batch.labels.size(), " labels");
  for (Index n = 0; n < batch.outputs.cols(); ++n) {
    const Index label = batch.labels[static_cast<std::size_t>(n)];
    if (label < 0) continue;
    require_index(who, "class", label, classes);
    const T pair[] = {0, batch.outputs(0, n)};
    f(rows == 1 ? pair : batch.outputs.data() + n * rows, classes, label);
  }
}
}  // namespace detail

template <class T> void TopK::add(const MetricBatch<T>& batch) {
  detail::for_each_decision("TopK", batch, [&](const T* x, Index classes, Index label) {
    Index before = 0;
    for (Index c = 0; c < classes; ++c) before += x[c] > x[label] || (x[c] == x[label] && c < label) ? 1 : 0;
    right_ += before < k_ ? 1 : 0;
    ++count_;
  });
}
template <class T> void Perplexity::add(const MetricBatch<T>& batch) {
  detail::for_each_decision("Perplexity", batch, [&](const T* x, Index classes, Index label) {
    double largest = static_cast<double>(x[0]), sum = 0;
    for (Index c = 1; c < classes; ++c) largest = (std::max)(largest, static_cast<double>(x[c]));
    for (Index c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(x[c]) - largest);
    sum_ += std::log(sum) + largest - static_cast<double>(x[label]);
    ++count_;
  });
}

}  // namespace unroll::inline UNROLL_ABI
