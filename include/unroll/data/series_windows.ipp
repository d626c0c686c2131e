// Bodies of data/series_windows.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include <unroll/core/range.hpp>
#include <unroll/data/series_windows.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void check_window_options(const WindowOptions& options, Index features, Index steps) {
  require(options.look_back >= 1 && options.horizon >= 1 && options.stride >= 1, "SeriesWindows: look_back ",
          options.look_back, ", horizon ", options.horizon, " and stride ", options.stride, ", expected 1 or more");
  require(features >= 1, "SeriesWindows: the series has no feature");
  for (const Index d : options.targets) require_index("SeriesWindows", "target", d, features);
  Index last = 0;
  for (const Index step : options.breaks) {
    require(step >= last && step <= steps, "SeriesWindows: a break at step ", step, ", expected steps in ascending ",
            "order, to ", steps);
    last = step;
  }
}
UNROLL_FUNCTION void check_window_rows(std::span<const Index> rows, Index size) {
  for (const Index row : rows) require_index("SeriesWindows", "window", row, size);
}
UNROLL_FUNCTION std::vector<Index> window_starts(const WindowOptions& options, Index steps, Index from, Index first,
                                                 Index last) {
  std::vector<Index> starts;
  const auto add_segment = [&](Index begin, Index end) {
    begin = (std::max)({begin, from, first - options.look_back});
    end = (std::min)(end, last);
    for (Index k = begin; k + options.look_back + options.horizon <= end; k += options.stride) starts.push_back(k);
  };
  Index begin = 0;
  for (const Index step : options.breaks) {
    add_segment(begin, step);
    begin = step;
  }
  add_segment(begin, steps);
  require(!starts.empty() || first == last, "SeriesWindows: no window of ", options.look_back, " steps and ",
          options.horizon, " to be forecast has room in ", options.breaks.empty() ? "" : "a segment of ",
          last - first == steps ? "the series of " : "the part of ", last - first,
          last - first == steps    ? ""
          : from == 0 && first > 0 ? " (and what is before it)"
                                   : "");
  return starts;
}
UNROLL_FUNCTION TimeBorders borders_of(Index steps, double training, double validation) {
  require(training > 0 && validation >= 0 && training + validation <= 1, "split_in_time: fractions ", training, " and ",
          validation, ", expected numbers from 0 to 1 that leave some for the test");
  const auto n = static_cast<double>(steps);
  return {static_cast<Index>(std::round(n * training)), static_cast<Index>(std::round(n * (training + validation))),
          steps};
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
