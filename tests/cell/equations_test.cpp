// The built-in cells against their equations written out with numbers, gate by gate.
#include <cmath>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/recurrent.hpp>

#include "../support/sequences.hpp"

using namespace unroll;

namespace equations {
namespace {
double s(double a) { return 1 / (1 + std::exp(-a)); }

/// One step from state h (and c) with one unit and one input: the layer's new state.
template <class C>
std::vector<double> step(const C& cell, std::vector<double> W, std::vector<double> U, std::vector<double> b, double x,
                         std::vector<double> state) {
  Recurrent layer{cell, {.bias = Bias::dual}};
  for (std::size_t g = 0; g < W.size(); ++g) {
    const auto row = static_cast<Index>(g);
    layer.weight_ih(row, 0) = W[g];
    layer.cell.weight_hh(row, 0) = U[g];
    layer.bias_ih(row, 0) = b[g];
    if (layer.cell.bias_hh.size() > 0) layer.cell.bias_hh(row, 0) = 2 * b[g];
  }
  if constexpr (requires { layer.cell.unit; })
    for (Index p = 0; p < layer.cell.unit.cols(); ++p) layer.cell.unit(0, p) = 0.1 * static_cast<double>(p + 1);
  typename decltype(layer)::State in, out;
  for (std::size_t f = 0; f < state.size(); ++f) in.fields[f] = Matrix<double>::Constant(1, 1, state[f]);
  CacheFor<decltype(layer), PackedSequence<double>> cache;
  const std::vector<Index> length{1};
  layer.forward({}, pack(batch_first(&x, 1, 1, 1), std::span(length)), cache, {&in, &out});
  std::vector<double> result;
  for (const auto& field : out.fields) result.push_back(field(0, 0));
  return result;
}
struct NoBackward : CellSize<float> {
  using CellSize<float>::CellSize;
  static constexpr int GX = 1, GU = 1, S = 1, C = 0;
  static constexpr std::string_view name = "NoBackward";
  static void forward(const std::array<Value<double>, 1>&, const std::array<Value<double>, 1>&,
                      const std::array<Value<double>, 1>&, std::array<Value<double>, 1>&,
                      std::array<Value<double>, 0>&) {}
};

const std::vector<double> W{0.3, -0.5, 0.7, 1.1}, U{-0.2, 0.9, 0.4, -0.6}, b{0.05, -0.15, 0.25, 0.35};
const double x = 0.8, h = -0.4, c = 1.3;
double a(std::size_t g) { return W[g] * x + b[g] + U[g] * h + 2 * b[g]; }
}  // namespace

TEST_CASE("rnn: h = tanh(W x + b + U h + b_h), or the positive part") {
  CHECK(step(Rnn<double>{1, 1}, {0.3}, {-0.2}, {0.05}, x, {h})[0] == doctest::Approx(std::tanh(a(0))).epsilon(1e-14));
  CHECK(step(ReluRnn<double>{1, 1}, {0.3}, {-0.2}, {0.05}, x, {h})[0] == doctest::Approx(a(0)).epsilon(1e-14));
  CHECK(step(ReluRnn<double>{1, 1}, {-3}, {-0.2}, {0.05}, x, {h})[0] == 0);
}

TEST_CASE("lstm: gates i f g o, c = f c + i g, h = o tanh(c)") {
  const double next_c = s(a(1)) * c + s(a(0)) * std::tanh(a(2));
  const auto next = step(Lstm<double>{1, 1}, W, U, b, x, {h, c});
  CHECK(next[1] == doctest::Approx(next_c).epsilon(1e-14));
  CHECK(next[0] == doctest::Approx(s(a(3)) * std::tanh(next_c)).epsilon(1e-14));
}

TEST_CASE("gru: gates r z n, reset after the product, h = n + z (h - n)") {
  const double r = s(a(0)), z = s(a(1)), n = std::tanh(W[2] * x + b[2] + r * (U[2] * h + 2 * b[2]));
  const auto next = step(Gru<double>{1, 1}, {W[0], W[1], W[2]}, {U[0], U[1], U[2]}, {b[0], b[1], b[2]}, x, {h});
  CHECK(next[0] == doctest::Approx((1 - z) * n + z * h).epsilon(1e-14));
}

TEST_CASE("gru, reset before the product, is another function") {
  const double r = s(a(0)), z = s(a(1)), n = std::tanh(W[2] * x + b[2] + U[2] * (r * h) + 2 * b[2]);
  const auto next =
      step(GruResetBefore<double>{1, 1}, {W[0], W[1], W[2]}, {U[0], U[1], U[2]}, {b[0], b[1], b[2]}, x, {h});
  CHECK(next[0] == doctest::Approx((1 - z) * n + z * h).epsilon(1e-14));
}

TEST_CASE("peephole lstm: i and f look at the old c, o at the new one") {
  const double i = s(a(0) + 0.1 * c), f = s(a(1) + 0.2 * c), next_c = f * c + i * std::tanh(a(2));
  const auto next = step(PeepholeLstm<double>{1, 1}, W, U, b, x, {h, c});
  CHECK(next[1] == doctest::Approx(next_c).epsilon(1e-14));
  CHECK(next[0] == doctest::Approx(s(a(3) + 0.3 * next_c) * std::tanh(next_c)).epsilon(1e-14));
}

TEST_CASE("concepts tell equations, cells and other things apart") {
  static_assert(PointwiseCell<Lstm<float>> && PointwiseCell<Gru<double>> && PointwiseCell<PeepholeLstm<float>>);
  static_assert(Cell<Stagewise<GruResetBefore<float>>> && Cell<Pointwise<Lstm<float>>>);
  static_assert(!Cell<Lstm<float>> && !Cell<GruResetBefore<float>> && !PointwiseCell<GruResetBefore<float>>);
  static_assert(!PointwiseCell<int>);
  static_assert(!PointwiseCell<NoBackward>);
  CHECK_THROWS_WITH_AS(Lstm<>(3, 0), "a cell: 0 units, expected 1 to 2147483647", std::invalid_argument);
}

}  // namespace equations
