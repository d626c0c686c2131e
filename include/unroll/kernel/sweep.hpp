// Operations on arrays, element by element, that threads share.
#pragma once

#include <unroll/core/parallel.hpp>
#include <unroll/kernel/elementwise.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// for_each_element of n elements; short arrays are one thread's. The same bits for any number of threads.
template <class F, class... T> void sweep(Index n, const F& formula, T*... arrays) {
  parallel_ranges(n, 16384,
                  [&](Index first, Index last) { for_each_element(last - first, formula, arrays + first...); });
}

}  // namespace unroll::inline UNROLL_ABI::detail
