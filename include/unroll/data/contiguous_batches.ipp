// Bodies of data/contiguous_batches.hpp.
#pragma once

#include <algorithm>
#include <cstddef>

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/contiguous_batches.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION ContiguousBatches::ContiguousBatches(Index steps, StreamOptions options)
    : options_(options), length_(options.streams > 0 ? steps / options.streams : 0) {
  require(options.streams > 0 && options.window > 0, "ContiguousBatches: ", options.streams, " streams, windows of ",
          options.window, " steps, expected at least 1 each");
  require(length_ > 0, "ContiguousBatches: ", steps, " steps are too few for ", options.streams, " streams");
}
UNROLL_FUNCTION Index ContiguousBatches::window_steps(Index window) const {
  detail::require_index("ContiguousBatches", "window", window, count());
  return (std::min)(options_.window, length_ - window * options_.window);
}
UNROLL_FUNCTION Index ContiguousBatches::source(Index window, Index t, Index b) const {
  detail::require_index("ContiguousBatches", "step", t, window_steps(window));
  detail::require_index("ContiguousBatches", "stream", b, streams());
  return b * length_ + window * options_.window + t;
}

UNROLL_FUNCTION Index ContiguousBatches::lay_out(Index window, Packing& packing) const {
  const Index steps = window_steps(window);
  if (packing.batch() != streams() || packing.padded_steps != steps || packing.total() != streams() * steps)
    packing.assign(streams(), steps, [](Index, Index) { return true; });
  return steps;
}

/// The last id has no next one.
UNROLL_FUNCTION Index TokenStreams::steps_of(const std::vector<std::int32_t>& ids) {
  require(ids.size() >= 2, "TokenStreams: ", ids.size(), " ids, expected at least 2");
  return static_cast<Index>(ids.size()) - 1;
}
UNROLL_FUNCTION TokenStreams::TokenStreams(std::vector<std::int32_t> ids, StreamOptions options)
    : ContiguousBatches(steps_of(ids), options), ids_(std::move(ids)) {}

UNROLL_FUNCTION void TokenStreams::fill(Index window, TokenBatch& x, std::vector<Index>& next) const {
  x.ids.resize(static_cast<std::size_t>(streams() * window_steps(window)));
  next.resize(x.ids.size());
  for_each(window, x.packing, [&](Index column, Index step) {
    x.ids[static_cast<std::size_t>(column)] = ids_[static_cast<std::size_t>(step)];
    next[static_cast<std::size_t>(column)] = ids_[static_cast<std::size_t>(step + 1)];
  });
}

}  // namespace unroll::inline UNROLL_ABI
