// Bodies of train/load_batch.hpp.
#pragma once

#include <algorithm>

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/split.hpp>
#include <unroll/train/load_batch.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void check_filled(const Packing& packing, std::size_t rows) {
  require(packing.batch() == static_cast<Index>(rows), "Dataset: fill made a batch of ", packing.batch(),
          " sequences out of ", rows, " rows");
}
UNROLL_FUNCTION void check_targets(const Packing& packing, Index targets, std::size_t sample_weights) {
  require(targets == packing.batch() || targets == packing.total(), "Dataset: fill_targets made ", targets,
          " targets for ", packing.batch(), " sequences of ", packing.total(), " steps together");
  require(sample_weights == 0 || static_cast<Index>(sample_weights) == targets, "Dataset: fill_targets made ",
          sample_weights, " sample weights for ", targets, " targets");
}

UNROLL_FUNCTION void require_kind(std::string_view who, TargetKinds taken, bool are_labels) {
  require(are_labels ? taken.labels : taken.numbers, who, " has ", are_labels ? "labels" : "numbers",
          " as targets, this loss takes ",
          taken.labels    ? "labels (integers, one class each)"
          : taken.numbers ? "numbers (a matrix, one column each)"
                          : "neither labels nor numbers");
}
UNROLL_FUNCTION void require_any_targets(std::string_view who, bool has_targets) {
  require(has_targets, who, " has no targets: labels or numbers, from its file or given to its constructor");
}

UNROLL_FUNCTION RowBatches::RowBatches(const char* who, std::span<const Index> rows, Index batch_size, Index size,
                                       FunctionRef<Index, Index&> length_of)
    : rows_(rows.begin(), rows.end()), batches_(in_batches(who, rows_, batch_size, size, length_of)) {}
UNROLL_FUNCTION Batches RowBatches::in_batches(const char* who, std::vector<Index>& rows, Index batch_size, Index size,
                                               FunctionRef<Index, Index&> length_of) {
  require_at_least(who, "batch_size", batch_size, 1);
  for (const Index row : rows) require_index(who, "row", row, size);
  if (rows.empty()) rows = split_tail(size, 0).training;
  const auto n = static_cast<Index>(rows.size());
  return Batches(split_tail(n, 0).training,
                 {.batch_size = batch_size, .shuffle = false, .similar_length = true, .pool = (std::max<Index>)(n, 1)},
                 [&](Index place) {
                   Index length = 0;
                   length_of(rows[static_cast<std::size_t>(place)], length);
                   return length;
                 });
}
UNROLL_FUNCTION std::span<const Index> RowBatches::rows(Index k) {
  const auto at = places(k);
  batch_.resize(at.size());
  for (std::size_t b = 0; b < at.size(); ++b) batch_[b] = rows_[static_cast<std::size_t>(at[b])];
  return batch_;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
