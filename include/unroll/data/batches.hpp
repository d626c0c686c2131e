// Which sequences make which batch.
#pragma once

#include <unroll/data/split.hpp>

namespace unroll::inline UNROLL_ABI {

struct BatchOptions {
  Index batch_size = 64;  ///< more than there are rows: all at once
  bool shuffle = true;    ///< anew for every epoch
  /// Batches of sequences of about the same length: less of a batch runs on with few sequences. The shuffled rows are
  /// cut into pools of `pool` batches, each pool sorted by length and cut into batches, and the batches shuffled.
  bool similar_length = false;
  Index pool = 50;
  std::uint64_t seed = 0;
};

/// Rows cut into batches, the last of which may be smaller; every row is in one batch. The order is a function of seed
/// and epoch alone. After the first epoch nothing allocates.
class Batches {
 public:
  /// `length(row)` is asked for only with `similar_length`.
  template <class Length>
  Batches(std::vector<Index> rows, BatchOptions options, const Length& length)
      : rows_(std::move(rows)), options_(options) {
    detail::require_at_least("Batches", "batch_size", options.batch_size, 1);
    detail::require_at_least("Batches", "pool", options.pool, 1);
    // No more than there is of either, so that nothing below overflows.
    const Index n = (std::max<Index>)(size(), 1);
    options_.batch_size = (std::min)(options.batch_size, n);
    options_.pool = (std::min)(options.pool, (n + options_.batch_size - 1) / options_.batch_size);
    if (options.similar_length)
      for (const Index row : rows_) lengths_.push_back(length(row));
    start_epoch(0);
  }
  /// All of a data set.
  template <class D> requires requires(const D& data) { data.length(data.size()); }
  Batches(const D& data, BatchOptions options)
      : Batches(split_tail(data.size(), 0).training, options, [&](Index row) { return data.length(row); }) {}

  /// Batches of an epoch.
  Index count() const { return (size() + options_.batch_size - 1) / options_.batch_size; }
  Index size() const { return static_cast<Index>(rows_.size()); }

  void start_epoch(Index epoch) {
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
  /// The rows of batch k of this epoch, valid until the next one starts.
  std::span<const Index> operator[](Index k) const {
    detail::require_index("Batches", "batch", k, count());
    const Index first = batches_[static_cast<std::size_t>(k)] * options_.batch_size;
    return std::span(order_).subspan(static_cast<std::size_t>(first),
                                     static_cast<std::size_t>((std::min)(options_.batch_size, size() - first)));
  }

 private:
  void sort_pools() {
    const auto length = [&](Index position) { return lengths_[static_cast<std::size_t>(position)]; };
    const Index pool = options_.pool * options_.batch_size;
    for (Index first = 0; first < size(); first += pool)
      std::sort(positions_.begin() + first, positions_.begin() + first + (std::min)(pool, size() - first),
                [&](Index a, Index b) { return length(a) != length(b) ? length(a) > length(b) : a < b; });
  }

  std::vector<Index> rows_, lengths_;
  BatchOptions options_;
  std::vector<Index> positions_, order_, batches_;
};

}  // namespace unroll::inline UNROLL_ABI
