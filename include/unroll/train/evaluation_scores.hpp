// The metrics of an evaluation, batch by batch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <unroll/loss/loss.hpp>
#include <unroll/metric/confusion_matrix.hpp>
#include <unroll/metric/metric.hpp>
#include <unroll/train/history.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
class EvaluationScores {
 public:
  std::vector<std::string> names;      ///< of the classes, where they have some
  std::vector<Index> labels, decided;  ///< of the present batch

  UNROLL_API explicit EvaluationScores(const Metrics& metrics);
  /// Whether anybody asks for the decisions of a model with so many outputs.
  bool wanted(Index outputs) const { return !metrics_.empty() || outputs <= most_classes_counted; }
  UNROLL_API void set_labels(Labels of);
  /// Columns with this label count for nothing.
  UNROLL_API void ignore(Index label);
  template <class T> void add(const MetricBatch<T>& batch) {
    for (Metric& metric : metrics_) metric.add(batch);
    if (batch.numbers == nullptr) count(batch.outputs.rows());
  }
  UNROLL_API void write(Evaluation& evaluation);

 private:
  UNROLL_API void count(Index outputs);

  std::vector<Metric> metrics_;
  std::optional<ConfusionMatrix> confusion_;
};
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/evaluation_scores.ipp>
#endif
