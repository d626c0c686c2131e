// Bodies of metric/anomaly_score.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/range.hpp>
#include <unroll/metric/anomaly_score.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION AnomalyScore::AnomalyScore(const AnomalyOptions& options) : options_(options) {
  detail::require_range("AnomalyScore", "memory", options.memory, options.memory >= 1, "1 or more");
  detail::require_not_negative("AnomalyScore", "least", options.least);
}
UNROLL_FUNCTION double AnomalyScore::score(double x) const {
  require(detail::has_finite_bits(x), "AnomalyScore: ", x, ", expected a finite number");
  const double above = x - mean_, spread = (std::max)(deviation(), options_.least);
  if (count_ < 2 || above == 0) return 0;
  if (spread > 0) return above / spread;
  return above > 0 ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}
UNROLL_FUNCTION void AnomalyScore::add(double x) {
  require(detail::has_finite_bits(x), "AnomalyScore: ", x, ", expected a finite number");
  const double share = (std::max)(1 / static_cast<double>(++count_), 1 / options_.memory), above = x - mean_;
  mean_ += share * above;
  variance_ = (1 - share) * (variance_ + share * above * above);
}
UNROLL_FUNCTION double AnomalyScore::deviation() const { return std::sqrt(variance_); }

}  // namespace unroll::inline UNROLL_ABI
