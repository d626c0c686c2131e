// How unusual a number is among those before it.
#pragma once

#include <cstdint>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

struct AnomalyOptions {
  double memory = 100;  ///< n: each number weighs 1 - 1/n of the one after it; the first n all the same
  double least = 0;     ///< of the deviation, in the unit of the numbers
};

/// An error in units of its own running spread, for models whose loss says nothing of how sure they are:
///   score(x) = (x - m) / max(s, least),   m <- m + a (x - m),   s^2 <- (1 - a) (s^2 + a (x - m)^2)
/// with a = max(1 / count, 1 / memory), after Finch 2009, "Incremental calculation of weighted mean and variance". Who
/// adds what is unusual gets used to it.
class UNROLL_API AnomalyScore {
 public:
  /// Throws for a memory below 1 or a negative deviation.
  explicit AnomalyScore(const AnomalyOptions& options = {});

  /// How many deviations x is above the mean of what was added; 0 where that were less than two numbers. Infinite where
  /// they have not varied, `least` is 0 and x is another. Throws where x is no finite number, as `add` does.
  double score(double x) const;
  void add(double x);

  double mean() const { return mean_; }
  double deviation() const;
  std::int64_t count() const { return count_; }

 private:
  AnomalyOptions options_;
  double mean_ = 0, variance_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/anomaly_score.ipp>
#endif
