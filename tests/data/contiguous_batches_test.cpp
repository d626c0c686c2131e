#include <algorithm>
#include <numeric>

#include <doctest/doctest.h>

#include <unroll/data/contiguous_batches.hpp>

using unroll::Index;

TEST_CASE("streams are contiguous pieces of the sequence, and windows go on where the one before ended") {
  std::vector<std::int32_t> numbers(24);  // 23 steps with a successor: 3 streams of 7
  std::iota(numbers.begin(), numbers.end(), 0);
  const unroll::TokenStreams streams(numbers, {.streams = 3, .window = 3});
  CHECK(streams.stream_length() == 7);
  CHECK(streams.count() == 3);
  std::vector<std::vector<std::int32_t>> seen(3);
  unroll::TokenBatch x;
  std::vector<Index> next;
  for (Index w = 0; w < streams.count(); ++w) {
    streams.fill(w, x, next);
    CHECK(x.packing.steps() == (w < 2 ? 3 : 1));
    for (Index n = 0; n < x.packing.total(); ++n) {
      seen[static_cast<std::size_t>(x.packing.sequence_of(n))].push_back(x.ids[static_cast<std::size_t>(n)]);
      CHECK(next[static_cast<std::size_t>(n)] == x.ids[static_cast<std::size_t>(n)] + 1);
    }
  }
  for (Index b = 0; b < 3; ++b) {
    std::vector<std::int32_t> expected(7);
    std::iota(expected.begin(), expected.end(), static_cast<std::int32_t>(7 * b));
    CHECK(seen[static_cast<std::size_t>(b)] == expected);
  }
}

TEST_CASE("streams of vectors bring the targets of their steps") {
  unroll::Matrix<float> x(2, 10), y(1, 10);
  for (Index n = 0; n < 10; ++n) x.col(n).setConstant(static_cast<float>(n)), y(0, n) = static_cast<float>(100 + n);
  const unroll::SequenceStreams<float> streams(x, y, {.streams = 2, .window = 4});
  unroll::PackedSequence<float> window;
  unroll::Matrix<float> targets;
  streams.fill(1, window, targets);
  CHECK(window.packing.batch_sizes == std::vector<Index>{2});
  CHECK(window.values(1, 0) == 4);
  CHECK(window.values(1, 1) == 9);
  CHECK(targets(0, 1) == 109);
  streams.fill(0, window, targets);
  CHECK(window.values.cols() == 8);
  CHECK(window.values(0, 7) == 8);  // step 3 of stream 1
}

TEST_CASE("windows that vary cover the streams, follow each other, and are others for another Rng") {
  const unroll::StreamOptions options{.streams = 4, .window = 20, .vary = true};
  const unroll::ContiguousBatches streams(40'000, options);
  const auto drawn = streams.windows(unroll::Rng(1)), again = streams.windows(unroll::Rng(1)),
             other = streams.windows(unroll::Rng(2));
  Index next = 0, longest = 0, halves = 0;
  double sum = 0;
  REQUIRE(drawn.size() > 2);
  for (std::size_t k = 0; k < drawn.size(); ++k) {
    CHECK(drawn[k].first == next);
    CHECK((drawn[k].steps >= 5 || k + 1 == drawn.size()));
    CHECK((drawn[k].first == again[k].first && drawn[k].steps == again[k].steps));
    next += drawn[k].steps;
    longest = std::max(longest, drawn[k].steps);
    halves += drawn[k].steps <= 10 ? 1 : 0;
    sum += static_cast<double>(drawn[k].steps);
  }
  CHECK(next == streams.stream_length());
  CHECK(again.size() == drawn.size());
  CHECK(longest > 30);  // two deviations
  CHECK(sum / static_cast<double>(drawn.size()) == doctest::Approx(0.95 * 20 + 0.05 * 10).epsilon(0.05));
  const double share = static_cast<double>(halves) / static_cast<double>(drawn.size());
  CHECK((share > 0.02 && share < 0.09));
  CHECK((other.size() != drawn.size() || other[0].steps != drawn[0].steps || other[1].steps != drawn[1].steps));
  CHECK(streams.rate_scale({0, 5}) == 0.25);

  CHECK(unroll::ContiguousBatches(400, {.streams = 4, .window = 20}).windows(unroll::Rng(1)).empty());
  // Without a deviation and halves they are those of K steps; with halves alone those of K / 2.
  for (const double half : {0.0, 1.0}) {
    const unroll::ContiguousBatches plain(
        400, {.streams = 4, .window = 20, .vary = true, .deviation = 0, .half_probability = half, .min_window = 1});
    for (const auto& window : plain.windows(unroll::Rng(3))) CHECK(window.steps == (half > 0 ? 10 : 20));
  }
}

TEST_CASE("a window is any steps of the streams") {
  std::vector<std::int32_t> numbers(24);
  std::iota(numbers.begin(), numbers.end(), 0);
  const unroll::TokenStreams streams(numbers, {.streams = 3, .window = 3});
  unroll::TokenBatch x;
  std::vector<Index> next;
  streams.fill({2, 4}, x, next);
  CHECK(x.ids == std::vector<std::int32_t>{2, 9, 16, 3, 10, 17, 4, 11, 18, 5, 12, 19});
  CHECK(next == std::vector<Index>{3, 10, 17, 4, 11, 18, 5, 12, 19, 6, 13, 20});
  CHECK(x.packing.steps() == 4);
}

TEST_CASE("a sequence too short for its streams is refused") {
  CHECK_THROWS_WITH(unroll::ContiguousBatches(3, {.streams = 4}),
                    "ContiguousBatches: 3 steps are too few for 4 streams");
  CHECK_THROWS_WITH(unroll::ContiguousBatches(3, {.streams = 1, .window = 0}),
                    "ContiguousBatches: 1 streams, windows of 0 steps, expected at least 1 each");
  CHECK_THROWS_WITH(unroll::TokenStreams(std::vector<std::int32_t>{}, {.streams = 1}),
                    "TokenStreams: 0 ids, expected at least 2");
}

TEST_CASE("windows that vary are not made longer than they were asked for by the least length") {
  const unroll::ContiguousBatches short_ones(400, {.streams = 1, .window = 2, .vary = true, .deviation = 0});
  for (const auto& window : short_ones.windows(unroll::Rng(3))) CHECK(window.steps <= 2);
}
