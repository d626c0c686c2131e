// Bodies of data/batches.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>

#include <unroll/core/random.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/batches.hpp>
#include <unroll/data/shuffle.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::vector<Index> Batches::all_rows(Index n) { return split_tail(n, 0).training; }

UNROLL_FUNCTION void Batches::begin(FunctionRef<Index, Index&> length) {
  detail::require_at_least("Batches", "batch_size", options_.batch_size, 1);
  detail::require_at_least("Batches", "pool", options_.pool, 1);
  // No more than there is of either, so that nothing below overflows.
  const Index n = (std::max<Index>)(size(), 1);
  options_.batch_size = (std::min)(options_.batch_size, n);
  options_.pool = (std::min)(options_.pool, (n + options_.batch_size - 1) / options_.batch_size);
  if (options_.similar_length)
    for (const Index row : rows_) length(row, lengths_.emplace_back());
  start_epoch(0);
}
UNROLL_FUNCTION void Batches::start_epoch(Index epoch) {
  positions_.resize(rows_.size());
  std::iota(positions_.begin(), positions_.end(), Index(0));
  batches_.resize(static_cast<std::size_t>(count()));
  std::iota(batches_.begin(), batches_.end(), Index(0));
  const Rng rng = Rng(options_.seed).child(static_cast<std::uint64_t>(epoch));
  if (options_.shuffle) detail::shuffle(std::span(positions_), rng.child(0));
  if (options_.similar_length) sort_pools();
  // The smaller batch stays the last.
  const Index whole = size() / options_.batch_size;
  if (options_.shuffle && options_.similar_length)
    detail::shuffle(std::span(batches_).first(static_cast<std::size_t>(whole)), rng.child(1));
  order_.resize(rows_.size());
  for (std::size_t k = 0; k < rows_.size(); ++k) order_[k] = rows_[static_cast<std::size_t>(positions_[k])];
}

UNROLL_FUNCTION std::span<const Index> Batches::operator[](Index k) const {
  detail::require_index("Batches", "batch", k, count());
  const Index first = batches_[static_cast<std::size_t>(k)] * options_.batch_size;
  return std::span(order_).subspan(static_cast<std::size_t>(first),
                                   static_cast<std::size_t>((std::min)(options_.batch_size, size() - first)));
}
UNROLL_FUNCTION void Batches::sort_pools() {
  const auto length = [&](Index position) { return lengths_[static_cast<std::size_t>(position)]; };
  const Index pool = options_.pool * options_.batch_size;
  for (Index first = 0; first < size(); first += pool)
    std::sort(positions_.begin() + first, positions_.begin() + first + (std::min)(pool, size() - first),
              [&](Index a, Index b) { return length(a) != length(b) ? length(a) > length(b) : a < b; });
}

}  // namespace unroll::inline UNROLL_ABI
