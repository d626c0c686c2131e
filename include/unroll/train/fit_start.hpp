// What fit does before its first step: options are checked, rows are held out, forgotten weights are drawn.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <unroll/core/model_ref.hpp>
#include <unroll/core/random.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/batches.hpp>
#include <unroll/data/split.hpp>
#include <unroll/train/fit_job.hpp>
#include <unroll/train/fit_options.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
inline void check_options(const FitSettings& o) {
  require_at_least("fit", "epochs", o.epochs, 0);
  require_at_least("fit", "batch_size", o.batch_size, 1);
  require_at_least("fit", "accumulate", o.accumulate, 1);
  require(o.prefetch >= 0 && o.prefetch <= 1024, "fit: prefetch is ", o.prefetch, ", expected 0 to 1024 batches");
  require_fraction("fit", "validation_split", o.validation_split);
  require_fraction("fit", "validation_shuffled", o.validation_shuffled);
  require((o.validation_split > 0) + (o.validation_shuffled > 0) + (o.validation_size >= 0) <= 1,
          "fit: validation_split, validation_shuffled and validation exclude each other");
  require(o.validation_size != 0, "fit: the validation data have no sequence");
  require_not_negative("fit", "clip_norm", o.clip_norm);
  require_not_negative("fit", "clip_each_norm", o.clip_each_norm);
  require_not_negative("fit", "clip_value", o.clip_value);
  require_not_negative("fit", "clip_epsilon", o.clip_epsilon);
  require((o.clip_norm > 0) + (o.clip_each_norm > 0) + (o.clip_value > 0) <= 1,
          "fit: clip_norm, clip_each_norm and clip_value exclude each other");
  require(o.clip_epsilon == 0 || o.clip_norm > 0, "fit: clip_epsilon belongs to clip_norm, which is 0");
  require_at_least("fit", "checkpoint_every", o.checkpoint_every, 0);
}

/// A batch is a window of all streams, and windows follow each other.
inline void check_stream_options(const FitSettings& o) {
  require(o.batch_size == FitOptions<>{}.batch_size || o.batch_size == o.streams, "fit: batch_size is ", o.batch_size,
          ", but a batch of streams is a window of all ", o.streams, "; see StreamOptions");
  require(!o.similar_length, "fit: similar_length is for sequences; the windows of streams are of one length");
  require(o.validation_split == 0 && o.validation_shuffled == 0,
          "fit: no windows can be held out of streams: validation takes other streams");
}

inline Split split_rows(Index size, const FitSettings& o) {
  Split of = o.validation_shuffled > 0 ? split_shuffled(size, o.validation_shuffled, Rng(o.seed).child(~0ull))
                                       : split_tail(size, o.validation_split);
  require(!of.training.empty(), "fit: there is nothing to train on: ", size, " sequences, of which ",
          of.validation.size(), " are held out");
  const double fraction = (std::max)(o.validation_split, o.validation_shuffled);
  require(fraction == 0 || !of.validation.empty(), "fit: ", fraction, " of ", size, " sequences are none to hold out");
  return of;
}

/// Sequences that make one update; more than there are is all of them, and nothing overflows.
inline Index update_size(const FitSettings& o, std::size_t sequences) {
  const auto n = static_cast<Index>(sequences);
  return o.batch_size > n / o.accumulate ? n : o.batch_size * o.accumulate;
}

inline Batches in_batches(std::vector<Index> rows, const FitJob& job, const FitSettings& o) {
  const BatchOptions options{.batch_size = update_size(o, rows.size()),
                             .shuffle = o.shuffle,
                             .similar_length = o.similar_length,
                             .seed = o.seed};
  return Batches(std::move(rows), options, [&](Index row) { return job.length(row); });
}

/// Where all weights and tables are zero nobody has called `initialize`, and nothing could be learned: every trainable
/// parameter that is zero gets the values that `initialize(model, Rng(seed))` would give it.
inline void initialize_if_forgotten(const FitJob& job, std::uint64_t seed) {
  const auto is_zero = [](const ParameterRef& any) {
    return any.with(
        [](const auto& p) { return std::all_of(p.data(), p.data() + p.size(), [](auto x) { return x == 0; }); });
  };
  bool forgotten = true;
  job.model.visit([&](const Path& path, const ParameterRef& p) {
    if (path.kind == Kind::weight || path.kind == Kind::table) forgotten = forgotten && is_zero(p);
  });
  if (!forgotten) return;
  job.initialize_copy(seed, [&](const ModelRef& drawn) {
    std::vector<ParameterRef> values;
    drawn.visit([&](const Path&, const ParameterRef& q) { values.push_back(q); });
    std::size_t next = 0;
    job.model.visit([&](const Path&, const ParameterRef& p) {
      const ParameterRef& q = values.at(next++);
      if (p.trainable() && is_zero(p)) p.assign(q);
    });
  });
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
