// What must not change the numbers of a recurrent layer: padding, company, cuts in time, the order of a batch, threads.
#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

namespace invariance_test {

namespace {

using namespace unroll;
constexpr Index D = 3, H = 21, B = 4, T = 6;  // H is no multiple of any vector

template <class Layer> Layer randomized(Layer layer) {
  randomize(layer, Rng(17), 0.5);
  return layer;
}

/// Everything a pass computes: outputs, final state, input gradient, parameter gradients, initial-state gradient.
template <class Layer> struct Result {
  PackedSequence<float> y, dx;
  typename Layer::State final, d_initial;
  Layer gradient;
};
template <class Layer>
Result<Layer> run(const Layer& layer, const PackedSequence<float>& x, const typename Layer::State* start = nullptr,
                  const Context& context = {}) {
  CacheFor<Layer, PackedSequence<float>> cache;
  Result<Layer> r{.y = {}, .dx = {}, .final = {}, .d_initial = {}, .gradient = zeros_like(layer)};
  r.y = layer.forward(context, x, cache, {start, &r.final});
  r.dx = layer.backward(x, r.y, cache, r.gradient, {&r.final, &r.d_initial});
  return r;
}

template <class State> State random_state(const State& like, std::uint64_t seed) {
  State state = like;
  visit_state([&](const Path&, auto& field) { field = random_matrix<float>(field.rows(), field.cols(), seed++); },
              state);
  return state;
}

template <class A> void check_same_bits(const A& a, const A& b) {
  visit(
      [](const Path& path, const auto& p, const auto& q) { CHECK_MESSAGE((p.array() == q.array()).all(), path.str()); },
      a, b);
}
template <class State> void check_same_states(const State& a, const State& b) {
  visit_state(
      [](const Path& path, const auto& p, const auto& q) { CHECK_MESSAGE((p.array() == q.array()).all(), path.str()); },
      a, b);
}

}  // namespace

#define EVERY_CELL Rnn<>, Lstm<>, Gru<>, GruResetBefore<>, PeepholeLstm<>, LayerNormLstm<>

TEST_CASE_TEMPLATE("amount and content of padding change nothing", C, EVERY_CELL) {
  for (const bool reverse : {false, true}) {
    const auto layer = randomized(Recurrent(C(D, H), {.reverse = reverse}));
    const auto lengths = ragged_lengths();
    const auto padded = random_matrix<float>(D, B * T, 5);
    Matrix<float> wider(D, B * (T + 3));
    wider.setConstant(1e30f);
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < lengths[std::size_t(b)]; ++t) wider.col(b * (T + 3) + t) = padded.col(b * T + t);
    const auto a = run(layer, pack(batch_first(padded.data(), B, T, D), std::span(lengths)));
    const auto b = run(layer, pack(batch_first(wider.data(), B, T + 3, D), std::span(lengths)));
    CHECK((a.y.values.array() == b.y.values.array()).all());
    CHECK((a.dx.values.array() == b.dx.values.array()).all());
    check_same_states(a.final, b.final);
    check_same_bits(a.gradient, b.gradient);
  }
}

TEST_CASE_TEMPLATE("a sequence has the same bits alone and in a batch, dropout included" * doctest::test_suite("bits"),
                   C, Rnn<>, Lstm<>, Gru<>, PeepholeLstm<>) {
  for (const bool reverse : {false, true}) {
    const auto layer =
        randomized(Recurrent(C(D, H), {.input_dropout = 0.2, .recurrent_dropout = 0.3, .reverse = reverse}));
    const auto lengths = ragged_lengths();
    const auto padded = random_matrix<float>(D, B * T, 5);
    const Context context{.training = true, .seed = 4};
    const auto all = run(layer, pack(batch_first(padded.data(), B, T, D), std::span(lengths)), nullptr, context);
    const auto y = unpack(all.y), dx = unpack(all.dx);
    for (Index b = 0; b < B; ++b) {
      Context alone_context = context;
      alone_context.first_row = b;
      const auto alone = run(
          layer, pack(batch_first(padded.data() + b * T * D, 1, T, D), std::span(lengths).subspan(std::size_t(b), 1)),
          nullptr, alone_context);
      CHECK((unpack(alone.y).array() == y.middleCols(b * T, T).array()).all());
      CHECK((unpack(alone.dx).array() == dx.middleCols(b * T, T).array()).all());
      visit_state([&](const Path&, const auto& one,
                      const auto& many) { CHECK((one.col(0).array() == many.col(b).array()).all()); },
                  alone.final, all.final);
    }
  }
}

TEST_CASE("columns that repeat, as words do, are multiplied once, with the same bits" * doctest::test_suite("bits")) {
  const auto layer = randomized(Recurrent(Lstm(D, H)));
  constexpr Index n = 40, steps = 30;
  const auto words = random_matrix<float>(D, 11, 3);
  std::vector<Index> lengths;
  for (Index b = 0; b < n; ++b) lengths.push_back(steps - b % 4);
  Matrix<float> padded(D, n * steps);
  for (Index j = 0; j < n * steps; ++j) padded.col(j) = words.col(j * j % 11);
  const auto x = pack(batch_first(padded.data(), n, steps, D), std::span(lengths));
  const auto all = run(layer, x);
  for (const Index b : {0, 3, 39}) {
    const auto one =
        pack(batch_first(padded.col(b * steps).data(), 1, steps, D), std::span(lengths).subspan(std::size_t(b), 1));
    const auto alone = run(layer, one);
    CHECK((alone.final.fields[0].col(0).array() == all.final.fields[0].col(b).array()).all());
    CHECK((alone.final.fields[1].col(0).array() == all.final.fields[1].col(b).array()).all());
  }
}

TEST_CASE_TEMPLATE("T steps and then T' from the carried state are one run", C, EVERY_CELL) {
  const auto layer = randomized(Recurrent(C(D, H)));
  const auto padded = random_matrix<float>(D, B * T, 5);
  const auto part = [&](Index from, Index steps) {
    Matrix<float> m(D, B * steps);
    for (Index b = 0; b < B; ++b) m.middleCols(b * steps, steps) = padded.middleCols(b * T + from, steps);
    const std::vector<Index> lengths(B, steps);
    return pack(batch_first(m.data(), B, steps, D), std::span(lengths));
  };
  const auto whole = run(layer, part(0, T)), first = run(layer, part(0, 2));
  const auto second = run(layer, part(2, T - 2), &first.final);
  check_same_states(whole.final, second.final);
  CHECK((unpack(whole.y).rightCols(T - 2).array() == unpack(second.y).rightCols(T - 2).array()).all());
}

TEST_CASE_TEMPLATE("a permuted batch gives permuted results: states in and out, all in the user's order", C,
                   EVERY_CELL) {
  for (const bool reverse : {false, true}) {
    const auto layer = randomized(Recurrent(C(D, H), {.reverse = reverse}));
    const auto lengths = ragged_lengths();
    const auto padded = random_matrix<float>(D, B * T, 5);
    const auto x = pack(batch_first(padded.data(), B, T, D), std::span(lengths));
    const auto start = random_state(run(layer, x).final, 40);
    const auto straight = run(layer, x, &start);
    const std::vector<Index> order{2, 3, 1, 0};
    Matrix<float> shuffled(D, B * T);
    std::vector<Index> shuffled_lengths;
    for (Index b = 0; b < B; ++b) {
      shuffled.middleCols(b * T, T) = padded.middleCols(order[std::size_t(b)] * T, T);
      shuffled_lengths.push_back(lengths[std::size_t(order[std::size_t(b)])]);
    }
    const auto shuffled_start = select_state(start, order);
    const auto permuted =
        run(layer, pack(batch_first(shuffled.data(), B, T, D), std::span(shuffled_lengths)), &shuffled_start);
    check_same_states(select_state(straight.final, order), permuted.final);
    check_same_states(select_state(straight.d_initial, order), permuted.d_initial);
    const auto y = unpack(straight.y), z = unpack(permuted.y);
    for (Index b = 0; b < B; ++b)
      CHECK((y.middleCols(order[std::size_t(b)] * T, T).array() == z.middleCols(b * T, T).array()).all());
  }
}

TEST_CASE_TEMPLATE("an empty sequence ends where it started, and passes its gradient on", C, EVERY_CELL) {
  for (const bool reverse : {false, true}) {
    const auto layer = randomized(Recurrent(C(D, H), {.reverse = reverse}));
    const auto x = random_sequences<float>(D, {0, 3, 0}, 4);
    const auto start = random_state(run(layer, x).final, 40);
    const auto r = run(layer, x, &start);
    for (const Index b : {0, 2})
      visit_state(
          [&](const Path&, const auto& in, const auto& out, const auto& d) {
            CHECK((in.col(b).array() == out.col(b).array()).all());
            CHECK((d.col(b).array() == out.col(b).array()).all());  // d final = final in run()
          },
          start, r.final, r.d_initial);
  }
  const auto layer = randomized(Recurrent(C(D, H)));
  const auto none = run(layer, random_sequences<float>(D, {0, 0}, 4));
  CHECK(none.y.values.cols() == 0);
  CHECK(none.final.fields[0].isZero(0));
}

TEST_CASE_TEMPLATE("a masked step repeats the state: holes anywhere equal a sequence without these steps", C,
                   EVERY_CELL) {
  const std::vector<std::uint8_t> mask{0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1};
  const auto padded = random_matrix<float>(D, 2 * 6, 5);
  Matrix<float> without(D, 2 * 3);
  for (Index n = 0, k = 0; n < 12; ++n)
    if (mask[std::size_t(n)] != 0) without.col(k++) = padded.col(n);
  for (const bool reverse : {false, true}) {
    const auto layer = randomized(Recurrent(C(D, H), {.reverse = reverse}));
    const auto holes = run(layer, pack(batch_first(padded.data(), 2, 6, D), std::span(mask)));
    const std::vector<Index> lengths{3, 3};
    const auto dense = run(layer, pack(batch_first(without.data(), 2, 3, D), std::span(lengths)));
    check_same_states(holes.final, dense.final);
    CHECK((holes.y.values.array() == dense.y.values.array()).all());
    check_same_bits(holes.gradient, dense.gradient);
  }
}

TEST_CASE_TEMPLATE("1, 2, 3 and 8 threads give the same bits" * doctest::test_suite("bits"), C, Lstm<>, Gru<>,
                   PeepholeLstm<>) {
  std::vector<Index> lengths;
  for (Index b = 0; b < 37; ++b) lengths.push_back((b * 7) % 23);
  const auto x = random_sequences<float>(65, lengths, 23);
  const auto layer = randomized(Bidirectional(C(65, 67), {.input_dropout = 0.2, .recurrent_dropout = 0.3}));
  const int before = threads();
  set_threads(1);
  const Context context{.training = true, .seed = 4};
  const auto one = run(layer, x, nullptr, context);
  for (const int n : {2, 3, 8}) {
    set_threads(n);
    const auto many = run(layer, x, nullptr, context);
    CHECK((one.y.values.array() == many.y.values.array()).all());
    CHECK((one.dx.values.array() == many.dx.values.array()).all());
    check_same_bits(one.gradient, many.gradient);
    check_same_states(one.d_initial, many.d_initial);
    auto again = layer;
    again.forward_layer.options.recompute_every = again.reverse_layer.options.recompute_every = 5;
    const auto recomputed = run(again, x, nullptr, context);
    CHECK((one.dx.values.array() == recomputed.dx.values.array()).all());
    check_same_bits(one.gradient, recomputed.gradient);
  }
  set_threads(before);
}

TEST_CASE_TEMPLATE("what is recomputed has the same bits, however often and whatever the threads" *
                       doctest::test_suite("bits"),
                   C, EVERY_CELL) {
  std::vector<Index> lengths;
  for (Index b = 0; b < 41; ++b) lengths.push_back((b * 11) % 31);  // 628 columns: sums are made in three blocks
  const auto x = random_sequences<float>(D, lengths, 31);
  const int before = threads();
  for (const bool reverse : {false, true})
    for (const bool per_gate : {false, true}) {
      RecurrentOptions options{
          .input_dropout = 0.2, .recurrent_dropout = 0.3, .per_gate = per_gate, .reverse = reverse};
      const auto once = randomized(Recurrent(C(D, H), options));
      const Context context{.training = per_gate || !reverse, .seed = 4};
      const auto start = random_state(run(once, x).final, 40);
      const auto expected = run(once, x, &start, context);
      for (const auto& [k, n] : std::vector<std::pair<Index, int>>{{1, 1}, {4, 2}, {13, 1}, {100, 2}}) {
        set_threads(n);
        options.recompute_every = k;
        auto again = once;
        again.options = options;
        const auto r = run(again, x, &start, context);
        CHECK((expected.y.values.array() == r.y.values.array()).all());
        CHECK((expected.dx.values.array() == r.dx.values.array()).all());
        check_same_bits(expected.gradient, r.gradient);
        check_same_states(expected.final, r.final);
        check_same_states(expected.d_initial, r.d_initial);
      }
    }
  set_threads(before);
}

TEST_CASE_TEMPLATE("weights that are the same are not packed again, whatever else changes from pass to pass" *
                       doctest::test_suite("bits"),
                   C, EVERY_CELL) {
  auto layer = randomized(Recurrent{C{D, H}, {.recurrent_dropout = 0.3}});
  CacheFor<decltype(layer), PackedSequence<float>> cache;
  const auto x = random_sequences<float>(D, {T, 2, 0, 4}, T);
  const auto check = [&](Context context, const PackedSequence<float>& of) {
    const auto expected = run(layer, of, nullptr, {.training = context.training}).y;
    context.same_weights = true;
    CHECK((layer.forward(context, of, cache).values.array() == expected.values.array()).all());
  };
  check({}, x);
  check({}, x);
  check({.gradients = false}, x);
  check({.gradients = false}, random_sequences<float>(D, {1}, 1));
  check({.training = true}, x);
  check({}, random_sequences<float>(D, {1, 1}, 1));
  const SimdLevel level = simd_level();
  for (const SimdLevel other : simd_levels) {
    if (!has_simd_level(other)) continue;
    set_simd_level(other);
    check({}, x);
  }
  set_simd_level(level);

  // They are really used again: a weight that has changed in spite of the promise is not noticed.
  const Matrix<float> before = layer.forward({}, x, cache).values;
  for (const bool same : {true, false}) {
    auto other = layer;
    other.weight_ih.setZero();
    const Context context{.same_weights = same};
    CHECK((other.forward(context, x, cache).values.array() == before.array()).all() == same);
  }
}

TEST_CASE("recomputing keeps a part of the states and of the gates") {
  const std::vector<Index> lengths(4, 400);
  const auto x = random_sequences<float>(D, lengths, 400);
  const auto numbers_kept = [&](Index every) {
    const auto layer = randomized(Recurrent(Lstm(D, H), {.recompute_every = every}));
    CacheFor<Recurrent<Lstm<>>, PackedSequence<float>> c;
    layer.forward({}, x, c);
    Index n = c.gates.capacity() + c.cell.values.capacity();
    for (std::size_t s = 0; s < 2; ++s) n += c.states[s].capacity() + c.saved[s].capacity();
    return n;
  };
  const Index all = numbers_kept(0);
  CHECK(all == H * (4 * 1600 + 1600 + 2 * 1604));
  CHECK(numbers_kept(20) == H * (5 * (80 + 255) + 2 * (4 + 80 + 255) + 2 * 19 * 4));
  CHECK_THROWS_WITH_AS((Recurrent(Lstm{2, 3}, {.recompute_every = -1})),
                       "Recurrent<Lstm>: recompute_every = -1, expected at least 0", std::invalid_argument);
}

TEST_CASE("copies, moves and assignments of layers compute the same") {
  const auto layer = randomized(Bidirectional(Lstm{D, H}));
  const auto x = random_sequences<float>(D, ragged_lengths(), T);
  const auto expected = run(layer, x);
  auto copy = layer;
  auto moved = std::move(copy);
  auto assigned = randomized(Bidirectional(Lstm{D, H}));
  assigned.forward_layer.weight_ih.setZero();
  assigned = moved;
  CHECK((run(moved, x).y.values.array() == expected.y.values.array()).all());
  CHECK((run(assigned, x).y.values.array() == expected.y.values.array()).all());
  moved.forward_layer.weight_ih.setZero();  // copies are deep
  CHECK((run(assigned, x).y.values.array() == expected.y.values.array()).all());
}

TEST_CASE("a wrong input says who, what, got and expected") {
  const Recurrent layer(Lstm{D, H});
  CacheFor<Recurrent<Lstm<>>, PackedSequence<float>> cache;
  const auto x = random_sequences<float>(D + 2, ragged_lengths(), T);
  CHECK_THROWS_WITH_AS(layer.forward({}, x, cache), "Recurrent<Lstm>: input has 5 features, expected 3",
                       std::invalid_argument);
  const auto good = random_sequences<float>(D, ragged_lengths(), T);
  auto gradient = zeros_like(layer);
  layer.forward({.gradients = false}, good, cache);
  CHECK_THROWS_WITH_AS(layer.backward(good, good, cache, gradient),
                       doctest::Contains("backward without a forward pass"), std::invalid_argument);
  layer.forward({}, good, cache);
  CHECK_THROWS_WITH_AS(layer.backward(good, good, cache, gradient), "Recurrent<Lstm>: dy is 3 x 11, expected 21 x 11",
                       std::invalid_argument);
  RecurrentState<float, 2> start;
  CHECK_THROWS_WITH_AS(layer.forward({}, good, cache, {&start, nullptr}),
                       "Recurrent<Lstm>: initial state h is 0 x 0, expected 21 x 4", std::invalid_argument);
  const PackedSequence<float> dy = layer.forward({}, good, cache);
  CHECK_THROWS_WITH_AS(layer.backward(good, dy, cache, gradient, {&start, nullptr}),
                       "Recurrent<Lstm>: gradient of the final state h is 0 x 0, expected 21 x 4",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((Recurrent(Lstm{2, 3}, {.recurrent_dropout = 1.0})),
                       "Recurrent<Lstm>: recurrent dropout rate is 1, expected 0 or more and less than 1",
                       std::invalid_argument);
}

}  // namespace invariance_test
