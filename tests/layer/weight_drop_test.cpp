// Weight drop of every cell: its masks, gradients, and what must not change them. The equations are compared with
// PyTorch's in golden/weight_drop_test.cpp.
#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/composite_cell.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

using namespace unroll;

namespace {

/// A cell of one's own, made of parts, with a weight_hh in each of them.
struct TwoGrus : CompositeCell<TwoGrus, double> {
  Dense<double> between{5, 15};
  Pointwise<Gru<double>> upper{Gru<double>{5, 5}}, lower{Gru<double>{3, 5}};
  UNROLL_PARTS(upper, lower, between)
  Index inputs() const { return 3; }
  auto operator()(StepWiring<double>& run, StepNode<double> a) const { return run(upper, run(between, run(lower, a))); }
};

constexpr Context training{.training = true, .seed = 6, .step = 2};

template <class L> L with_numbers(L layer) {
  randomize(layer, Rng(5));
  return layer;
}
/// All gradients of one pass, added to what is there.
template <class L> void add_pass(const L& layer, const PackedSequence<double>& x, const Context& context, L& gradient) {
  CacheFor<L, PackedSequence<double>> cache;
  const auto y = layer.forward(context, x, cache);
  layer.backward(x, y, cache, gradient);
}
template <class L> double difference(const L& a, const L& b) {
  double worst = 0;
  visit([&](const Path&, const auto& p, const auto& q) { worst = std::max(worst, (p - q).cwiseAbs().maxCoeff()); }, a,
        b);
  return worst;
}

}  // namespace

TEST_CASE("a pass runs with the weights that its mask leaves, scaled, and the layer's own stay as they are" *
          doctest::test_suite("bits")) {
  const auto layer = with_numbers(Recurrent{Lstm<double>{3, 40}, {.weight_dropout = 0.3}});
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  CacheFor<decltype(layer), PackedSequence<double>> cache, other;
  const auto before = layer;
  const auto y = layer.forward(training, x, cache).values;
  CHECK(difference(layer, before) == 0);
  REQUIRE(cache.weight_drop.dropped.size() == 1);
  const Matrix<double> mask = cache.weight_drop.dropped[0].mask;
  CHECK(((mask.array() == 0) || (mask.array() == 1 / 0.7)).all());
  CHECK(mask.mean() == doctest::Approx(1).epsilon(0.02));
  auto masked = layer;
  masked.options.weight_dropout = 0;
  masked.cell.weight_hh.array() *= mask.array();
  CHECK(masked.forward(training, x, other).values == y);
  // Every pass of training draws another, and none is drawn for inference.
  CHECK(layer.forward({.training = true, .seed = 6, .step = 3}, x, cache).values != y);
  CHECK(cache.weight_drop.dropped[0].mask != mask);
  masked.cell.weight_hh = layer.cell.weight_hh;
  CHECK(layer.forward({}, x, cache).values == masked.forward({}, x, other).values);
  CHECK(layer.describe() == "Recurrent<Lstm> 3 -> 40, weight dropout 0.3");
}

TEST_CASE("a rate of 0 changes no bit, forward and backward" * doctest::test_suite("bits")) {
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  const auto run = [&](const RecurrentOptions& options) {
    const auto layer = with_numbers(Recurrent{Gru<double>{3, 9}, options});
    auto gradient = zeros_like(layer);
    add_pass(layer, x, training, gradient);
    return gradient;
  };
  CHECK(difference(run({.recurrent_dropout = 0.2}), run({.recurrent_dropout = 0.2, .weight_dropout = 0})) == 0);
}

TEST_CASE("backward is the gradient with the weights that were left") {
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  const auto check = [&](auto layer) {
    randomize(layer, Rng(3));
    const auto report = check_gradient(layer, x, {.context = training});
    INFO(layer.describe() << ": " << report.str());
    CHECK(report.passed());
  };
  check(Recurrent{Lstm<double>{3, 5}, {.weight_dropout = 0.5}});
  check(Recurrent{Rnn<double>{3, 5}, {.weight_dropout = 0.5, .reverse = true}});
  check(Recurrent{Gru<double>{3, 5}, {.recurrent_dropout = 0.3, .per_gate = true, .weight_dropout = 0.3}});
  check(Recurrent{LayerNormLstm<double>{3, 5}, {.weight_dropout = 0.5}});
  check(Recurrent{ProjectedLstm<double>{3, 6, 4}, {.weight_dropout = 0.5}});
  check(Recurrent{Lstm<double>{3, 5}, {.weight_dropout = 0.5, .recompute_every = 2}});
  check(Recurrent{TwoGrus{}, {.weight_dropout = 0.5}});
  check(Bidirectional{Lstm<double>{3, 5}, {.weight_dropout = 0.5}});
  Recurrent frozen{Lstm<double>{3, 5}, {.weight_dropout = 0.5}};
  frozen.cell.weight_hh.trainable = false;
  check(frozen);
}

TEST_CASE("each weight of a cell of parts has a mask of its own, and each direction") {
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  const auto parts = with_numbers(Recurrent{TwoGrus{}, {.weight_dropout = 0.5}});
  CacheFor<decltype(parts), PackedSequence<double>> cache;
  parts.forward(training, x, cache);
  REQUIRE(cache.weight_drop.dropped.size() == 2);
  CHECK(cache.weight_drop.dropped[0].mask != cache.weight_drop.dropped[1].mask);
  const auto both = with_numbers(Bidirectional{Gru<double>{3, 5}, {.weight_dropout = 0.5}});
  CacheFor<decltype(both), PackedSequence<double>> directions;
  both.forward(training, x, directions);
  CHECK(directions.forward_layer.weight_drop.dropped[0].mask != directions.reverse_layer.weight_drop.dropped[0].mask);
}

TEST_CASE("gradients add up, and parts of a batch use the mask of all of it") {
  const std::vector<Index> lengths{5, 6, 1, 4};
  const auto padded = random_matrix<double>(3, 24, 9);
  const auto rows = [&](Index first, Index n) {
    return pack(batch_first(padded.data() + first * 18, n, 6, 3),
                std::span(lengths).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n)));
  };
  const auto layer =
      with_numbers(Recurrent{Lstm<double>{3, 7}, {.weight_dropout = 0.4, .learned_initial_state = true}});
  auto whole = zeros_like(layer), parts = zeros_like(layer);
  add_pass(layer, rows(0, 4), training, whole);
  Context context = training;
  for (const Index first : {0, 1, 3}) {
    context.first_row = first;
    add_pass(layer, rows(first, first == 1 ? 2 : 1), context, parts);
  }
  CHECK(difference(whole, parts) < 1e-12);
  CHECK(difference(whole, zeros_like(layer)) > 1e-3);
}

TEST_CASE("recomputing and threads change no bit of a pass with weight drop" * doctest::test_suite("bits")) {
  const auto x = random_sequences<double>(32, std::vector<Index>(24, 12), 12);
  const auto of = [&](Index recompute_every, int n) {
    set_threads(n);
    const auto layer =
        with_numbers(Recurrent{Lstm<double>{32, 64}, {.weight_dropout = 0.5, .recompute_every = recompute_every}});
    auto gradient = zeros_like(layer);
    add_pass(layer, x, training, gradient);
    set_threads(0);
    return gradient;
  };
  const auto expected = of(0, 1);
  CHECK(difference(of(5, 1), expected) == 0);
  CHECK(difference(of(0, 2), expected) == 0);
  CHECK(difference(of(5, 3), expected) == 0);
}

TEST_CASE("dropped weights are packed for their own pass alone, whatever is promised" * doctest::test_suite("bits")) {
  const auto layer = with_numbers(Recurrent{Lstm<double>{3, 7}, {.weight_dropout = 0.5}});
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  CacheFor<decltype(layer), PackedSequence<double>> cache;
  Context promised = training;
  promised.same_weights = true;
  for (const bool trains : {false, true, true, false}) {
    CacheFor<decltype(layer), PackedSequence<double>> fresh;
    promised.training = trains;
    ++promised.step;
    Context plain = promised;
    plain.same_weights = false;
    CHECK(layer.forward(promised, x, cache).values == layer.forward(plain, x, fresh).values);
  }
}

TEST_CASE("a cache with dropped weights may move between forward and backward") {
  const auto layer = with_numbers(Recurrent{TwoGrus{}, {.weight_dropout = 0.5}});
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  auto here = zeros_like(layer), moved = zeros_like(layer);
  add_pass(layer, x, training, here);
  std::vector<CacheFor<decltype(layer), PackedSequence<double>>> caches(1);
  const auto y = layer.forward(training, x, caches[0]);
  caches.reserve(caches.capacity() + 1);
  layer.backward(x, y, caches[0], moved);
  CHECK(difference(here, moved) == 0);
}
