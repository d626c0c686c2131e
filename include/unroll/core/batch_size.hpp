// How much there is in a batch, and which share of a whole batch that is.
#pragma once

#include <unroll/core/context.hpp>
#include <unroll/core/packing.hpp>

namespace unroll::inline UNROLL_ABI {

/// What the means over a batch are over.
struct BatchSize {
  Index sequences = 0, steps = 0;
  Index changes = 0;  ///< from a step to the next of its sequence

  BatchSize() = default;
  explicit BatchSize(const Packing& p)
      : sequences(p.batch()), steps(p.total()), changes(p.steps() > 0 ? p.total() - p.batch_size(0) : 0) {}

  BatchSize& operator+=(const BatchSize& other) {
    sequences += other.sequences;
    steps += other.steps;
    changes += other.changes;
    return *this;
  }
  /// For Context::share, where this is a part of a `whole`.
  BatchShare share_of(const BatchSize& whole) const {
    const auto share = [](Index part, Index of) {
      return of > 0 ? static_cast<double>(part) / static_cast<double>(of) : 1.0;
    };
    return {share(sequences, whole.sequences), share(steps, whole.steps), share(changes, whole.changes)};
  }
};

}  // namespace unroll::inline UNROLL_ABI
