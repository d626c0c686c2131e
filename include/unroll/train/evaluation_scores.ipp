// Bodies of train/evaluation_scores.hpp.
#pragma once

#include <cstddef>
#include <utility>

#include <unroll/train/evaluation_scores.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION EvaluationScores::EvaluationScores(const Metrics& metrics) {
  for (const Metric& metric : metrics) metrics_.push_back(metric.copy());
}
UNROLL_FUNCTION void EvaluationScores::set_labels(Labels of) {
  labels.resize(static_cast<std::size_t>(of.size()));
  for (Index n = 0; n < of.size(); ++n) labels[static_cast<std::size_t>(n)] = of[n];
}
UNROLL_FUNCTION void EvaluationScores::ignore(Index label) {
  for (Index& k : labels)
    if (k == label) k = -1;
}
UNROLL_FUNCTION void EvaluationScores::count(Index outputs) {
  const Index classes = outputs == 1 ? 2 : outputs;
  if (classes < 2 || classes > most_classes_counted) return;
  if (!confusion_) confusion_.emplace(classes, std::ssize(names) == classes ? names : std::vector<std::string>());
  for (std::size_t n = 0; n < labels.size(); ++n)
    if (labels[n] >= 0) confusion_->add(labels[n], decided[n]);
}
UNROLL_FUNCTION void EvaluationScores::write(Evaluation& evaluation) {
  evaluation.confusion = std::move(confusion_);
  for (const Metric& metric : metrics_) evaluation.metrics.merge(metric.values());
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
