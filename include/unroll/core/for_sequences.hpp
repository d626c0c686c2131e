// The sequences of a batch, one after another, on several threads.
#pragma once

#include <unroll/core/packing.hpp>
#include <unroll/core/parallel.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// f(j, row, length) for each sequence: its sorted place, the user's row and its steps. A thread takes whole sequences,
/// at least `least`.
template <class F> void for_sequences(const Packing& p, const F& f, Index least = 1) {
  parallel_ranges(p.batch(), least, [&](Index first, Index last) {
    for (Index j = first; j < last; ++j) f(j, p.row(j), p.length(j));
  });
}

}  // namespace unroll::inline UNROLL_ABI::detail
