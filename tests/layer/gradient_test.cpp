// Every gradient of every recurrent layer against central differences, in double: D = 3, H = 5, B = 4, T = 6.
#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

namespace {

using namespace unroll;

template <class Layer> void check(Layer layer, Index D, const GradientCheckOptions& options, const std::string& what) {
  randomize(layer, Rng(3));
  const auto x = random_sequences<double>(D, ragged_lengths(), 6);
  const auto report = check_gradient(layer, x, options);
  INFO(what << ": " << report.str());
  CHECK(report.passed());
}

constexpr std::array dropouts{RecurrentOptions{}, RecurrentOptions{.input_dropout = 0.3, .recurrent_dropout = 0.4},
                              RecurrentOptions{.input_dropout = 0.3, .recurrent_dropout = 0.4, .per_gate = true}};

}  // namespace

#define CELLS Rnn<double>, ReluRnn<double>, Lstm<double>, Gru<double>, GruResetBefore<double>, PeepholeLstm<double>

TEST_CASE_TEMPLATE("backward is the gradient: every cell, bias, direction and dropout, sequence and last state", C,
                   CELLS) {
  for (const Bias bias : {Bias::none, Bias::single, Bias::dual})
    for (const bool reverse : {false, true})
      for (RecurrentOptions options : dropouts) {
        options.bias = bias;
        options.reverse = reverse;
        GradientCheckOptions check_options{.context = {.training = true, .seed = 9}};
        if (std::same_as<C, ReluRnn<double>>) check_options.difference = 1e-5;  // to stay off the kinks
        const Recurrent layer(C(3, 5), options);
        const std::string what = concat_text(layer.describe(), ", bias ", static_cast<int>(bias));
        check(layer, 3, check_options, what);
        check(FinalState(layer), 3, check_options, "last " + what);
      }
}

TEST_CASE_TEMPLATE("a learned initial state gets its gradient, unless a state is carried in", C, CELLS) {
  RecurrentOptions options{.bias = Bias::dual, .learned_initial_state = true};
  for (const bool reverse : {false, true}) {
    options.reverse = reverse;
    const Recurrent layer(C(3, 5), options);
    check(layer, 3, {.initial_state = false}, layer.describe());
    auto frozen_start = layer;
    for (auto& start : frozen_start.initial) start.trainable = false;
    check(frozen_start, 3, {}, layer.describe());
  }
}

TEST_CASE_TEMPLATE("both directions of a bidirectional layer, for every way to merge them", C, Lstm<double>,
                   Gru<double>) {
  for (const Merge merge : {Merge::concat, Merge::sum, Merge::average, Merge::product})
    for (const RecurrentOptions& options : dropouts) {
      const Bidirectional layer(C(3, 5), options, merge);
      const std::string what = concat_text(layer.describe(), ", merge ", static_cast<int>(merge));
      check(layer, 3, {.context = {.training = true}}, what);
      check(FinalState(layer), 3, {.context = {.training = true}}, "last " + what);
    }
}

TEST_CASE("through a stack with dropout between its layers, and its final states") {
  using L = Lstm<double>;
  const Stack stack{Bidirectional{L{3, 4}, {.recurrent_dropout = 0.2}}, Dropout<double>{0.3},
                    Recurrent{L{8, 5}, {.reverse = true}}};
  check(stack, 3, {.context = {.training = true, .seed = 2, .step = 7}}, "stack");
  check(FinalState{stack}, 3, {.context = {.training = true, .seed = 2, .step = 7}}, "last of a stack");
}

TEST_CASE("the checker finds a gradient that is wrong, and names it") {
  struct Broken : Recurrent<Lstm<double>> {
    using Base = Recurrent<Lstm<double>>;
    Broken() : Base(Lstm<double>(3, 5)) {}
    const PackedSequence<double>& backward(const PackedSequence<double>& x, const PackedSequence<double>& dy,
                                           Cache<PackedSequence<double>>& c, Broken& gradient,
                                           Carry<State> d = {}) const {
      const auto& dx = Base::backward(x, dy, c, gradient, d);
      gradient.cell.weight_hh(7, 2) *= 1.001;
      return dx;
    }
  };
  Broken layer;
  randomize(layer, Rng(3));
  const auto report = check_gradient(layer, random_sequences<double>(3, ragged_lengths(), 6));
  CHECK_FALSE(report.passed());
  CHECK(report.where == "weight_hh_l0[47]");
}
