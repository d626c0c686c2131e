// Data sets, batches, splits and streams asked for what they do not have.
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/batches.hpp>
#include <unroll/data/contiguous_batches.hpp>
#include <unroll/data/dataset.hpp>

#include "../support/not_finite.hpp"

namespace misuse_data {
using namespace unroll;
using Ints = std::vector<Index>;

constexpr Index most = std::numeric_limits<Index>::max();
const double not_a_number = not_finite::nan<double>(), infinite = not_finite::infinity<double>();

TokenDataset tokens(Targets targets = Ints{0, 1, 0}) { return TokenDataset({{5}, {1, 2, 3}, {}}, std::move(targets)); }
SequenceDataset<float> vectors(Targets targets = {}) {
  return SequenceDataset<float>({Eigen::MatrixXf::Ones(2, 1), Eigen::MatrixXf::Ones(2, 3)}, std::move(targets));
}
}  // namespace misuse_data

TEST_CASE("rows that a data set does not have are refused, whatever is asked of them") {
  using namespace misuse_data;
  const auto data = tokens();
  const auto series = vectors();
  TokenBatch x;
  PackedSequence<float> v;
  for (const Index row : {Index(3), Index(-1), most, -most}) {
    const Ints rows{0, row};
    CHECK_THROWS_AS(data[row], std::invalid_argument);
    CHECK_THROWS_AS(data.length(row), std::invalid_argument);
    CHECK_THROWS_AS(data.select(rows), std::invalid_argument);
    CHECK_THROWS_AS(data.fill(rows, x), std::invalid_argument);
    CHECK_THROWS_AS(series[row], std::invalid_argument);
    CHECK_THROWS_AS(series.select(rows), std::invalid_argument);
    CHECK_THROWS_AS(series.fill(rows, v), std::invalid_argument);
  }
  CHECK_THROWS_WITH_AS(data[3], "Dataset: row 3, expected 0 to 2", std::invalid_argument);
  CHECK_THROWS_WITH_AS(TokenDataset()[0], "Dataset: row 0, but there is none", std::invalid_argument);
}

TEST_CASE("targets are asked for only where there are some, and with the packing of their rows") {
  using namespace misuse_data;
  const Ints rows{0, 1};
  TokenBatch x;
  BatchTargets<float> y;
  const auto none = tokens(Targets{});
  none.fill(rows, x);
  CHECK_FALSE(none.has_targets());
  CHECK_THROWS_WITH_AS(none.fill_targets<float>(rows, x.packing, y),
                       "Dataset: it has no targets: labels or numbers, from its file or given to its constructor",
                       std::invalid_argument);
  CHECK_FALSE(vectors().has_targets());
  CHECK_FALSE(none.select(rows).has_targets());
  CHECK(tokens().has_targets());
  CHECK(TokenDataset().has_targets());

  const auto steps = tokens(std::vector<Ints>{{1}, {2, 3, 4}, {}});
  steps.fill(rows, x);
  CHECK_NOTHROW(steps.fill_targets<float>(rows, x.packing, y));
  const Ints one{1}, outside{0, 7}, swapped{1, 0};
  CHECK_THROWS_WITH_AS(steps.fill_targets<float>(one, x.packing, y), "Dataset: a packing of 2 sequences for 1 rows",
                       std::invalid_argument);
  CHECK_THROWS_AS(steps.fill_targets<float>(outside, x.packing, y), std::invalid_argument);
  CHECK_THROWS_WITH_AS(steps.fill_targets<float>(swapped, x.packing, y),
                       "Dataset: the packing has step 1 of row 0, which has 1", std::invalid_argument);
  const Ints lengths{1, 1};
  CHECK_THROWS_WITH_AS(steps.fill_targets<float>(rows, Packing::from_lengths(lengths, 1), y),
                       "Dataset: a packing of 2 steps for rows that have 4", std::invalid_argument);
}

TEST_CASE("targets and sample weights that do not fit their data set are refused") {
  using namespace misuse_data;
  CHECK_THROWS_WITH_AS(tokens(Ints{1, 0}), "Dataset: 2 targets for 3 sequences", std::invalid_argument);
  CHECK_THROWS_WITH_AS(tokens(std::vector<Ints>{{1}, {2}, {}}), "Dataset: 2 targets for 4 steps",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(tokens(std::vector<Ints>{}), "Dataset: 0 targets for 4 steps", std::invalid_argument);
  Targets both(Ints{0, 1, 0});
  both.values = Eigen::MatrixXd::Ones(1, 3);
  CHECK_THROWS_WITH_AS(tokens(both), "Dataset: the targets are labels and numbers at once", std::invalid_argument);
  CHECK_THROWS_WITH_AS(Targets(Eigen::MatrixXd(0, 3)), "Targets: 3 columns without a number", std::invalid_argument);
  CHECK_THROWS_WITH_AS(Targets(std::vector<std::uint64_t>{1, ~std::uint64_t{0}}),
                       "Targets: a label is 18446744073709551615, which no class can be", std::invalid_argument);
  auto data = tokens();
  for (const double bad : {not_a_number, infinite, -1.0})
    CHECK_THROWS_AS(data.set_sample_weights({1, bad, 1}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(data.set_sample_weights({1, 1, -2}), "Dataset: sample weight 2 is -2, expected 0 or more",
                       std::invalid_argument);
  CHECK(data.sample_weights().empty());
  CHECK_THROWS_AS(SequenceDataset<float>({Eigen::MatrixXf(2, 1), Eigen::MatrixXf()}), std::invalid_argument);
}

TEST_CASE("batches as large as any number are all rows at once") {
  using namespace misuse_data;
  const auto data = tokens();
  for (const bool similar : {false, true})
    for (const Index size : {most, most / 2, Index(3)})
      for (const Index pool : {most, Index(1)}) {
        const Batches batches(data, {.batch_size = size, .similar_length = similar, .pool = pool});
        REQUIRE(batches.count() == 1);
        CHECK(batches[0].size() == 3);
      }
  const Batches ones(data, {.batch_size = 1, .similar_length = true, .pool = most});
  CHECK(ones.count() == 3);
  for (const Index k : {Index(3), Index(-1), most}) CHECK_THROWS_AS(ones[k], std::invalid_argument);
  CHECK_THROWS_WITH_AS(ones[3], "Batches: batch 3, expected 0 to 2", std::invalid_argument);
  CHECK_THROWS_AS(Batches(data, {.batch_size = -1}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(Batches(data, {.pool = 0}), "Batches: pool is 0, expected at least 1", std::invalid_argument);
  const Batches empty(TokenDataset(), {});
  CHECK(empty.count() == 0);
  CHECK_THROWS_AS(empty[0], std::invalid_argument);
}

TEST_CASE("a split needs a fraction and a number of rows") {
  using namespace misuse_data;
  for (const double bad : {not_a_number, infinite, -0.1, 1.0, 2.0}) {
    CHECK_THROWS_AS(split_tail(10, bad), std::invalid_argument);
    CHECK_THROWS_AS(split_shuffled(10, bad, Rng(1)), std::invalid_argument);
    CHECK_THROWS_AS(split_tail(tokens(), bad), std::invalid_argument);
  }
  CHECK_THROWS_WITH_AS(split_tail(-1, 0.5), "split_tail: the number of rows is -1, expected 0 or more",
                       std::invalid_argument);
  CHECK(split_tail(0, 0.5).training.empty());
}

TEST_CASE("streams of nothing, and windows and steps outside of them, are refused") {
  using namespace misuse_data;
  const std::vector<std::int32_t> one{7};
  CHECK_THROWS_WITH_AS(TokenStreams(one, {.streams = 1}), "TokenStreams: 1 ids, expected at least 2",
                       std::invalid_argument);
  CHECK_THROWS_AS(ContiguousBatches(-5), std::invalid_argument);
  CHECK_THROWS_AS(ContiguousBatches(10, {.streams = -1}), std::invalid_argument);
  CHECK_THROWS_AS(ContiguousBatches(10, {.streams = most}), std::invalid_argument);
  CHECK_THROWS_AS((SequenceStreams<float>(Matrix<float>(), Matrix<float>())), std::invalid_argument);
  CHECK_THROWS_WITH_AS((SequenceStreams<float>(Matrix<float>(1, 4), Matrix<float>(1, 3), {.streams = 1})),
                       "SequenceStreams: x has 4 steps, y 3", std::invalid_argument);

  const TokenStreams streams({1, 2, 3, 4, 5}, {.streams = 2, .window = most});
  CHECK(streams.count() == 1);
  CHECK(streams.window_steps(0) == 2);
  TokenBatch x;
  Ints next;
  for (const Index window : {Index(1), Index(-1), most}) {
    CHECK_THROWS_AS(streams.fill(window, x, next), std::invalid_argument);
    CHECK_THROWS_AS(streams.window_steps(window), std::invalid_argument);
    CHECK_THROWS_AS(streams.source(window, 0, 0), std::invalid_argument);
  }
  for (const StreamWindow& window : {StreamWindow{0, 3}, StreamWindow{2, 1}, StreamWindow{-1, 1}, StreamWindow{0, 0},
                                     StreamWindow{1, most}, StreamWindow{most, most}}) {
    CHECK_THROWS_AS(streams.fill(window, x, next), std::invalid_argument);
    Packing packing;
    CHECK_THROWS_AS(streams.for_each(window, packing, [](Index, Index) {}), std::invalid_argument);
  }
  CHECK_THROWS_WITH_AS(
      streams.fill({1, 2}, x, next),
      "ContiguousBatches: a window of 2 steps from step 1 on, expected at least 1 step, all within the "
      "2 steps of a stream",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(ContiguousBatches(10, {.streams = 1, .deviation = -1}),
                       "ContiguousBatches: deviation is -1, expected 0 or more", std::invalid_argument);
  CHECK_THROWS_AS(ContiguousBatches(10, {.streams = 1, .deviation = not_a_number}), std::invalid_argument);
  CHECK_THROWS_AS(ContiguousBatches(10, {.streams = 1, .half_probability = 1.5}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(ContiguousBatches(10, {.streams = 1, .min_window = 0}),
                       "ContiguousBatches: min_window is 0, expected at least 1", std::invalid_argument);
  // The largest numbers are those that there are.
  CHECK(ContiguousBatches(10, {.streams = 1, .window = most, .vary = true}).windows(Rng(1)).size() == 1);
  CHECK(ContiguousBatches(10, {.streams = 1, .vary = true, .min_window = most}).windows(Rng(1)).size() == 1);
  CHECK(ContiguousBatches(10, {.streams = 1, .vary = true, .deviation = 1e300}).windows(Rng(1)).size() >= 1);

  CHECK_THROWS_WITH_AS(streams.source(0, 2, 0), "ContiguousBatches: step 2, expected 0 to 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(streams.source(0, 0, 2), "ContiguousBatches: stream 2, expected 0 to 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(streams.fill(1, x, next), "ContiguousBatches: window 1, expected 0 to 0", std::invalid_argument);
}
