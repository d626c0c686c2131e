#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/rnn.hpp>

#include "../kernel/levels.hpp"
#include "reference.hpp"

using namespace unroll;

namespace {

constexpr Index block_steps = 40;

template <template <class> class C, Index D, Index H> void compare() {
  const CellValues<C<float>> values(D, H, 7);
  const auto x = random_values(D * block_steps, 3);
  const auto expected = reference<C<double>>(values, x);
  static stream::Stream<stream::Sequential<stream::Recurrent<C<float>, D, H>>> layer;
  layer.model().template layer<0>().set(values.data());
  std::vector<float> y(expected.size());
  for_each_level([&](SimdLevel level) {
    CAPTURE(name(level));
    CAPTURE(C<float>::name);
    CAPTURE(D);
    CAPTURE(H);
    layer.reset();
    layer.process(x, y);
    CHECK(largest_difference(y, expected) < 1e-6);
    // any division into blocks and steps gives the same bits
    const auto whole = y;
    layer.reset();
    std::fill(y.begin(), y.end(), 0.f);
    layer.process(std::span(x).first(D * 11), std::span(y).first(H * 11));
    for (Index t = 11; t < 14; ++t) {
      if constexpr (H > 1 && D == 1) {
        const auto h = layer.step(x[std::size_t(t)]);
        std::copy(h.begin(), h.end(), y.begin() + t * H);
      } else {
        layer.process(std::span(x).subspan(std::size_t(t * D), D), std::span(y).subspan(std::size_t(t * H), H));
      }
    }
    layer.process(std::span(x).subspan(14 * D), std::span(y).subspan(14 * H));
    CHECK(largest_difference(y, whole) == 0);
  });
}

}  // namespace

TEST_CASE("a stream gives what the equations give in double, at every level and size") {
  compare<Lstm, 1, 3>();
  compare<Lstm, 1, 8>();
  compare<Lstm, 2, 20>();
  compare<Lstm, 1, 40>();
  compare<Lstm, 3, 72>();
  compare<Gru, 1, 5>();
  compare<Gru, 1, 16>();
  compare<Gru, 17, 24>();
  compare<Gru, 1, 64>();
  compare<Rnn, 2, 33>();
  compare<PeepholeLstm, 1, 12>();
}

namespace {

/// The largest difference between weights as they are and weights of 16 bits.
template <template <class> class C, Index D, Index H> double rounding() {
  const CellValues<C<float>> values(D, H, 7);
  const auto x = random_values(D * block_steps, 3);
  static stream::Stream<stream::Sequential<stream::Recurrent<C<float>, D, H>>> exact;
  static stream::Stream<stream::Sequential<stream::Recurrent<C<float>, D, H, stream::Accurate, std::int16_t>>> rounded;
  exact.model().template layer<0>().set(values.data());
  rounded.model().template layer<0>().set(values.data());
  std::vector<float> a(static_cast<std::size_t>(H * block_steps)), b = a;
  double worst = 0;
  for_each_level([&](SimdLevel) {
    exact.reset();
    rounded.reset();
    exact.process(x, a);
    rounded.process(x, b);
    worst = std::max(worst, largest_difference(a, b));
  });
  return worst;
}

}  // namespace

TEST_CASE("weights of 16 bits change an output by no more than a few 1e-5") {
  CHECK(rounding<Lstm, 1, 100>() < 5e-5);
  CHECK(rounding<Lstm, 1, 100>() > 1e-7);
  CHECK(rounding<Gru, 20, 33>() < 5e-5);
}
