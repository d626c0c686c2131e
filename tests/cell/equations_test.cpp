// The built-in cells against their equations written out with numbers, gate by gate.
#include <cmath>
#include <complex>

#include <doctest/doctest.h>

#include <unroll/cell/coupled_gate_lstm.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/ind_rnn.hpp>
#include <unroll/cell/layer_norm_gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/min_gru.hpp>
#include <unroll/cell/min_lstm.hpp>
#include <unroll/cell/minimal_gated_unit.hpp>
#include <unroll/cell/mogrifier_lstm.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/cell/slstm.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/testing/check_gradient.hpp>

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
    if (row < layer.cell.weight_hh.rows()) layer.cell.weight_hh(row, 0) = U[g];
    layer.bias_ih(row, 0) = b[g];
    if (row < layer.cell.bias_hh.rows()) layer.cell.bias_hh(row, 0) = 2 * b[g];
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

TEST_CASE("minimal gated unit: gates f n, the forget gate before the product, h = h + f (n - h)") {
  const double f = s(a(0)), n = std::tanh(W[1] * x + b[1] + U[1] * (f * h) + 2 * b[1]);
  const auto next = step(MinimalGatedUnit<double>{1, 1}, {W[0], W[1]}, {U[0], U[1]}, {b[0], b[1]}, x, {h});
  CHECK(next[0] == doctest::Approx(h + f * (n - h)).epsilon(1e-14));
}

TEST_CASE("lstm of coupled gates: f g o, c = f c + (1 - f) g, h = o tanh(c)") {
  const double next_c = s(a(0)) * c + (1 - s(a(0))) * std::tanh(a(1));
  const auto next =
      step(CoupledGateLstm<double>{1, 1}, {W[0], W[1], W[2]}, {U[0], U[1], U[2]}, {b[0], b[1], b[2]}, x, {h, c});
  CHECK(next[1] == doctest::Approx(next_c).epsilon(1e-14));
  CHECK(next[0] == doctest::Approx(s(a(2)) * std::tanh(next_c)).epsilon(1e-14));
}

TEST_CASE("slstm: i f z o, exponential input gate, h = o times the mean of z, which starts from the first") {
  const double z = std::tanh(a(2)), o = s(a(3));
  const SLstm<double> cell{1, 1};
  const std::vector<double> all{b[0], b[1], b[2], b[3]};
  // What the past weighs is exp(2), of the present exp(a_i).
  const double past = s(a(1)) * std::exp(2.0), present = std::exp(a(0)),
               mean = (past * c + present * z) / (past + present);
  const auto next = step(cell, {W[0], W[1], W[2], W[3]}, {U[0], U[1], U[2], U[3]}, all, x, {h, c, 32});
  CHECK(next[0] == doctest::Approx(o * mean).epsilon(1e-12));
  CHECK(next[1] == doctest::Approx(mean).epsilon(1e-12));
  CHECK(next[2] == doctest::Approx(30 + std::log(past + present)).epsilon(1e-12));
  const auto first = step(cell, {W[0], W[1], W[2], W[3]}, {U[0], U[1], U[2], U[3]}, all, x, {h, 0, 0});
  CHECK(first[1] == doctest::Approx(z).epsilon(1e-12));
  // Gates of any size overflow nothing: all or nothing is forgotten.
  for (const std::size_t gate : {0U, 1U})
    for (const double large : {-800.0, 800.0}) {
      std::vector<double> of_x = W, of_h = U;
      of_x[gate] = large, of_h[gate] = 0;
      const auto after = step(cell, of_x, of_h, all, 1.0, {h, c, 30});
      const bool keeps = (gate == 0) != (large > 0);
      if (gate == 0 || !keeps)
        CHECK(after[1] == doctest::Approx(keeps ? c : std::tanh(W[2] + U[2] * h + 3 * b[2])).epsilon(1e-12));
      CHECK(std::isfinite(after[0]));
      CHECK(std::isfinite(after[2]));
    }
}

TEST_CASE("lru: s = lambda s + gamma B x, h = Re(C s) + D x; stable at first, and s about as large as B x") {
  // nu, u and log gamma are 0.1, 0.2, 0.3 in `step`; h is not read.
  const std::complex<double> lambda = std::polar(std::exp(-std::exp(0.1)), 2 * std::atan(0.2)), before{1.3, -0.7};
  const auto a = [](std::size_t g) { return W[g] * x + b[g]; };
  const std::complex<double> s = lambda * before + std::exp(0.3) * std::complex<double>(a(0), a(1));
  const auto next = step(Lru<double>{1, 1}, {W[0], W[1], W[2]}, {U[0], U[1]}, {b[0], b[1], b[2]}, x, {h, 1.3, -0.7});
  CHECK(next[1] == doctest::Approx(s.real()).epsilon(1e-13));
  CHECK(next[2] == doctest::Approx(s.imag()).epsilon(1e-13));
  CHECK(next[0] == doctest::Approx(U[0] * s.real() + 2 * b[0] + U[1] * s.imag() + 2 * b[1] + a(2)).epsilon(1e-13));

  Recurrent layer{Lru<double>{3, 400}};
  CHECK(layer.cell.bias_hh.size() == 0);
  initialize(layer, Rng(1));
  const auto size = (-layer.cell.unit.col(0).array().exp()).exp().eval();
  CHECK(size.square().mean() == doctest::Approx(0.5).epsilon(0.1));
  CHECK(size.maxCoeff() < 1);
  CHECK((layer.cell.unit.col(1).array().atan() * 2).mean() == doctest::Approx(1.57).epsilon(0.1));
  CHECK((size.square() + (2 * layer.cell.unit.col(2).array()).exp() - 1).abs().maxCoeff() < 1e-12);
}

TEST_CASE("independent rnn: h = the positive part of W x + b + u h, u in U(0, 1) at first") {
  CHECK(step(IndRnn<double>{1, 1}, {0.3}, {}, {0.05}, x, {h})[0] ==
        doctest::Approx(0.3 * x + 0.05 + 0.1 * h).epsilon(1e-14));
  CHECK(step(IndRnn<double>{1, 1}, {-3}, {}, {0.05}, x, {h})[0] == 0);
  Recurrent layer{IndRnn<>{1, 2000}};
  initialize(layer, Rng(1));
  CHECK(layer.cell.unit.minCoeff() >= 0);
  CHECK(layer.cell.unit.maxCoeff() <= 1);
  CHECK(layer.cell.unit.mean() == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("the GRU without a product: gates z n of the input alone, h = h + z (n - h)") {
  const auto next = step(MinGru<double>{1, 1}, {W[0], W[1]}, {}, {b[0], b[1]}, x, {h});
  CHECK(next[0] == doctest::Approx(h + s(W[0] * x + b[0]) * (W[1] * x + b[1] - h)).epsilon(1e-14));
}

TEST_CASE("the LSTM without a product: gates f i n of the input alone, f and i made to add up to 1") {
  const double f = s(W[0] * x + b[0]), i = s(W[1] * x + b[1]), n = W[2] * x + b[2];
  const auto next = step(MinLstm<double>{1, 1}, {W[0], W[1], W[2]}, {}, {b[0], b[1], b[2]}, x, {h});
  CHECK(next[0] == doctest::Approx((f * h + i * n) / (f + i)).epsilon(1e-14));
}

/// Three units with numbers of their own, and normalize over as many as are given.
struct ThreeUnits {
  static constexpr int H = 3;
  Matrix<double> w, u, state, unit;  // W x and U h of each gate and unit, (gates 3, 1); (3, S); (3, P)
  template <class E> explicit ThreeUnits(Recurrent<E>& layer) {
    randomize(layer, Rng(8));
    const Matrix<double> input = Matrix<double>::Constant(1, 1, x);
    state = Matrix<double>(H, E::S);
    for (Index k = 0; k < state.size(); ++k) state.data()[k] = 0.3 * static_cast<double>(k) - 0.4;
    w = layer.weight_ih * input;
    u = layer.cell.weight_hh * state.col(0);
    unit = layer.cell.unit;
  }
  static std::vector<double> normal(std::vector<double> all) {
    double mean = 0, variance = 0;
    for (const double v : all) mean += v / static_cast<double>(all.size());
    for (const double v : all) variance += (v - mean) * (v - mean) / static_cast<double>(all.size());
    for (double& v : all) v = (v - mean) / std::sqrt(variance + 1e-5);
    return all;
  }
  /// Normalized together: gates first .. first + n - 1.
  static std::vector<double> normal(const Matrix<double>& m, Index first, Index n) {
    return normal(std::vector<double>(m.data() + first * H, m.data() + (first + n) * H));
  }
  /// The layer's new states.
  template <class E> Matrix<double> next(const Recurrent<E>& layer) const {
    CacheFor<Recurrent<E>, PackedSequence<double>> cache;
    RecurrentState<double, E::S> from, to;
    for (int f = 0; f < E::S; ++f) from.fields[std::size_t(f)] = state.col(f);
    const std::vector<Index> length{1};
    const PackedSequence<double> one{Matrix<double>::Constant(1, 1, x), Packing::from_lengths(length, 1)};
    layer.forward({}, one, cache, {&from, &to});
    Matrix<double> all(H, E::S);
    for (int f = 0; f < E::S; ++f) all.col(f) = to.fields[std::size_t(f)];
    return all;
  }
};

TEST_CASE("layer-normalized lstm: all gates together, gains of W x, of U h, shifts, i f g o; then the cell") {
  Recurrent layer{LayerNormLstm<double>{1, 3}};
  const ThreeUnits t(layer);
  const auto w = t.normal(t.w, 0, 4), u = t.normal(t.u, 0, 4);
  const auto gate = [&](int g, int k) {
    const auto at = std::size_t(3 * g + k);
    return t.unit(k, g) * w[at] + t.unit(k, 4 + g) * u[at] + t.unit(k, 8 + g);
  };
  std::vector<double> cell;
  for (int k = 0; k < 3; ++k) cell.push_back(s(gate(1, k)) * t.state(k, 1) + s(gate(0, k)) * std::tanh(gate(2, k)));
  const auto normal_cell = t.normal(cell);
  const Matrix<double> next = t.next(layer);
  for (int k = 0; k < 3; ++k) {
    const double out = std::tanh(t.unit(k, 12) * normal_cell[std::size_t(k)] + t.unit(k, 13));
    CHECK(next(k, 1) == doctest::Approx(cell[std::size_t(k)]).epsilon(1e-12));
    CHECK(next(k, 0) == doctest::Approx(s(gate(3, k)) * out).epsilon(1e-12));
  }
}

TEST_CASE("layer-normalized gru: r and z together, n by itself, reset after the product") {
  Recurrent layer{LayerNormGru<double>{1, 3}};
  const ThreeUnits t(layer);
  const auto w = t.normal(t.w, 0, 2), u = t.normal(t.u, 0, 2), w_n = t.normal(t.w, 2, 1), u_n = t.normal(t.u, 2, 1);
  const Matrix<double> next = t.next(layer);
  for (int k = 0; k < 3; ++k) {
    const auto i = std::size_t(k), j = std::size_t(3 + k);
    const double r = s(t.unit(k, 0) * w[i] + t.unit(k, 3) * u[i] + t.unit(k, 6));
    const double z = s(t.unit(k, 1) * w[j] + t.unit(k, 4) * u[j] + t.unit(k, 7));
    const double n = std::tanh(t.unit(k, 2) * w_n[i] + t.unit(k, 8) + r * (t.unit(k, 5) * u_n[i] + t.unit(k, 9)));
    CHECK(next(k, 0) == doctest::Approx(n + z * (t.state(k, 0) - n)).epsilon(1e-12));
  }
}

TEST_CASE("gains begin at 1 and shifts at 0, but that of the forget gate where the scheme says") {
  Recurrent lstm{LayerNormLstm<>{2, 5}};
  Recurrent gru{LayerNormGru<>{2, 5}};
  initialize(lstm, Rng(1), {.forget_bias = 0.5});
  initialize(gru, Rng(1));
  CHECK(lstm.options.bias == Bias::none);
  for (int k = 0; k < 5; ++k) {
    const std::array of_lstm{1.f, 1.f, 1.f, 1.f, 1.f, 1.f, 1.f, 1.f, 0.f, 0.5f, 0.f, 0.f, 1.f, 0.f};
    const std::array of_gru{1.f, 1.f, 1.f, 1.f, 1.f, 1.f, 0.f, 0.f, 0.f, 0.f};
    for (std::size_t p = 0; p < of_lstm.size(); ++p) CHECK(lstm.cell.unit(k, Index(p)) == of_lstm[p]);
    for (std::size_t p = 0; p < of_gru.size(); ++p) CHECK(gru.cell.unit(k, Index(p)) == of_gru[p]);
  }
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
