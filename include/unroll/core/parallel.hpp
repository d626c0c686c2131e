// Threads: one pool for the process, one way to use it.
#pragma once

#include <atomic>

#include <unroll/core/config.hpp>
#include <unroll/core/function_ref.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
inline constexpr int most_threads = 1024;
#if UNROLL_HEADER_ONLY
inline constinit std::atomic<int> threads_setting{0};  // 0: not known yet
#else
extern UNROLL_API constinit std::atomic<int> threads_setting;
#endif
UNROLL_API int ask_for_threads();
}  // namespace detail

/// Whether this thread is already one of several that share a job.
UNROLL_API bool inside_parallel();

/// Threads that training and inference of whole batches use; the number of cores unless set. Where the system gives
/// fewer, those do the work of all. Results have the same bits for every number.
inline int threads() {
  const int n = detail::threads_setting.load(std::memory_order_relaxed);
  return n > 0 ? n : detail::ask_for_threads();
}
/// From 1 to 1024; 0 asks for the number of cores. Not to be called while another thread is in the library.
UNROLL_API void set_threads(int n);

/// f(k) for k in 0 .. tasks - 1, on the pool's threads and the caller's, under the caller's floating-point mode. Which
/// thread runs which k is not defined, so f may only write what belongs to k. Allocates nothing. Inside another
/// parallel_for it runs in place. The first exception comes back to the caller after all have ended.
UNROLL_API void parallel_for(int tasks, FunctionRef<int> f);

/// Cuts 0 .. n - 1 into at most threads() pieces of at least `least`, and calls f(first, last) for each.
UNROLL_API void parallel_ranges(Index n, Index least, FunctionRef<Index, Index> f);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/parallel.ipp>
#endif
