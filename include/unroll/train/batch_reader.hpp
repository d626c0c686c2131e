// The batches of an epoch, made where they are needed or ahead of that on a thread of their own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include <unroll/core/config.hpp>
#include <unroll/train/fit_job.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Makes the named rows into batches of a job, in this order: at most `ahead` of them before they are asked for, so
/// that memory is bounded. With 0, and where the system has no thread to give, each when it is asked for. What making a
/// batch throws is thrown where that batch is asked for. The destructor waits for the batch that is being made.
class BatchReader {
 public:
  /// The job has room for `ahead` + 1 batches.
  BatchReader(FitJob& job, std::vector<std::span<const Index>> rows, Index ahead);
  ~BatchReader();
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;

  /// Makes the next batch the job's present one, and gives up the one before.
  void next();

 private:
  void read();

  FitJob& job_;
  const std::vector<std::span<const Index>> rows_;
  const std::size_t room_;
  const std::uint64_t mode_;  // the reader computes under the caller's floating-point mode

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t made_ = 0, taken_ = 0, given_up_ = 0;  // batches; all are made in the order in which they are taken
  bool stop_ = false;
#if defined(__cpp_exceptions)
  std::exception_ptr error_{};  // of batch made_
#endif
  std::thread thread_;
};
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/batch_reader.ipp>
#endif
