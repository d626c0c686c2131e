// The worker threads of the process: asleep until a call has work to share, and prepared for fork, exit, a library that
// is unloaded and a system that has no more threads to give.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include <unroll/core/denormals.hpp>
#include <unroll/core/error.hpp>
#include <unroll/core/function_ref.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Whether this thread is one of several that share a job.
inline bool& in_parallel() {
  thread_local bool inside = false;
  return inside;
}

/// f(0) .. f(tasks - 1), on the stack of who called for it.
class Job {
 public:
  Job(FunctionRef<int> f, int tasks, int most_helpers) : seats(most_helpers), f_(f), tasks_(tasks) {}

  /// Takes tasks until none is left.
  void work() {
    in_parallel() = true;
    for (int k; (k = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;) {
#if defined(__cpp_exceptions)
      try {
        f_(k);
      } catch (...) {
        if (!failed_.exchange(true)) error_ = std::current_exception();
      }
#else
      f_(k);
#endif
    }
    in_parallel() = false;
  }
  /// The same on another thread: under the caller's floating-point mode.
  void help() {
    const std::uint64_t before = floating_point_mode();
    set_floating_point_mode(mode_);
    work();
    set_floating_point_mode(before);
  }
  /// When all have left it: the first exception.
  void rethrow() const {
#if defined(__cpp_exceptions)
    if (error_ != nullptr) std::rethrow_exception(error_);
#endif
  }

  // The pool's, under its mutex.
  int seats;        ///< for workers that may still join
  int helpers = 0;  ///< workers that have joined and not left
  Job* next_job = nullptr;
  std::condition_variable left{};

 private:
  const FunctionRef<int> f_;
  const int tasks_;
  const std::uint64_t mode_ = floating_point_mode();
  std::atomic<int> next_{0};
#if defined(__cpp_exceptions)
  std::atomic<bool> failed_{false};
  std::exception_ptr error_{};
#endif
};

/// Never destroyed: at exit other threads may still be in it. Then its sleeping workers end (their code may be that of
/// a library which is about to be unloaded), those at work are not waited for, and whoever calls does its job alone.
class ThreadPool {
 public:
  /// Made at first use; the child of a fork makes one of its own.
  static ThreadPool& of_process() {
    if (ThreadPool* pool = current_.load(std::memory_order_acquire)) return *pool;
    if (!watched_.exchange(true)) {
      static_cast<void>(std::atexit(at_exit));
#if defined(__unix__) || defined(__APPLE__)
      static_cast<void>(pthread_atfork(nullptr, nullptr, in_child));
#endif
    }
    auto made = std::make_unique<ThreadPool>();
    ThreadPool* pool = nullptr;
    if (current_.compare_exchange_strong(pool, made.get())) pool = made.release();
    return *pool;
  }
  /// Of the workers that there are, `most` remain.
  static void shrink(int most) {
    if (ThreadPool* pool = current_.load(std::memory_order_acquire)) pool->keep(static_cast<std::size_t>(most), false);
  }

  /// The job is done when this returns: by the caller, and by workers in as many of its seats as there are workers for.
  /// Allocates nothing where they have been started before.
  void run(Job& job) {
    const int workers = offer(job);
    for (int k = 0; k < workers; ++k) wake_.notify_one();
    job.work();
    if (current_.load(std::memory_order_relaxed) != this) {  // a task forked, and this is the child: alone
      require<std::runtime_error>(job.helpers == 0, "parallel_for: a task has forked, and in the child the tasks that ",
                                  "other threads were doing are lost");
      return;
    }
    std::unique_lock lock(mutex_);
    withdraw(job);
    job.left.wait(lock, [&] { return job.helpers == 0; });
  }

 private:
  struct Worker {
    std::thread thread{};
    bool busy = false, leaves = false;
  };

  /// Puts the job where workers find it, and returns how many there are for it.
  int offer(Job& job) {
    const std::lock_guard lock(mutex_);
    start(static_cast<std::size_t>(job.seats));
    job.seats = static_cast<int>((std::min)(workers_.size(), static_cast<std::size_t>(job.seats)));
    if (job.seats > 0) job.next_job = std::exchange(jobs_, &job);
    return job.seats;
  }
  void withdraw(Job& job) {
    for (Job** at = &jobs_; *at != nullptr; at = &(*at)->next_job)
      if (*at == &job) {
        *at = job.next_job;
        break;
      }
  }
  /// Up to n workers. Where the system gives no more threads, those that there are have to do.
  void start(std::size_t n) {
    if (closed_ || refused_ || workers_.size() >= n) return;
#if defined(__cpp_exceptions)
    try {
#endif
      workers_.reserve(n);
      while (workers_.size() < n) {
        auto worker = std::make_shared<Worker>();
        worker->thread = std::thread([this, worker] { serve(*worker); });
        workers_.push_back(std::move(worker));
      }
#if defined(__cpp_exceptions)
    } catch (...) {
      refused_ = true;
    }
#endif
  }
  void serve(Worker& self) {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return self.leaves || jobs_ != nullptr; });
      if (self.leaves) return;
      Job& job = *jobs_;
      if (--job.seats == 0) jobs_ = job.next_job;
      ++job.helpers;
      self.busy = true;
      lock.unlock();
      job.help();
      if (current_.load(std::memory_order_relaxed) != this) return;  // a task forked: this thread is all that there is
      lock.lock();
      self.busy = false;
      if (--job.helpers == 0) job.left.notify_one();
    }
  }
  /// Ends the workers after the first n: waits for those that sleep, those at work end by themselves.
  void keep(std::size_t n, bool close) {
    std::vector<std::shared_ptr<Worker>> leaving;
    {
      const std::lock_guard lock(mutex_);
      refused_ = false;
      closed_ = closed_ || close;
      while (workers_.size() > n) {
        workers_.back()->leaves = true;
        if (workers_.back()->busy)
          workers_.back()->thread.detach();
        else
          leaving.push_back(std::move(workers_.back()));
        workers_.pop_back();
      }
    }
    wake_.notify_all();
    for (const auto& worker : leaving) worker->thread.join();
  }

  static void at_exit() {
    if (ThreadPool* pool = current_.load(std::memory_order_acquire)) pool->keep(0, true);
  }
  /// The parent's threads are not here, its mutex may be locked for ever: its pool is left as it is.
  static void in_child() {
    if (ThreadPool* pool = current_.exchange(nullptr)) pool->parents_ = std::exchange(left_behind_, pool);
  }

  std::mutex mutex_{};
  std::condition_variable wake_{};
  Job* jobs_ = nullptr;  ///< those with free seats
  std::vector<std::shared_ptr<Worker>> workers_{};
  bool closed_ = false, refused_ = false;
  ThreadPool* parents_ = nullptr;

  static inline constinit std::atomic<ThreadPool*> current_{nullptr};
  static inline constinit ThreadPool* left_behind_ = nullptr;  // reachable: not a leak
  static inline constinit std::atomic<bool> watched_{false};
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
