#include <cmath>
#include <limits>
#include <memory>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>

#include "reference.hpp"

using namespace unroll;

namespace {

using Amp = stream::Sequential<stream::Recurrent<Lstm<>, 1, 12>, stream::Dense<12, 1>>;
Amp random_amp(std::uint64_t seed = 3) {
  const CellValues<Lstm<float>> cell(1, 12, seed);
  Amp amp;
  amp.layer<0>().set(cell.data());
  amp.layer<1>().set(random_values(12, seed), random_values(1, seed));
  return amp;
}
using Samples = std::vector<float>;
template <class S> Samples run(S& stream, const Samples& x) {
  Samples y(x.size());
  stream.process(x, y);
  return y;
}

}  // namespace

TEST_CASE("streams over one set of weights know nothing of each other") {
  const Amp weights = random_amp();
  stream::Stream<const Amp&> left(weights), right(weights);
  stream::Stream<Amp> alone(weights);
  const Samples a = random_values(50, 1), b = random_values(50, 2);
  const Samples expected = run(alone, a);
  for (std::size_t t = 0; t < a.size(); ++t) {
    CHECK(left.step(a[t]) == expected[t]);
    right.step(b[t]);
  }
}

TEST_CASE("a snapshot is a value: what follows it is repeated to the bit") {
  stream::Stream<Amp> amp(random_amp());
  const Samples before = random_values(20, 1), x = random_values(30, 2);
  run(amp, before);
  const auto state = amp.snapshot();
  const Samples y = run(amp, x);
  CHECK(run(amp, x) != y);
  amp.restore(state);
  CHECK(run(amp, x) == y);
  amp.reset();
  stream::Stream<Amp> fresh(random_amp());
  CHECK(run(amp, x) == run(fresh, x));
}

TEST_CASE("prewarming is silence") {
  stream::Stream<Amp> a(random_amp()), b(random_amp());
  a.prewarm(64);
  run(b, Samples(64, 0.f));
  const Samples x = random_values(5, 1);
  CHECK(run(a, x) == run(b, x));
}

TEST_CASE("a block may be processed in place, and ends where the shorter buffer ends") {
  stream::Stream<Amp> a(random_amp()), b(random_amp());
  Samples x = random_values(33, 1);
  const Samples y = run(a, x);
  b.process(x, x);
  CHECK(x == y);
  Samples longer(40, 7.f);
  b.process(std::span(x).first(10), longer);
  CHECK(longer[10] == 7.f);
}

TEST_CASE("skip adds the input to the output") {
  using Skip = stream::Sequential<stream::Skip<stream::Recurrent<Lstm<>, 1, 12>, stream::Dense<12, 1>>>;
  const Amp plain = random_amp();
  stream::Stream<Amp> without(plain);
  stream::Stream<Skip> with;
  with.model().layer<0>().inner = plain;
  with.reset();
  const Samples x = random_values(20, 1), y = run(without, x), z = run(with, x);
  for (std::size_t t = 0; t < x.size(); ++t) CHECK(z[t] == y[t] + x[t]);
}

TEST_CASE("NaN and infinity: reset recovers, or they count as zero") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    const Samples x = random_values(20, 1);
    stream::Stream<Amp> amp(random_amp()), clean(random_amp());
    const Samples expected = run(clean, x);
    amp.step(bad);
    amp.reset();
    CHECK(run(amp, x) == expected);

    amp.non_finite = stream::NonFinite::replace;
    Samples with_bad = x, with_zero = x;
    with_bad[7] = bad;
    with_zero[7] = 0;
    amp.reset();
    clean.reset();
    CHECK(run(amp, with_bad) == run(clean, with_zero));
  }
}

TEST_CASE("process counts denormal numbers as zero and leaves the mode as it was") {
  // h = h / 2 without input: a decaying tail. Not flushed it would pass through the denormal numbers.
  using Decay = stream::Sequential<stream::Recurrent<ReluRnn<>, 1, 4>>;
  const Samples none(4, 0.f), half{0.5f, 0, 0, 0, 0, 0.5f, 0, 0, 0, 0, 0.5f, 0, 0, 0, 0, 0.5f}, start(4, 1.f);
  Decay model;
  model.layer<0>().set({none, half, {}, {}, {}, {start}});
  stream::Stream<Decay> decay(model);
  const auto mode = floating_point_mode();
  Samples x(130, 0.f), y(4 * x.size());
  decay.process(x, y);
  CHECK(floating_point_mode() == mode);
  CHECK(y[4 * 125] == std::ldexp(1.f, -126));
#if defined(__SSE2__) || defined(__aarch64__)
  CHECK(y[4 * 126] == 0);
#endif
}

TEST_CASE("faster functions stay within what they promise") {
  using Fast = stream::Sequential<stream::Recurrent<Lstm<>, 1, 12, stream::Fast>>;
  using Accurate = stream::Sequential<stream::Recurrent<Lstm<>, 1, 12>>;
  const CellValues<Lstm<float>> cell(1, 12, 3);
  stream::Stream<Fast> fast;
  stream::Stream<Accurate> accurate;
  fast.model().layer<0>().set(cell.data());
  accurate.model().layer<0>().set(cell.data());
  const Samples x = random_values(200, 1);
  Samples a(12 * x.size()), b(a.size());
  fast.process(x, a);
  accurate.process(x, b);
  const double difference = largest_difference(a, b);
  CHECK(difference < 1e-3);
  CHECK(difference > 0);
}

TEST_CASE("weights of a wrong size are refused with both sizes") {
  Amp amp;
  const Samples weights(13);
  CHECK_THROWS_WITH(amp.layer<1>().set(weights), "stream::Dense: weight has 13 elements, expected 12");
  CHECK_THROWS_WITH(amp.layer<0>().set({weights, weights}),
                    "stream::Recurrent: weight_ih has 13 elements, expected 48");
}

TEST_CASE("a model can be a constant of the program") {
  static constexpr std::array<float, 1> one{1.f}, half{0.5f};
  static constexpr stream::Sequential<stream::Recurrent<ReluRnn<>, 1, 1>, stream::Dense<1, 1>> model(
      stream::Recurrent<ReluRnn<>, 1, 1>({one, half}), stream::Dense<1, 1>(one, half));
  stream::Stream<const decltype(model)&> sum(model);
  CHECK(sum.step(1.f) == 1.5f);
  CHECK(sum.step(1.f) == 2.f);
}
