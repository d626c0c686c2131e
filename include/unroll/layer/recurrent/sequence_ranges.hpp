// How the threads share the sequences of a recurrent layer.
#pragma once

#include <algorithm>
#include <vector>

#include <unroll/cell/cell.hpp>
#include <unroll/core/parallel.hpp>

namespace unroll::inline UNROLL_ABI {

/// One thread's sequences, [first, last) in packed order.
struct SequenceRange {
  std::size_t index;
  Index first, last;
  bool whole;  ///< all of them
  bool alone;  ///< and no other thread is there to help with products

  /// Its part of a step; n may be negative where none of its sequences is so long.
  Step within(const Step& s) const {
    return {s.at + first, (std::min)(s.n, last) - first, s.in + first, s.out + first, first, s.at + first, s.time};
  }
};

/// Sorted sequences cut into ranges of about equal numbers of steps, one per thread. A small pass stays on one thread,
/// and so does one direction of two that have a thread each.
class SequenceRanges {
 public:
  void balance(const Packing& packing, double work_per_step) {
    const double work = work_per_step * static_cast<double>(packing.total());
    const Index most = inside_parallel() ? 1 : threads();
    const Index pieces = std::clamp<Index>((std::min<Index>)(most, static_cast<Index>(work / 2e6)), 1,
                                           (std::max<Index>)(packing.batch() / 2, 1));
    boundaries_.reserve(static_cast<std::size_t>(threads()) + 1);
    boundaries_.assign(1, 0);
    Index steps = 0;
    for (Index j = 0; j < packing.batch(); ++j) {
      const auto k = static_cast<Index>(boundaries_.size());
      if (k < pieces && steps * pieces >= packing.total() * k) boundaries_.push_back(j);
      steps += packing.length(j);
    }
    boundaries_.push_back(packing.batch());
  }
  /// f(range), each on a thread of its own.
  template <class F> void for_each(const F& f) const {
    const auto count = static_cast<int>(boundaries_.size()) - 1;
    const bool whole = count == 1, alone = whole && !others_help();
    parallel_for(count, [&](int k) {
      const auto index = static_cast<std::size_t>(k);
      f(SequenceRange{index, boundaries_[index], boundaries_[index + 1], whole, alone});
    });
  }
  /// One range has all sequences, and threads are idle that can share a product.
  bool others_help() const { return boundaries_.size() == 2 && threads() > 1 && !inside_parallel(); }

 private:
  std::vector<Index> boundaries_;  ///< range k is boundaries_[k] .. boundaries_[k + 1]
};

}  // namespace unroll::inline UNROLL_ABI
