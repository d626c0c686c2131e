// Threads: one pool for the process, one way to use it.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/core/function_ref.hpp>
#include <unroll/kernel/denormals.hpp>

#if EIGEN_VERSION_AT_LEAST(3, 4, 90)
#include <Eigen/ThreadPool>
#else
#include <unsupported/Eigen/CXX11/ThreadPool>
#endif

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Eigen's pool with tasks that are stored in place: scheduling one allocates nothing.
struct ThreadEnvironment {
  struct Task {
    std::function<void()> f;
  };
  class EnvThread {
   public:
    explicit EnvThread(std::function<void()> f) : thread_(std::move(f)) {}
    EnvThread(const EnvThread&) = delete;
    ~EnvThread() { thread_.join(); }
    void OnCancel() {}

   private:
    std::thread thread_;
  };
  EnvThread* CreateThread(std::function<void()> f) { return new EnvThread(std::move(f)); }
  Task CreateTask(std::function<void()> f) { return Task{std::move(f)}; }
  void ExecuteTask(const Task& task) { task.f(); }
};
using ThreadPool = Eigen::ThreadPoolTempl<ThreadEnvironment>;

struct DefaultPool {
  int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::mutex creation{};
  std::atomic<ThreadPool*> running{nullptr};
  std::unique_ptr<ThreadPool> owner{};

  /// The caller works too, so n threads need n - 1 workers. Started at first use; workers sleep, they never spin: a
  /// busy neighbor must not stall us.
  ThreadPool& get() {
    if (ThreadPool* pool = running.load(std::memory_order_acquire)) return *pool;
    const std::lock_guard lock(creation);
    if (owner == nullptr) {
      owner = std::make_unique<ThreadPool>(threads - 1, /*allow_spinning=*/false);
      running.store(owner.get(), std::memory_order_release);
    }
    return *owner;
  }
};
inline DefaultPool& default_pool() {
  static DefaultPool pool;
  return pool;
}
inline bool& in_parallel() {
  thread_local bool inside = false;
  return inside;
}
}  // namespace detail

/// Whether this thread is already one of several that share a job.
inline bool inside_parallel() { return detail::in_parallel(); }

/// Threads that training and inference of whole batches use; the number of cores unless set. Results have the same bits
/// for every number. 0 asks for the number of cores. Not to be called while another thread is in the library.
inline void set_threads(int n) {
  require(n >= 0, "set_threads: got ", n, ", expected at least 0");
  auto& pool = detail::default_pool();
  pool.running = nullptr;
  pool.owner.reset();
  pool.threads = n > 0 ? n : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}
inline int threads() { return detail::default_pool().threads; }

/// f(k) for k in 0 .. tasks - 1, on the pool's threads and the caller's, under the caller's floating-point mode. Which
/// thread runs which k is not defined, so f may only write what belongs to k. Allocates nothing. Inside another
/// parallel_for it runs in place. The first exception comes back to the caller after all have ended.
inline void parallel_for(int tasks, FunctionRef<int> f) {
  if (tasks <= 1 || threads() <= 1 || detail::in_parallel()) {
    for (int k = 0; k < tasks; ++k) f(k);
    return;
  }
  struct Job {
    const FunctionRef<int> f;
    const int tasks;
    const std::uint64_t mode = floating_point_mode();
    std::atomic<int> next{0};
    std::mutex mutex{};
    std::condition_variable done{};
    int helpers = 0;
#if defined(__cpp_exceptions)
    std::exception_ptr error{};
#endif
    void work() {
      detail::in_parallel() = true;
      for (int k; (k = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
#if defined(__cpp_exceptions)
        try {
          f(k);
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (error == nullptr) error = std::current_exception();
        }
#else
        f(k);
#endif
      }
      detail::in_parallel() = false;
    }
    void help() {
      const std::uint64_t before = floating_point_mode();
      set_floating_point_mode(mode);
      work();
      set_floating_point_mode(before);
      const std::lock_guard lock(mutex);
      if (--helpers == 0) done.notify_one();
    }
  };
  auto& pool = detail::default_pool().get();
  Job job{f, tasks};
  job.helpers = std::min(tasks, threads()) - 1;
  for (int k = job.helpers; k > 0; --k) pool.Schedule([&job] { job.help(); });  // one pointer: stored in place
  job.work();
  std::unique_lock lock(job.mutex);
  job.done.wait(lock, [&] { return job.helpers == 0; });
  lock.unlock();
#if defined(__cpp_exceptions)
  if (job.error != nullptr) std::rethrow_exception(job.error);
#endif
}

/// Cuts 0 .. n - 1 into at most threads() pieces of at least `least`, and calls f(first, last) for each.
inline void parallel_ranges(Index n, Index least, FunctionRef<Index, Index> f) {
  const Index pieces = std::clamp<Index>(n / std::max<Index>(least, 1), 1, threads());
  parallel_for(static_cast<int>(pieces), [&](int k) { f(n * k / pieces, n * (k + 1) / pieces); });
}

}  // namespace unroll::inline UNROLL_ABI
