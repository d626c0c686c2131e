// Cells of which only `forward` is written: against the same cells with a backward by hand, and against differences.
#include <chrono>
#include <filesystem>

#include <doctest/doctest.h>

#include <unroll/cell/derived.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/forward_only.hpp"
#include "../support/sequences.hpp"

using namespace unroll;

namespace {

template <template <class> class Equations, template <class> class Cell> struct Pair {
  template <class T> using Made = Derived<Equations<T>>;
  template <class T> using ByHand = Cell<T>;
};
#define PAIRS                                                                                                   \
  Pair<RnnEquations, Rnn>, Pair<ReluRnnEquations, ReluRnn>, Pair<LstmEquations, Lstm>, Pair<GruEquations, Gru>, \
      Pair<PeepholeEquations, PeepholeLstm>

constexpr Index D = 3, H = 21;  // H is no multiple of any vector

/// All that a pass computes, from an initial state that is not zero, in the order of the layer's parameters.
template <class C> auto pass(const C& cell, const RecurrentOptions& options) {
  using T = typename C::Scalar;
  Recurrent layer(cell, options);
  randomize(layer, Rng(17), 0.5);
  const auto x = random_sequences<T>(D, ragged_lengths(), 6), dy = random_sequences<T>(H, ragged_lengths(), 6, 7);
  typename decltype(layer)::State start, last, d_last, d_start;
  for (std::size_t f = 0; f < C::S; ++f) {
    start.fields[f] = random_matrix<T>(H, 4, 11 + f);
    d_last.fields[f] = random_matrix<T>(H, 4, 21 + f);
  }
  CacheFor<decltype(layer), PackedSequence<T>> cache;
  auto gradient = zeros_like(layer);
  std::vector<Matrix<T>> all;
  all.push_back(layer.forward({.training = true, .seed = 4}, x, cache, {&start, &last}).values);
  all.push_back(layer.backward(x, dy, cache, gradient, {&d_last, &d_start}).values);
  for (std::size_t f = 0; f < C::S; ++f) all.push_back(last.fields[f]), all.push_back(d_start.fields[f]);
  visit([&](const Path&, const auto& g) { all.push_back(g); }, gradient);
  return all;
}
template <class T> double difference(const std::vector<Matrix<T>>& a, const std::vector<Matrix<T>>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    REQUIRE(a[k].size() == b[k].size());
    if (a[k].size() > 0) worst = std::max(worst, static_cast<double>((a[k] - b[k]).cwiseAbs().maxCoeff()));
  }
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("what is derived is what one writes by hand, and keeps as much", Of, PAIRS) {
  using Made = typename Of::template Made<double>;
  using ByHand = typename Of::template ByHand<double>;
  static_assert(PointwiseCell<Made>);
  CHECK(Made::C == ByHand::C);
  for (const bool reverse : {false, true})
    for (RecurrentOptions options :
         {RecurrentOptions{}, RecurrentOptions{.recurrent_dropout = 0.4},
          RecurrentOptions{.recurrent_dropout = 0.4, .per_gate = true}, RecurrentOptions{.recompute_every = 2}}) {
      options.reverse = reverse;
      CHECK(difference(pass(Made(D, H), options), pass(ByHand(D, H), options)) < 1e-12);
    }
  const auto floats = pass(typename Of::template Made<float>(D, H), {});
  CHECK(difference(floats, pass(typename Of::template ByHand<float>(D, H), {})) < 1e-4);
}

TEST_CASE("ports are the same where a gate's parts occur only as their sum") {
  CHECK(Derived<LstmEquations<float>>::same_ports);
  CHECK(Derived<ReluRnnEquations<float>>::same_ports);
  CHECK(Derived<PeepholeEquations<float>>::same_ports);
  CHECK(!Derived<GruEquations<float>>::same_ports);
}

namespace {

/// A cell around one formula of a = x_0 + u_0, b = x_1 + u_1, the previous state h and a parameter p.
template <auto formula> struct Formula : CellOf<double, 2, 1, 1> {
  static constexpr std::string_view name = "Formula";
  static constexpr void forward(const auto& p, const auto& x, const auto& u, const auto& prev, auto& next) {
    next[0] = formula(x[0] + u[0], x[1] + u[1], prev[0], p[0]);
  }
};

/// Some of what is written is lost on the way, or comes out as it went in.
struct Corners : CellSize<double> {
  static constexpr int GX = 2, GU = 1, S = 5;
  static constexpr std::string_view name = "Corners";
  static constexpr void forward(const auto& x, const auto& u, const auto& prev, auto& next) {
    const auto unused = exp(x[1]) / u[0];
    auto sum = prev[0];
    sum += 2 * prev[4];
    sum -= x[0];
    sum *= u[0];
    sum /= 3 + x[0] * x[0];
    static_cast<void>(unused);
    next = {sum, sum, x[0], prev[1], 1 - 0.5 * 2};
  }
};

/// One step of one unit at random places: backward, which sees what forward keeps, against differences.
template <class E> void check_step() {
  using C = Derived<E>;
  using V = Value<double>;
  constexpr double difference = 1e-5;
  std::array<V, E::P> p, dp;
  std::array<V, E::GX> x, dx;
  std::array<V, E::GU> u, du;
  std::array<V, E::S> prev, d_prev, next, d_next, ahead, behind;
  std::array<V, C::C> cache;
  const auto forward = [&](auto& to) { detail::call_forward<C, V>(p, x, u, prev, to, cache); };
  Rng rng(3);
  for (int trial = 0; trial < 20; ++trial) {
    const auto draw = [&](auto&... all) {
      const auto one = [&](auto& values) {
        for (V& value : values) value = rng.uniform(-1, 1);
      };
      (one(all), ...);
    };
    draw(p, x, u, prev, d_next);
    forward(next);
    detail::call_backward<C, V>(p, dp, prev, next, cache, d_next, dx, du, d_prev);
    const auto compare = [&](auto& values, const auto& gradient) {
      for (std::size_t k = 0; k < values.size(); ++k) {
        const V keep = values[k];
        values[k] = keep + difference;
        forward(ahead);
        values[k] = keep - difference;
        forward(behind);
        values[k] = keep;
        V numeric = 0;
        for (std::size_t f = 0; f < E::S; ++f) numeric += d_next[f] * (ahead[f] - behind[f]) / (2 * difference);
        CHECK(gradient[k][0] == doctest::Approx(numeric[0]).epsilon(1e-7));
      }
    };
    compare(p, dp), compare(x, dx), compare(u, du), compare(prev, d_prev);
  }
}
#define CHECK_FORMULA(...) \
  check_step<Formula<[](auto a, auto b, auto h, [[maybe_unused]] auto p) { return __VA_ARGS__; }>>()

}  // namespace

TEST_CASE("every operation has its derivative") {
  CHECK_FORMULA(a + b * h - p);
  CHECK_FORMULA(-a * (2 - b) + 3 * (p - 1) + h / 2);
  CHECK_FORMULA((a + h) / (2 + b * b + p));
  CHECK_FORMULA(1 / (3 + a) / (3 + p) + b / (3 + b) + h);
  CHECK_FORMULA(fma(a, b, h) + fma(p, a * b, b));
  CHECK_FORMULA(tanh(a) * sigmoid(b) + exp(a * p) + tanh(exp(h)));
  CHECK_FORMULA(log(2 + a * a + p) * sqrt(1 + b * b + h * h));
  CHECK_FORMULA(min(a, b) * h + max(a * h, p));
  CHECK_FORMULA(relu(a) * b + relu(tanh(b)) + abs(a - b) + abs(tanh(b)) * h);
  CHECK_FORMULA(clamp(a, -p, p * p) * h + clamp(b, h, 1));
  CHECK_FORMULA(select(a < b, a * h, b) + select(a <= p, tanh(a), h) + select(a > h, p * h, 0));
  CHECK_FORMULA(select((a >= b) & (b != h), a * a, p) + select((!(a > 0)) | (a == b), h, exp(b)) * h);
}

TEST_CASE("inputs that are outputs, numbers, and what is computed for nothing") { check_step<Corners>(); }

TEST_CASE("a derived cell in both directions") {
  Bidirectional layer{Derived{GruEquations<double>(3, 5)}, {.recurrent_dropout = 0.4}};
  randomize(layer, Rng(3));
  const GradientCheckOptions options{.context = {.training = true, .seed = 9}};
  const auto report = check_gradient(layer, random_sequences<double>(3, ragged_lengths(), 6), options);
  INFO(report.str());
  CHECK(report.passed());
}

TEST_CASE_TEMPLATE("a derived cell has the same bits for any number of threads" * doctest::test_suite("bits"), Of,
                   PAIRS) {
  using Made = typename Of::template Made<float>;
  set_threads(1);
  const auto one = pass(Made(D, H), {});
  for (const int threads : {2, 3}) {
    set_threads(threads);
    CHECK(difference(pass(Made(D, H), {}), one) == 0);
  }
  set_threads(1);
}

TEST_CASE_TEMPLATE("a cell with a backward by hand reads the file of the derived one, and the other way round", Of,
                   PAIRS) {
  const auto model_with = [](const auto& cell) { return Sequential{FinalState{Recurrent{cell}}, Dense{5, 1}}; };
  const auto path = std::filesystem::temp_directory_path() /
                    concat_text("unroll_derived_", std::chrono::steady_clock::now().time_since_epoch().count());
  const auto passes_on = [&](const auto& from, const auto& to) {
    auto model = model_with(from);
    randomize(model, Rng(3));
    save(path, model);
    const auto model_of_file = [&](const ModelInfo&) { return model_with(to); };
    CHECK_NOTHROW(load_model(model_of_file, path));  // which compares with what the other one computed
    std::filesystem::remove(path);
  };
  const typename Of::template Made<float> made(D, 5);
  const typename Of::template ByHand<float> by_hand(D, 5);
  passes_on(made, by_hand);
  passes_on(by_hand, made);
}
