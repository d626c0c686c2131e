// Batches out of a data set, which may be a user's own: rows and what it makes of them are checked before a model sees
// them.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <unroll/data/batches.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class D> void fill_batch(const D& data, std::span<const Index> rows, typename D::Batch& x) {
  data.fill(rows, x);
  require(x.packing.batch() == static_cast<Index>(rows.size()), "Dataset: fill made a batch of ", x.packing.batch(),
          " sequences out of ", rows.size(), " rows");
}
template <class D, class T>
void load_batch(const D& data, std::span<const Index> rows, typename D::Batch& x, BatchTargets<T>& targets) {
  fill_batch(data, rows, x);
  data.fill_targets(rows, x.packing, targets);
  const Index n = targets.are_labels ? static_cast<Index>(targets.labels.size()) : targets.values.cols();
  require(n == x.packing.batch() || n == x.packing.total(), "Dataset: fill_targets made ", n, " targets for ",
          x.packing.batch(), " sequences of ", x.packing.total(), " steps together");
  require(targets.sample_weights.empty() || static_cast<Index>(targets.sample_weights.size()) == n,
          "Dataset: fill_targets made ", targets.sample_weights.size(), " sample weights for ", n, " targets");
}

template <class L, class Y>
inline constexpr bool takes_labels = requires(const L& loss, const Y& y, const std::vector<Index>& of) { loss(y, of); };
template <class L, class Y> inline constexpr bool takes_numbers = requires(const L& loss, const Y& y) { loss(y, y); };

/// Throws for targets of a kind that the loss does not take. Y is the matrix of an output.
template <class Y, class L> void require_kind(std::string_view who, const L&, bool are_labels) {
  require(are_labels ? takes_labels<L, Y> : takes_numbers<L, Y>, who, " has ", are_labels ? "labels" : "numbers",
          " as targets, this loss takes ",
          takes_labels<L, Y>    ? "labels (integers, one class each)"
          : takes_numbers<L, Y> ? "numbers (a matrix, one column each)"
                                : "neither labels nor numbers");
}
/// What can be known of a data set before anything is computed; a user's own need not tell.
template <class Y, class L, class D> void require_targets(std::string_view who, const L& loss, const D& data) {
  if constexpr (requires { data.has_targets(); })
    require(data.has_targets(), who, " has no targets: labels or numbers, from its file or given to its constructor");
  if constexpr (requires { data.targets().are_labels(); })
    if (data.size() > 0) require_kind<Y>(who, loss, data.targets().are_labels());
}

/// The rows asked for (none: all of a data set) in batches, longest sequences first: a sequence's output does not
/// depend on its company, its time does. A row may be asked for more than once, so batches are of places in the list of
/// rows.
class RowBatches {
 public:
  template <class D>
  RowBatches(const char* who, const D& data, std::span<const Index> rows, Index batch_size)
      : rows_(rows.begin(), rows.end()), batches_(in_batches(who, data, rows_, batch_size)) {}

  Index count() const { return batches_.count(); }
  Index size() const { return batches_.size(); }
  std::span<const Index> places(Index k) const { return batches_[k]; }
  /// The rows at these places, valid until the next call.
  std::span<const Index> rows(Index k) {
    const auto at = places(k);
    batch_.resize(at.size());
    for (std::size_t b = 0; b < at.size(); ++b) batch_[b] = rows_[static_cast<std::size_t>(at[b])];
    return batch_;
  }

 private:
  template <class D>
  static Batches in_batches(const char* who, const D& data, std::vector<Index>& rows, Index batch_size) {
    require_at_least(who, "batch_size", batch_size, 1);
    for (const Index row : rows) require_index(who, "row", row, data.size());
    if (rows.empty()) rows = split_tail(data.size(), 0).training;
    const auto n = static_cast<Index>(rows.size());
    return Batches(
        split_tail(n, 0).training,
        {.batch_size = batch_size, .shuffle = false, .similar_length = true, .pool = (std::max<Index>)(n, 1)},
        [&](Index place) { return data.length(rows[static_cast<std::size_t>(place)]); });
  }

  std::vector<Index> rows_, batch_;
  Batches batches_;
};
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
