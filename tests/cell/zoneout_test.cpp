// Zoneout of every sort of cell: its masks, gradients, and what must not change them. The equations are compared with
// PyTorch's in golden/zoneout_test.cpp.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/derived.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/mogrifier_lstm.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/slstm.hpp>
#include <unroll/cell/zoneout.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/message_of.hpp"
#include "../support/sequences.hpp"

namespace zoneout_tests {
namespace {
using namespace unroll;

constexpr Context in_training{.training = true, .seed = 6, .step = 2};

template <class L> L with_weights(L layer) {
  randomize(layer, Rng(5));
  return layer;
}
template <class L> struct Outcome {
  Matrix<typename L::Scalar> y;
  typename L::State out;
  L gradient;
};
template <class L, class T>
Outcome<L> pass_of(const L& layer, const PackedSequence<T>& x, const Context& context,
                   const typename L::State* start = nullptr) {
  CacheFor<L, PackedSequence<T>> cache;
  Outcome<L> all{{}, {}, zeros_like(layer)};
  const auto y = layer.forward(context, x, cache, {start, &all.out});
  layer.backward(x, y, cache, all.gradient);
  all.y = y.values;
  return all;
}
template <class L> double distance(const L& a, const L& b) {
  double worst = 0;
  visit(
      [&](const Path&, const auto& p, const auto& q) {
        if (p.size() > 0) worst = std::max(worst, static_cast<double>((p - q).cwiseAbs().maxCoeff()));
      },
      a, b);
  return worst;
}
/// Two states that nothing has in common, of 40 units and 30 sequences.
RecurrentState<double, 2> some_state() {
  RecurrentState<double, 2> state;
  for (std::size_t s = 0; s < 2; ++s) state.fields[s] = random_matrix<double>(40, 30, 20 + s);
  return state;
}

}  // namespace

TEST_CASE("a unit keeps its past or goes on, as often as its rate says, h and c by themselves") {
  const auto plain = with_weights(Recurrent{Lstm<double>{3, 40}});
  auto layer = Recurrent{Zoneout{Lstm<double>{3, 40}, {.h = 0.2, .c = 0.6}}};
  visit([](const Path&, auto& to, const auto& from) { to = from; }, layer, plain);
  const auto x = random_sequences<double>(3, std::vector<Index>(30, 1), 1);
  const auto start = some_state();
  const auto next = pass_of(plain, x, in_training, &start).out, got = pass_of(layer, x, in_training, &start).out;
  std::array<double, 2> kept{};
  double both = 0;
  for (Index k = 0; k < 1200; ++k) {
    std::array<bool, 2> keeps{};
    for (std::size_t s = 0; s < 2; ++s) {
      const double value = got.fields[s].data()[k];
      keeps[s] = value == start.fields[s].data()[k];
      REQUIRE((keeps[s] || value == next.fields[s].data()[k]));
      kept[s] += keeps[s];
    }
    both += keeps[0] && keeps[1];
  }
  CHECK(kept[0] / 1200 == doctest::Approx(0.2).epsilon(0.1));
  CHECK(kept[1] / 1200 == doctest::Approx(0.6).epsilon(0.1));
  CHECK(both / 1200 == doctest::Approx(0.12).epsilon(0.2));
  // In use: the mean.
  const auto mean = pass_of(layer, x, {}, &start).out;
  for (const auto& [s, rate] : {std::pair{0, 0.2}, std::pair{1, 0.6}}) {
    const auto f = static_cast<std::size_t>(s);
    const Matrix<double> expected = rate * start.fields[f] + (1 - rate) * next.fields[f];
    CHECK((mean.fields[f] - expected).cwiseAbs().maxCoeff() < 1e-15);
  }
}

TEST_CASE("every step, sequence and pass has a mask of its own") {
  const auto layer = Recurrent{Zoneout{Lstm<double>{3, 40}, {.h = 0.5}}};
  const auto x = random_sequences<double>(3, std::vector<Index>{6, 6}, 6);
  CacheFor<decltype(layer), PackedSequence<double>> cache;
  layer.forward(in_training, x, cache);
  const Matrix<double> drawn = cache.cell.drawn[0];
  REQUIRE(drawn.cols() == 12);
  for (Index a = 0; a < 12; ++a)
    for (Index b = 0; b < a; ++b) CHECK(drawn.col(a) != drawn.col(b));
  Context next = in_training;
  ++next.step;
  layer.forward(next, x, cache);
  CHECK(cache.cell.drawn[0] != drawn);
}

TEST_CASE("backward is the gradient with the masks that were drawn, and of the mean") {
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  const auto check = [&](auto layer) {
    randomize(layer, Rng(3));
    for (const bool trains : {true, false}) {
      Context context = in_training;
      context.training = trains;
      const auto report = check_gradient(layer, x, {.context = context});
      INFO(layer.describe() << ": " << report.str());
      CHECK(report.passed());
    }
  };
  const ZoneoutRates both{.h = 0.3, .c = 0.5}, only_h{.h = 0.4};
  check(Recurrent{Zoneout{Lstm<double>{3, 5}, both}});
  check(Recurrent{Zoneout{Lstm<double>{3, 5}, {.c = 0.5}}, {.reverse = true}});
  check(Recurrent{Zoneout{Gru<double>{3, 5}, only_h}, {.learned_initial_state = true}});
  check(Recurrent{Zoneout{GruResetBefore<double>{3, 5}, only_h}, {.recurrent_dropout = 0.3, .per_gate = true}});
  check(Recurrent{Zoneout{PeepholeLstm<double>{3, 5}, both}, {.weight_dropout = 0.5}});
  check(Recurrent{Zoneout{LayerNormLstm<double>{3, 5}, both}, {.recompute_every = 2}});
  check(Recurrent{Zoneout{ProjectedLstm<double>{3, 6, 4}, both}});
  check(Recurrent{Zoneout{SLstm<double>{3, 5}, both}});
  check(Recurrent{Zoneout{MogrifierLstm<double>{3, 5}, both}});
  check(Bidirectional{Zoneout{Lstm<double>{3, 5}, both}, {.recompute_every = 3}});
}

TEST_CASE("rates of 0 change no bit, forward and backward" * doctest::test_suite("bits")) {
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  const auto plain = with_weights(Recurrent{Lstm<double>{3, 9}});
  const auto layer = with_weights(Recurrent{Zoneout{Lstm<double>{3, 9}, ZoneoutRates{}}});
  const auto a = pass_of(plain, x, in_training);
  const auto b = pass_of(layer, x, in_training);
  CHECK(a.y == b.y);
  visit([](const Path&, const auto& p, const auto& q) { CHECK(p == q); }, a.gradient, b.gradient);
}

TEST_CASE("recomputing and threads change no bit of zoneout" * doctest::test_suite("bits")) {
  const auto x = random_sequences<double>(32, std::vector<Index>(24, 12), 12);
  const auto of = [&](Index recompute_every, int n) {
    set_threads(n);
    const auto layer = with_weights(
        Recurrent{Zoneout{Lstm<double>{32, 64}, {.h = 0.1, .c = 0.4}}, {.recompute_every = recompute_every}});
    auto gradient = pass_of(layer, x, in_training).gradient;
    set_threads(0);
    return gradient;
  };
  const auto expected = of(0, 1);
  CHECK(distance(of(5, 1), expected) == 0);
  CHECK(distance(of(0, 2), expected) == 0);
  CHECK(distance(of(5, 3), expected) == 0);
}

TEST_CASE("parts of a batch draw what all of it does") {
  const std::vector<Index> lengths{5, 6, 1, 4};
  const auto padded = random_matrix<double>(3, 24, 9);
  const auto rows = [&](Index first, Index n) {
    return pack(batch_first(padded.data() + first * 18, n, 6, 3),
                std::span(lengths).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n)));
  };
  const auto layer = with_weights(Recurrent{Zoneout{Gru<double>{3, 7}, {.h = 0.4}}});
  const auto whole = pass_of(layer, rows(0, 4), in_training).gradient;
  auto parts = zeros_like(layer);
  Context context = in_training;
  for (const Index first : {0, 1, 3}) {
    context.first_row = first;
    const auto of_part = pass_of(layer, rows(first, first == 1 ? 2 : 1), context).gradient;
    visit([](const Path&, auto& sum, const auto& d) { sum += d; }, parts, of_part);
  }
  CHECK(distance(whole, parts) < 1e-12);
}

template <class E> constexpr bool can_be_zoned_out = requires { typename detail::ZonedOut<E>::type; };
static_assert(can_be_zoned_out<Gru<>> && can_be_zoned_out<MogrifierLstm<>>);
static_assert(!can_be_zoned_out<Lru<>>);  // h_t is a product of s_t
static_assert(!can_be_zoned_out<Pointwise<Gru<>>>);

TEST_CASE("zoneout is refused where a rate has nothing to keep, and says its rates") {
  const auto message = [](const auto& make) { return message_of<std::invalid_argument>(make); };
  CHECK(message([] { Zoneout(Gru<>(3, 4), {.h = 0.1, .c = 0.2}); }) ==
        "Zoneout<Gru>: rate of c is 0.2, and this cell's state is h alone");
  CHECK(message([] { Zoneout(Lstm<>(3, 4), {.h = 1}); }).find("Zoneout<Lstm>: rate of h") == 0);
  Recurrent layer{Zoneout{Lstm<>{3, 4}, {.h = 0.1, .c = 0.2}}};
  CHECK(layer.describe() == "Recurrent<Zoneout<Lstm>> 3 -> 4, zoneout 0.1 of h, 0.2 of c");
  CHECK(Recurrent{Zoneout{Gru<>{3, 4}, {.h = 0.1}}}.describe() == "Recurrent<Zoneout<Gru>> 3 -> 4, zoneout 0.1");
  layer.cell.rates.c = -1;
  CHECK(message([&] { layer.check_parameters(); }).find("rate of c") != std::string::npos);
}

TEST_CASE("the weights of a cell have their names in its zoneout, and start alike") {
  Recurrent plain{Lstm<>{3, 4}};
  Recurrent layer{Zoneout{Lstm<>{3, 4}, {.h = 0.1}}};
  initialize(plain, Rng(3));
  initialize(layer, Rng(3));
  const auto names = [](const auto& of) {
    std::vector<std::string> all;
    visit([&](const Path& path, const auto&) { all.push_back(path.str()); }, of);
    return all;
  };
  CHECK(names(plain) == names(layer));
  visit([](const Path&, const auto& a, const auto& b) { CHECK(a == b); }, std::as_const(plain), std::as_const(layer));
}

}  // namespace zoneout_tests
