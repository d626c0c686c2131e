// Windows over a series: what is in them, where they are, and who takes them.
#include <limits>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/series_windows.hpp>

namespace {
using namespace unroll;

/// Feature d of step t is 100 d + t.
Matrix<float> counted_series(Index features, Index steps) {
  Matrix<float> series(features, steps);
  for (Index t = 0; t < steps; ++t)
    for (Index d = 0; d < features; ++d) series(d, t) = static_cast<float>(100 * d + t);
  return series;
}
std::vector<Index> starts_of(const SeriesWindows<float>& windows) {
  std::vector<Index> starts;
  for (Index k = 0; k < windows.size(); ++k) starts.push_back(windows.start(k));
  return starts;
}
using Starts = std::vector<Index>;
}  // namespace

TEST_CASE("a window is so many steps and its target the next, feature by feature within a step") {
  const SeriesWindows windows(counted_series(3, 20), {.look_back = 4, .horizon = 2, .targets = {2, 0}});
  CHECK(windows.size() == 15);
  CHECK(windows.features() == 3);
  CHECK(windows.outputs() == 4);
  CHECK(windows.length(3) == 4);
  CHECK(windows[5](1, 0) == 105);
  CHECK(windows[5](1, 3) == 108);
  CHECK(windows[5].data() == windows.series().data() + 3 * 5);  // no copy

  PackedSequence<float> batch;
  BatchTargets<float> targets;
  const std::vector<Index> rows{5, 0, 14};
  windows.fill(rows, batch);
  CHECK(batch.packing == Packing::from_lengths(std::vector<Index>{4, 4, 4}, 4));
  for (Index b = 0; b < 3; ++b)
    for (Index t = 0; t < 4; ++t)
      for (Index d = 0; d < 3; ++d)
        CHECK(batch.values(d, t * 3 + b) == 100 * d + rows[static_cast<std::size_t>(b)] + t);
  windows.fill_targets(rows, batch.packing, targets);
  CHECK_FALSE(targets.are_labels);
  CHECK(targets.values.col(0) == Eigen::Vector4f(209, 9, 210, 10));
  CHECK(targets.values.col(2) == Eigen::Vector4f(218, 18, 219, 19));
  CHECK(windows.truth().col(5) == targets.values.col(0));
  BatchTargets<double> wide;
  windows.fill_targets(rows, batch.packing, wide);
  CHECK(wide.values(2, 0) == 210);

  const SeriesWindows all(counted_series(2, 6), {.look_back = 4, .horizon = 2});
  CHECK(all.size() == 1);
  CHECK(all.truth().col(0) == Eigen::Vector4f(4, 104, 5, 105));
  CHECK(starts_of(windows.select(rows)) == rows);
}

TEST_CASE("features that are series of their own make a window each") {
  const SeriesWindows each(counted_series(3, 8), {.look_back = 4, .horizon = 2, .targets = {2, 0}, .each_alone = true});
  CHECK(each.size() == 6);
  CHECK(each.features() == 1);
  CHECK(each.outputs() == 2);
  CHECK(each.start(3) == 1);
  CHECK(each.feature(3) == 0);
  CHECK(each[2] == Eigen::RowVector4f(201, 202, 203, 204));
  PackedSequence<float> batch;
  each.fill(std::vector<Index>{2, 5}, batch);
  CHECK(batch.values.row(0).leftCols(4) == Eigen::RowVector4f(201, 2, 202, 3));
  CHECK(each.truth().col(2) == Eigen::Vector2f(205, 206));
  CHECK(each.truth().col(5) == Eigen::Vector2f(6, 7));
  CHECK(starts_of(each.within(6, 8)) == Starts{2, 2});
  const SeriesWindows all(counted_series(3, 7), {.look_back = 4, .horizon = 2, .each_alone = true});
  CHECK(all.size() == 6);
  CHECK(all.feature(5) == 2);
  CHECK(all.truth().col(5) == Eigen::Vector2f(205, 206));
}

TEST_CASE("windows stand a stride apart, and none reaches across a break") {
  const SeriesWindows apart(counted_series(1, 12), {.look_back = 3, .horizon = 1, .stride = 4});
  CHECK(starts_of(apart) == Starts{0, 4, 8});
  const SeriesWindows broken(counted_series(1, 12), {.look_back = 3, .horizon = 1, .breaks = {5, 7}});
  CHECK(starts_of(broken) == Starts{0, 1, 7, 8});
  const SeriesWindows at_the_ends(counted_series(1, 5), {.look_back = 3, .horizon = 1, .breaks = {0, 5}});
  CHECK(starts_of(at_the_ends) == Starts{0, 1});
}

TEST_CASE("a split in time looks back into the part before, and no target is in two parts") {
  const SeriesWindows all(counted_series(1, 20), {.look_back = 3, .horizon = 2});
  const TimeSplit<float> parts = split_in_time(all, {.training = 10, .validation = 14, .test = 20});
  CHECK(starts_of(parts.training) == Starts{0, 1, 2, 3, 4, 5});
  CHECK(starts_of(parts.validation) == Starts{7, 8, 9});
  CHECK(starts_of(parts.test) == Starts{11, 12, 13, 14, 15});
  CHECK(&parts.training.series() == &all.series());  // one series for all
  const TimeSplit<float> closed = split_in_time(all, {.training = 10, .validation = 15, .test = 20}, true);
  CHECK(starts_of(closed.validation) == Starts{10});
  const TimeSplit<float> fractions = split_in_time(all, 0.5, 0.25);
  CHECK(starts_of(fractions.training) == Starts{0, 1, 2, 3, 4, 5});
  CHECK(starts_of(fractions.validation) == Starts{7, 8, 9, 10});
  CHECK(starts_of(fractions.test) == Starts{12, 13, 14, 15});
  CHECK(split_in_time(all, 0.5, 0).validation.size() == 0);
  const SeriesWindows ten(counted_series(1, 10), {.look_back = 1, .horizon = 1});
  CHECK(split_in_time(ten, 0.7, 0.1).test.size() == 2);  // 0.7 + 0.1 is less than 0.8
}

TEST_CASE("series without a window, and numbers that are none, are refused") {
  CHECK_THROWS_WITH_AS((SeriesWindows(counted_series(1, 5), {.look_back = 4, .horizon = 2})),
                       "SeriesWindows: no window of 4 steps and 2 to be forecast has room in the series of 5",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((SeriesWindows(counted_series(1, 8), {.look_back = 4, .horizon = 2, .breaks = {4}})),
                       "SeriesWindows: no window of 4 steps and 2 to be forecast has room in a segment of the series "
                       "of 8",
                       std::invalid_argument);
  const SeriesWindows all(counted_series(1, 20), {.look_back = 3, .horizon = 4});
  CHECK_THROWS_WITH_AS(split_in_time(all, {.training = 10, .validation = 13, .test = 20}),
                       "SeriesWindows: no window of 3 steps and 4 to be forecast has room in the part of 3 (and what "
                       "is before it)",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(split_in_time(all, {.training = 10, .validation = 9, .test = 20}),
                       "SeriesWindows: a part from step 10 to 9 of a series of 20", std::invalid_argument);
  CHECK_THROWS_AS(split_in_time(all, 0.8, 0.3), std::invalid_argument);
  CHECK_THROWS_AS(split_in_time(all, 0, 0.3), std::invalid_argument);
  Matrix<float> hole = counted_series(2, 20);
  hole(1, 7) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS((SeriesWindows(hole, {.look_back = 3, .horizon = 4})),
                       "SeriesWindows: feature 1 of step 7 is nan, expected a finite number; fill the hole, or cut it "
                       "out and name the cut in `breaks`",
                       std::invalid_argument);
  CHECK_THROWS_AS((SeriesWindows(counted_series(1, 20), {.look_back = 0})), std::invalid_argument);
  CHECK_THROWS_AS((SeriesWindows(counted_series(1, 20), {.look_back = 3, .horizon = 4, .stride = 0})),
                  std::invalid_argument);
  CHECK_THROWS_AS((SeriesWindows(Matrix<float>(), {.look_back = 3, .horizon = 4})), std::invalid_argument);
  CHECK_THROWS_WITH_AS((SeriesWindows(counted_series(1, 20), {.look_back = 3, .horizon = 4, .targets = {1}})),
                       "SeriesWindows: target 1, expected 0 to 0", std::invalid_argument);
  CHECK_THROWS_AS((SeriesWindows(counted_series(1, 20), {.look_back = 3, .horizon = 4, .breaks = {9, 4}})),
                  std::invalid_argument);
  PackedSequence<float> batch;
  CHECK_THROWS_AS(all.fill(std::vector<Index>{14}, batch), std::invalid_argument);
  CHECK_THROWS_AS(all[-1], std::invalid_argument);
  BatchTargets<float> targets;
  CHECK_THROWS_AS(all.fill_targets(std::vector<Index>{1}, batch.packing, targets), std::invalid_argument);
  CHECK(SeriesWindows<float>().size() == 0);
}
