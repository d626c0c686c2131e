// When a recurrent layer makes its products over the columns of many steps: in pieces, while what they share with the
// steps is still in a cache. The numbers do not know.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>

#include <unroll/layer/recurrent/sequence_ranges.hpp>

namespace unroll::inline UNROLL_ABI {

/// Columns of gates that are made at once: they stay in a processor's second cache until the steps have read them. At
/// least 256 where W is large, which is read once for all of them.
template <class T> Index chunk_columns(const SequenceRanges& ranges, Index gate_rows, const Matrix<T>& W) {
  if (ranges.others_help()) return (std::numeric_limits<Index>::max)();
  constexpr Index numbers = (1 << 18) / static_cast<Index>(sizeof(T));
  return (std::max<Index>)(numbers / gate_rows, W.size() > numbers ? 256 : 1);
}

/// Forward, in the order of `steps`: project(columns, gates) for steps that have at most `most` columns together, or
/// one step, then run(step) for each of them. Columns of the gates are those of the steps if they are kept, else the
/// same for every chunk. The columns of a range that is not whole lie together within one step only.
template <class Project, class Run>
void in_chunks(std::span<const Step> steps, const SequenceRange& range, Index most, bool keep, const Project& project,
               const Run& run) {
  if (!range.whole) most = 1;
  for (std::size_t k = 0, end = 0; k < steps.size(); k = end) {
    Index n = range.within(steps[end++]).n;
    if (n <= 0) continue;
    while (end < steps.size() && n < most && steps[end].n <= most - n) n += steps[end++].n;
    const Index first = (std::min)(steps[k].at, steps[end - 1].at) + range.first;
    const Index gates = keep ? first : range.first;
    project(Columns{first, n}, gates);
    for (std::size_t i = k; i < end; ++i) {
      Step step = range.within(steps[i]);
      step.gates = gates + step.at - first;
      run(step);
    }
  }
}

/// Backward: the columns whose gradient has not gone into the products yet. It goes in blocks of `detail::depth_block`,
/// counted from the batch's first column whatever the direction, and so has the same bits however the steps are cut.
struct OpenColumns {
  Index first, n;
  bool reverse;

  /// f(block) for each block that is complete with the columns `done`, the last ones that the loop went through.
  template <class F> void complete(const Columns& done, const F& f) {
    while (n > 0) {
      const Index end = first + n, rest = n % detail::depth_block;
      Columns block{first, (std::min)(n, detail::depth_block)};
      if (!reverse) block = {end - (rest > 0 ? rest : detail::depth_block), rest > 0 ? rest : detail::depth_block};
      const bool all = reverse ? done.first + done.n >= block.first + block.n : done.first <= block.first;
      if (!all) return;
      f(block);
      n -= block.n;
      if (reverse) first += block.n;
    }
  }
};

}  // namespace unroll::inline UNROLL_ABI
