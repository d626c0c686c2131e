// Bodies of core/parallel.hpp.
#pragma once

#include <algorithm>
#include <thread>

#include <unroll/core/error.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/core/thread_pool.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
#if !UNROLL_HEADER_ONLY
constinit std::atomic<int> threads_setting{0};  // 0: not known yet
#endif

inline int cores() {
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, static_cast<unsigned>(most_threads)));
}
UNROLL_FUNCTION int ask_for_threads() {
  const int n = cores();
  threads_setting.store(n, std::memory_order_relaxed);
  return n;
}
}  // namespace detail

UNROLL_FUNCTION bool inside_parallel() { return detail::in_parallel(); }

UNROLL_FUNCTION void set_threads(int n) {
  require(n >= 0 && n <= detail::most_threads, "set_threads: got ", n, ", expected 0 (all cores) to ",
          detail::most_threads);
  detail::threads_setting.store(n > 0 ? n : detail::cores(), std::memory_order_relaxed);
  detail::ThreadPool::shrink(threads() - 1);
}

UNROLL_FUNCTION void parallel_for(int tasks, FunctionRef<int> f) {
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

UNROLL_FUNCTION void parallel_ranges(Index n, Index least, FunctionRef<Index, Index> f) {
  const Index pieces = std::clamp<Index>(n / (std::max<Index>)(least, 1), 1, threads());
  parallel_for(static_cast<int>(pieces), [&](int k) { f(n * k / pieces, n * (k + 1) / pieces); });
}

}  // namespace unroll::inline UNROLL_ABI
