// The metrics of an evaluation, batch by batch.
#pragma once

#include <cstddef>
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
  std::vector<std::string> names;  ///< of the classes, where they have some
  std::vector<Index> decided;      ///< of the present batch; filled by a loss that decides in a way of its own

  UNROLL_API explicit EvaluationScores(const Metrics& metrics);
  UNROLL_API ~EvaluationScores();
  EvaluationScores(const EvaluationScores&) = delete;
  EvaluationScores& operator=(const EvaluationScores&) = delete;

  /// Whether anybody asks for the decisions between so many classes.
  bool wanted(Index classes) const { return !metrics_.empty() || classes <= most_classes_counted; }
  /// A batch with labels, of which `ignored` and those below 0 count for nothing. Outputs that are not one for each
  /// class are no logits, and metrics do not see them.
  template <class T>
  UNROLL_API void add_labels(const Matrix<T>& outputs, Index classes, Labels labels, Index ignored,
                             const Packing* packing, bool is_decided);
  template <class T>
  UNROLL_API void add_numbers(const Matrix<T>& outputs, const Matrix<T>& numbers, const Packing* packing);
  /// Targets that only the loss knows. Throws where metrics were asked for.
  UNROLL_API void add_unknown() const;
  UNROLL_API void write(Evaluation& evaluation);

 private:
  void count(Index classes);

  Metrics metrics_;
  std::vector<Index> labels_;
  std::optional<ConfusionMatrix> confusion_;
};

template <class T>
void EvaluationScores::add_labels(const Matrix<T>& outputs, Index classes, Labels labels, Index ignored,
                                  const Packing* packing, bool is_decided) {
  if (!is_decided) decide(outputs, decided);
  labels_.resize(static_cast<std::size_t>(labels.size()));
  for (Index n = 0; n < labels.size(); ++n)
    labels_[static_cast<std::size_t>(n)] = labels[n] == ignored ? -1 : labels[n];
  const Matrix<T> none;
  const bool are_logits = outputs.rows() == classes || (outputs.rows() == 1 && classes == 2);
  for (Metric& metric : metrics_)
    metric.add(MetricBatch<T>{
        .outputs = are_logits ? outputs : none, .labels = labels_, .decided = decided, .packing = packing});
  count(classes);
}
template <class T>
void EvaluationScores::add_numbers(const Matrix<T>& outputs, const Matrix<T>& numbers, const Packing* packing) {
  for (Metric& metric : metrics_)
    metric.add(MetricBatch<T>{.outputs = outputs, .numbers = &numbers, .packing = packing});
}

#define UNROLL_EVALUATION_SCORES_INSTANCES(DECLARE, T)                                                     \
  DECLARE void EvaluationScores::add_labels(const Matrix<T>&, Index, Labels, Index, const Packing*, bool); \
  DECLARE void EvaluationScores::add_numbers(const Matrix<T>&, const Matrix<T>&, const Packing*);
#if !UNROLL_HEADER_ONLY
UNROLL_EVALUATION_SCORES_INSTANCES(extern template, float)
UNROLL_EVALUATION_SCORES_INSTANCES(extern template, double)
#endif
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/evaluation_scores.ipp>
#endif
