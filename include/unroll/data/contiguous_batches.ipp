// Bodies of data/contiguous_batches.hpp.
#pragma once

#include <algorithm>
#include <cmath>
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
  detail::require_not_negative("ContiguousBatches", "deviation", options.deviation);
  detail::require_share("ContiguousBatches", "half_probability", options.half_probability);
  detail::require_at_least("ContiguousBatches", "min_window", options.min_window, 1);
}
UNROLL_FUNCTION StreamWindow ContiguousBatches::window(Index window) const {
  detail::require_index("ContiguousBatches", "window", window, count());
  const Index first = window * options_.window;
  return {first, (std::min)(options_.window, length_ - first)};
}
UNROLL_FUNCTION void ContiguousBatches::check(const StreamWindow& w) const {
  require(w.first >= 0 && w.steps >= 1 && w.first < length_ && w.steps <= length_ - w.first,
          "ContiguousBatches: a window of ", w.steps, " steps from step ", w.first,
          " on, expected at least 1 step, all within the ", length_, " steps of a stream");
}
UNROLL_FUNCTION std::vector<StreamWindow> ContiguousBatches::windows(Rng rng) const {
  std::vector<StreamWindow> drawn;
  if (!options_.vary) return drawn;
  const auto window = static_cast<double>(options_.window);
  for (Index first = 0; first < length_; first += drawn.back().steps) {
    const double around = rng.uniform() < options_.half_probability ? window / 2 : window;
    const double steps = std::round(around + options_.deviation * rng.normal());
    const Index rest = length_ - first, least = (std::min)({options_.min_window, options_.window, rest});
    // Compared before they are whole numbers, which might not have room for them.
    drawn.push_back({first, steps >= static_cast<double>(rest)    ? rest
                            : steps <= static_cast<double>(least) ? least
                                                                  : static_cast<Index>(steps)});
  }
  return drawn;
}
UNROLL_FUNCTION Index ContiguousBatches::source(Index window, Index t, Index b) const {
  detail::require_index("ContiguousBatches", "step", t, window_steps(window));
  detail::require_index("ContiguousBatches", "stream", b, streams());
  return b * length_ + window * options_.window + t;
}

UNROLL_FUNCTION void ContiguousBatches::lay_out(const StreamWindow& window, Packing& packing) const {
  check(window);
  const Index steps = window.steps;
  if (packing.batch() != streams() || packing.padded_steps != steps || packing.total() != streams() * steps)
    packing.assign(streams(), steps, [](Index, Index) { return true; });
}

/// The last id has no next one.
UNROLL_FUNCTION Index TokenStreams::steps_of(const std::vector<std::int32_t>& ids) {
  require(ids.size() >= 2, "TokenStreams: ", ids.size(), " ids, expected at least 2");
  return static_cast<Index>(ids.size()) - 1;
}
UNROLL_FUNCTION TokenStreams::TokenStreams(std::vector<std::int32_t> ids, StreamOptions options)
    : ContiguousBatches(steps_of(ids), options), ids_(std::move(ids)) {}

UNROLL_FUNCTION void TokenStreams::fill(const StreamWindow& window, TokenBatch& x, std::vector<Index>& next) const {
  check(window);
  x.ids.resize(static_cast<std::size_t>(streams() * window.steps));
  next.resize(x.ids.size());
  for_each(window, x.packing, [&](Index column, Index step) {
    x.ids[static_cast<std::size_t>(column)] = ids_[static_cast<std::size_t>(step)];
    next[static_cast<std::size_t>(column)] = ids_[static_cast<std::size_t>(step + 1)];
  });
}

}  // namespace unroll::inline UNROLL_ABI
