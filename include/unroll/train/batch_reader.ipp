// Bodies of train/batch_reader.hpp.
#pragma once

#include <system_error>
#include <utility>

#include <unroll/core/denormals.hpp>
#include <unroll/train/batch_reader.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION BatchReader::BatchReader(FitJob& job, std::vector<std::span<const Index>> rows, Index ahead)
    : job_(job), rows_(std::move(rows)), room_(static_cast<std::size_t>(ahead) + 1), mode_(floating_point_mode()) {
  if (ahead == 0) return;
#if defined(__cpp_exceptions)
  try {
    thread_ = std::thread([this] { read(); });
  } catch (const std::system_error&) {  // there are no more threads: read without
  }
#else
  thread_ = std::thread([this] { read(); });
#endif
}
UNROLL_FUNCTION BatchReader::~BatchReader() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

UNROLL_FUNCTION void BatchReader::next() {
  const std::size_t k = taken_++, place = k % room_;
  if (thread_.joinable()) {
    std::unique_lock lock(mutex_);
    given_up_ = k;
    changed_.notify_all();
#if defined(__cpp_exceptions)
    changed_.wait(lock, [&] { return made_ > k || error_ != nullptr; });
    if (made_ <= k) std::rethrow_exception(error_);
#else
    changed_.wait(lock, [&] { return made_ > k; });
#endif
  } else {
    job_.make_batch(static_cast<Index>(place), rows_[k]);
  }
  job_.use_batch(static_cast<Index>(place), rows_[k]);
}

UNROLL_FUNCTION void BatchReader::read() {
  set_floating_point_mode(mode_);
  for (std::size_t k = 0; k < rows_.size(); ++k) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || k < given_up_ + room_; });
      if (stop_) return;
    }
#if defined(__cpp_exceptions)
    try {
      job_.make_batch(static_cast<Index>(k % room_), rows_[k]);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      changed_.notify_all();
      return;
    }
#else
    job_.make_batch(static_cast<Index>(k % room_), rows_[k]);
#endif
    {
      const std::lock_guard lock(mutex_);
      made_ = k + 1;
    }
    changed_.notify_all();
  }
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
