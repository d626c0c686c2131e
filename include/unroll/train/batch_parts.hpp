// The parts of an update that are computed at once, where gradients are accumulated.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <unroll/data/batches.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// The rows of an update, so many of them at a time.
class BatchParts {
 public:
  BatchParts(std::span<const Index> rows, Index rows_at_once)
      : rows_(rows), size_(static_cast<std::size_t>(rows_at_once)) {}

  std::size_t count() const { return (rows_.size() + size_ - 1) / size_; }
  std::span<const Index> operator[](std::size_t k) const {
    return rows_.subspan(k * size_, (std::min)(size_, rows_.size() - k * size_));
  }

 private:
  std::span<const Index> rows_;
  std::size_t size_;
};

/// All that the updates from `first` on will read: several parts once for their weight and once for their gradient.
inline std::vector<std::span<const Index>> parts_to_read(const Batches& batches, Index first, Index rows_at_once) {
  std::vector<std::span<const Index>> all;
  for (Index batch = first; batch < batches.count(); ++batch) {
    const BatchParts parts(batches[batch], rows_at_once);
    const std::size_t readings = parts.count() > 1 ? 2 : 1;
    for (std::size_t k = 0; k < readings * parts.count(); ++k) all.push_back(parts[k % parts.count()]);
  }
  return all;
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
