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
UNROLL_FUNCTION EvaluationScores::~EvaluationScores() = default;
UNROLL_FUNCTION void EvaluationScores::count(Index classes) {
  if (classes < 2 || classes > most_classes_counted) return;
  if (!confusion_) confusion_.emplace(classes, std::ssize(names) == classes ? names : std::vector<std::string>());
  for (std::size_t n = 0; n < labels_.size(); ++n)
    if (labels_[n] >= 0) confusion_->add(labels_[n], decided[n]);
}
UNROLL_FUNCTION void EvaluationScores::add_unknown() const {
  require(metrics_.empty(), "evaluate: metrics take labels or numbers; the targets of this loss are neither");
}
UNROLL_FUNCTION void EvaluationScores::write(Evaluation& evaluation) {
  evaluation.confusion = std::move(confusion_);
  for (const Metric& metric : metrics_) evaluation.metrics.merge(metric.values());
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
