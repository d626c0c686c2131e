// Cells in stages: wirings of products, norms and states that the library's own cells do not have.
#include <array>
#include <string_view>

#include <doctest/doctest.h>

#include <unroll/cell/derived.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/stream/of_model.hpp>
#include <unroll/stream/stream.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

namespace stages {
namespace {

using namespace unroll;

/// The old h is read after the new one is made.
template <class T = float> struct LateReader : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 2, GU = 2, S = 2;
  static constexpr std::string_view name = "LateReader";
  static constexpr void forward(const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto c = tanh(x[0] + U(0, prev[0]));
    const auto n = sigmoid(x[1] + U(1, c * prev[0]));
    next = {c * prev[1], n * prev[0] + prev[1]};
  }
};
/// An input and a product are normalized and read bare, a state is normalized, one state is the other's past.
template <class T = float> struct NormsBeside : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 1, GU = 3, S = 2, P = 2;
  static constexpr std::string_view name = "NormsBeside";
  static constexpr void forward(const auto& p, const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto u = U(0, normalize(prev[0]));
    const auto a = tanh(p[0] * normalize(x[0]) + x[0] + normalize(u) - u);
    const auto b = U(1, relu(a) + prev[1]);
    next = {tanh(b + p[1] * a + U(2, sigmoid(b) * prev[1])), prev[0]};
  }
};
/// Not in stages: more gates of the input than of the state.
template <class T = float> struct MoreInputs : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 3, GU = 2, S = 1;
  static constexpr std::string_view name = "MoreInputs";
  static constexpr void forward(const auto& x, const auto& u, const auto&, auto& next) {
    next[0] = tanh(x[0] + u[0]) * sigmoid(x[1]) + x[2] * u[1];
  }
};
template <class T> struct MoreInputsDerived : Derived<MoreInputs<T>> {
  using Derived<MoreInputs<T>>::Derived;
};
/// Nothing of the second input or of the old state is read but by products.
template <class T = float> struct ProductsAlone : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 2, GU = 3, S = 1;
  static constexpr std::string_view name = "ProductsAlone";
  static constexpr void forward(const auto& U, const auto& x, const auto& prev, auto& next) {
    next[0] = tanh(U(2, U(1, x[0] + U(0, prev[0]))));
  }
};

template <class L> void check(L layer, const GradientCheckOptions& options = {}) {
  randomize(layer, Rng(3));
  const auto report = check_gradient(layer, random_sequences<double>(3, ragged_lengths(), 6), options);
  INFO(layer.describe() << ": " << report.str());
  CHECK(report.passed());
}
template <template <class> class E> void check_gradients() {
  for (const Index units : {5, 19})
    for (RecurrentOptions how :
         {RecurrentOptions{.bias = Bias::dual}, RecurrentOptions{.recurrent_dropout = 0.4},

          RecurrentOptions{.input_dropout = 0.3, .recurrent_dropout = 0.4, .per_gate = true, .reverse = true}}) {
      how.recompute_every = how.reverse ? 2 : 0;
      check(Recurrent{E<double>(3, units), how}, {.context = {.training = true, .seed = 9}, .difference = 1e-5});
    }
}
/// D = 2; the widths of the stream are those behind it.
template <Index... widths, class E> void check_stream(const E& cell) {
  Sequential model{Recurrent{cell, {.bias = Bias::dual, .learned_initial_state = true}}};
  randomize(model, Rng(5), 0.4);
  PackedSequence<float> x;
  x.packing = Packing::from_lengths(std::vector<Index>{50}, 50);
  x.values = Eigen::MatrixXf::Random(2, 50);
  CacheFor<decltype(model), PackedSequence<float>> cache;
  const auto& batch = model.forward({.gradients = false}, x, cache).values;

  stream::Stream<stream::StreamOf<decltype(model), 2, widths...>> streamed;
  streamed.assign(model);
  std::vector<float> y(static_cast<std::size_t>(batch.size()));
  streamed.process({x.values.data(), 100}, y);
  const float largest = batch.cwiseAbs().maxCoeff();
  const Eigen::Map<const Eigen::MatrixXf> steps(y.data(), batch.rows(), 50);
  CHECK((batch - steps).cwiseAbs().maxCoeff() < 5e-6f * (1 + largest));
}

/// The output and all gradients at a level.
template <class E> std::vector<Matrix<float>> at_level(SimdLevel level, Index units) {
  const SimdLevel before = simd_level();
  set_simd_level(level);
  Recurrent layer{E(7, units), {.recurrent_dropout = 0.2}};
  auto gradient = zeros_like(layer);
  randomize(layer, Rng(4), 0.3);
  const auto x = random_sequences<float>(7, ragged_lengths(), 6);
  CacheFor<decltype(layer), PackedSequence<float>> cache;
  const auto y = layer.forward({.training = true, .seed = 2}, x, cache);
  std::vector<Matrix<float>> all{y.values, layer.backward(x, y, cache, gradient).values};
  visit([&](const Path&, const auto& p) { all.push_back(p); }, gradient);
  set_simd_level(before);
  return all;
}

}  // namespace

TEST_CASE("the backward of stages is the gradient, whatever reads what") {
  check_gradients<LateReader>();
  check_gradients<NormsBeside>();
  check_gradients<ProductsAlone>();
}
TEST_CASE("gates of the input and of the state have masks of their own, also where they are not as many") {
  check_gradients<MoreInputsDerived>();
}

TEST_CASE("a stream of stages gives what a batch gives, also where a new state waits for readers of the old") {
  check_stream<21>(LateReader<>(2, 21));
  check_stream<21>(NormsBeside<>(2, 21));
  check_stream<21>(ProductsAlone<>(2, 21));
}

TEST_CASE("a stream of a projected LSTM gives what a batch gives, with few outputs and with more than units") {
  check_stream<21, 9>(ProjectedLstm(2, 21, 9));
  check_stream<40, 2>(ProjectedLstm(2, 40, 2));
  check_stream<5, 34>(ProjectedLstm(2, 5, 34));
  check_stream<16, 16>(ProjectedLstm(2, 16, 16));
}

TEST_CASE_TEMPLATE("cells in stages: AVX2 and AVX-512 give the same bits, the others close numbers", E,
                   GruResetBefore<>, LayerNormLstm<>, NormsBeside<>) {
  for (const Index units : {3, 16, 24, 37}) {
    const auto usual = at_level<E>(simd_level(), units);
    for (const SimdLevel level : {SimdLevel::plain, SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512}) {
      if (!has_simd_level(level)) continue;
      const auto here = at_level<E>(level, units);
      const bool same = level >= SimdLevel::avx2 && simd_level() >= SimdLevel::avx2;
      for (std::size_t k = 0; k < here.size(); ++k)
        if (same)
          CHECK(here[k] == usual[k]);
        else if (here[k].size() > 0)
          CHECK((here[k] - usual[k]).cwiseAbs().maxCoeff() <= 2e-5f * (1 + usual[k].cwiseAbs().maxCoeff()));
    }
  }
}

TEST_CASE("a cell that projects nothing has as many outputs as units") {
  CHECK_THROWS_WITH_AS((Recurrent{LateReader<>(2, 4, 3)}),
                       "LateReader: 3 outputs of 4 units, expected as many: it projects nothing",
                       std::invalid_argument);
  CHECK(Recurrent{ProjectedLstm{2, 4, 3}}.cell.state_rows(0) == 3);
}

}  // namespace stages
