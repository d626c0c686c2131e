// How well scores put one class before the other, whatever the threshold.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/metric/metric.hpp>

namespace unroll::inline UNROLL_ABI {

/// Scores of two classes, a higher one being for class 1; kept until asked, so that they are exact over batches. O(n
/// log n) time a question, O(n) memory.
class UNROLL_API Ranking {
 public:
  /// Throws for a label other than 0 and 1 and a score that is not finite.
  void add(double score, Index label);
  void add(std::span<const double> scores, std::span<const Index> labels);
  /// One output, or the second of two minus the first.
  template <class T> void add(const MetricBatch<T>& batch);
  std::size_t size() const { return scores_.size(); }

  /// The share of pairs of different classes that are in the right order, ties counted half: the area under the curve
  /// of true over false positives (Hanley and McNeil 1982). Throws unless both classes occur.
  double roc_auc() const;
  /// Mean precision over the recalls, without interpolation, as scikit-learn's average_precision_score. Throws unless
  /// class 1 occurs.
  double average_precision() const;
  /// roc_auc and average_precision, where the classes that they need occur.
  MetricValues values() const;

 private:
  struct Scored {
    double score;
    bool positive;
  };
  std::vector<Scored> sorted() const;

  std::vector<Scored> scores_;
};

template <class T> void Ranking::add(const MetricBatch<T>& batch) {
  detail::require_labels("Ranking", batch.numbers != nullptr);
  const Matrix<T>& y = batch.outputs;
  require(y.rows() == 1 || y.rows() == 2, "Ranking: ", y.rows(), " outputs, expected 1 or 2");
  require(y.cols() == static_cast<Index>(batch.labels.size()), "Ranking: outputs of ", y.cols(), " columns for ",
          batch.labels.size(), " labels");
  for (Index n = 0; n < y.cols(); ++n)
    if (const Index label = batch.labels[static_cast<std::size_t>(n)]; label >= 0)
      add(static_cast<double>(y.rows() == 1 ? y(0, n) : y(1, n) - y(0, n)), label);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/ranking.ipp>
#endif
