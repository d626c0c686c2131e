// Precision, recall and F1 of one class.
#pragma once

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// How often a class, or a kind of span, was there, was predicted, and was predicted where it was there. What would
/// divide by zero is 0, as in scikit-learn.
struct ClassCounts {
  Index right = 0, predicted = 0, there = 0;

  double precision() const { return share(right, predicted); }  ///< of those predicted, the share that are right
  double recall() const { return share(right, there); }         ///< of those that are there, the share found
  double f1() const { return share(2 * right, predicted + there); }
  bool operator==(const ClassCounts&) const = default;

 private:
  static double share(Index part, Index whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

}  // namespace unroll::inline UNROLL_ABI
