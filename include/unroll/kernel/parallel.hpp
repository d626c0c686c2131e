// Threads: one pool for the process, one way to use it.
#pragma once

#include <algorithm>
#include <atomic>
#include <thread>

#include <unroll/core/error.hpp>
#include <unroll/core/function_ref.hpp>
#include <unroll/kernel/thread_pool.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
inline constexpr int most_threads = 1024;
inline constinit std::atomic<int> threads_setting{0};  // 0: not known yet
inline int cores() {
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, static_cast<unsigned>(most_threads)));
}
}  // namespace detail

/// Whether this thread is already one of several that share a job.
inline bool inside_parallel() { return detail::in_parallel(); }

/// Threads that training and inference of whole batches use; the number of cores unless set. Where the system gives
/// fewer, those do the work of all. Results have the same bits for every number.
inline int threads() {
  const int n = detail::threads_setting.load(std::memory_order_relaxed);
  if (n > 0) return n;
  const int cores = detail::cores();
  detail::threads_setting.store(cores, std::memory_order_relaxed);
  return cores;
}
/// From 1 to 1024; 0 asks for the number of cores. Not to be called while another thread is in the library.
inline void set_threads(int n) {
  require(n >= 0 && n <= detail::most_threads, "set_threads: got ", n, ", expected 0 (all cores) to ",
          detail::most_threads);
  detail::threads_setting.store(n > 0 ? n : detail::cores(), std::memory_order_relaxed);
  detail::ThreadPool::shrink(threads() - 1);
}

/// f(k) for k in 0 .. tasks - 1, on the pool's threads and the caller's, under the caller's floating-point mode. Which
/// thread runs which k is not defined, so f may only write what belongs to k. Allocates nothing. Inside another
/// parallel_for it runs in place. The first exception comes back to the caller after all have ended.
inline void parallel_for(int tasks, FunctionRef<int> f) {
  require(tasks >= 0, "parallel_for: got ", tasks, " tasks, expected at least 0");
  const int most = (std::min)(tasks, threads());
  if (most <= 1 || inside_parallel()) {
    for (int k = 0; k < tasks; ++k) f(k);
    return;
  }
  detail::Job job(f, tasks, most - 1);
  detail::ThreadPool::of_process().run(job);
  job.rethrow();
}

/// Cuts 0 .. n - 1 into at most threads() pieces of at least `least`, and calls f(first, last) for each.
inline void parallel_ranges(Index n, Index least, FunctionRef<Index, Index> f) {
  const Index pieces = std::clamp<Index>(n / (std::max<Index>)(least, 1), 1, threads());
  parallel_for(static_cast<int>(pieces), [&](int k) { f(n * k / pieces, n * (k + 1) / pieces); });
}

}  // namespace unroll::inline UNROLL_ABI
