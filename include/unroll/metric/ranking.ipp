// Bodies of metric/ranking.hpp.
#pragma once

#include <algorithm>

#include <unroll/core/finite.hpp>
#include <unroll/metric/ranking.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void Ranking::add(double score, Index label) {
  require(label == 0 || label == 1, "Ranking: label ", label, ", expected 0 or 1");
  require(detail::has_finite_bits(score), "Ranking: score ", scores_.size(), " is not finite");
  scores_.push_back({score, label == 1});
}
UNROLL_FUNCTION void Ranking::add(std::span<const double> scores, std::span<const Index> labels) {
  require(scores.size() == labels.size(), "Ranking: ", scores.size(), " scores and ", labels.size(), " labels");
  for (std::size_t n = 0; n < scores.size(); ++n) add(scores[n], labels[n]);
}
/// Highest first.
UNROLL_FUNCTION std::vector<Ranking::Scored> Ranking::sorted() const {
  std::vector<Scored> all = scores_;
  std::sort(all.begin(), all.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
  return all;
}

UNROLL_FUNCTION double Ranking::roc_auc() const {
  const std::vector<Scored> all = sorted();
  double positives = 0, area = 0;  // class 1 so far; pairs in the right order
  for (std::size_t k = 0; k < all.size();) {
    double p = 0, n = 0;
    for (const double score = all[k].score; k < all.size() && all[k].score == score; ++k)
      (all[k].positive ? p : n) += 1;
    area += n * (positives + p / 2);
    positives += p;
  }
  const double negatives = static_cast<double>(all.size()) - positives;
  require(positives > 0 && negatives > 0, "Ranking: roc_auc needs both classes, has ", positives, " of class 1 among ",
          all.size());
  return area / (positives * negatives);
}
UNROLL_FUNCTION double Ranking::average_precision() const {
  const std::vector<Scored> all = sorted();
  double positives = 0, sum = 0;
  for (std::size_t k = 0; k < all.size();) {
    double p = 0;
    for (const double score = all[k].score; k < all.size() && all[k].score == score; ++k) p += all[k].positive ? 1 : 0;
    positives += p;
    sum += p * positives / static_cast<double>(k);
  }
  require(positives > 0, "Ranking: average_precision needs class 1, which does not occur among ", all.size());
  return sum / positives;
}

UNROLL_FUNCTION MetricValues Ranking::values() const {
  std::ptrdiff_t positives = 0;
  for (const Scored& scored : scores_) positives += scored.positive ? 1 : 0;
  MetricValues values;
  if (positives > 0) values["average_precision"] = average_precision();
  if (positives > 0 && positives < std::ssize(scores_)) values["roc_auc"] = roc_auc();
  return values;
}

}  // namespace unroll::inline UNROLL_ABI
