// Which sequences make which batch.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <unroll/core/config.hpp>
#include <unroll/core/function_ref.hpp>
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
    begin([&](Index row, Index& of) { of = length(row); });
  }
  /// All of a data set.
  template <class D> requires requires(const D& data) { data.length(data.size()); }
  Batches(const D& data, BatchOptions options)
      : Batches(all_rows(data.size()), options, [&](Index row) { return data.length(row); }) {}

  /// Batches of an epoch.
  Index count() const { return (size() + options_.batch_size - 1) / options_.batch_size; }
  Index size() const { return static_cast<Index>(rows_.size()); }

  UNROLL_API void start_epoch(Index epoch);
  /// The rows of batch k of this epoch, valid until the next one starts.
  UNROLL_API std::span<const Index> operator[](Index k) const;

 private:
  UNROLL_API static std::vector<Index> all_rows(Index n);
  /// `length` writes the length of a row.
  UNROLL_API void begin(FunctionRef<Index, Index&> length);
  void sort_pools();

  std::vector<Index> rows_, lengths_;
  BatchOptions options_;
  std::vector<Index> positions_, order_, batches_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/batches.ipp>
#endif
