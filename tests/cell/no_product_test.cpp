// Cells without a recurrent product: what they have not, and what follows for a layer of them.
#include <limits>

#include <doctest/doctest.h>

#include <unroll/cell/min_gru.hpp>
#include <unroll/cell/min_lstm.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

using namespace unroll;

namespace no_product {
namespace {

void check(auto layer, const GradientCheckOptions& options) {
  randomize(layer, Rng(3));
  const auto report = check_gradient(layer, random_sequences<double>(3, ragged_lengths(), 6), options);
  INFO(layer.describe() << ": " << report.str());
  CHECK(report.passed());
}

/// h of one step of one unit from h = 1, with candidate 0: k. The gates' pre-activations are their biases.
template <class T> T kept(T a_f, T a_i) {
  Recurrent layer{MinLstm<T>{1, 1}};
  layer.bias_ih << a_f, a_i, T(0);
  typename decltype(layer)::State from, to;
  from.fields[0] = Matrix<T>::Ones(1, 1);
  CacheFor<decltype(layer), PackedSequence<T>> cache;
  const std::vector<Index> length{1};
  layer.forward({}, PackedSequence<T>{Matrix<T>::Zero(1, 1), Packing::from_lengths(length, 1)}, cache, {&from, &to});
  return to.fields[0](0, 0);
}

}  // namespace

TEST_CASE_TEMPLATE("a cell without a recurrent product has no U and no b_h", C, MinGru<>, MinLstm<>) {
  const Recurrent layer{C{3, 5}};
  CHECK(layer.options.bias == Bias::single);
  CHECK(count_parameters(layer) == C::GX * 5 * (3 + 1));
  CHECK(count_parameters(Recurrent{C{3, 5}, {.bias = Bias::dual}}) == C::GX * 5 * (3 + 1));
}

TEST_CASE_TEMPLATE("dropout on a product is refused where there is none", C, MinGru<>, MinLstm<>) {
  CHECK_THROWS_WITH_AS((Recurrent{C{3, 5}, {.recurrent_dropout = 0.1}}),
                       doctest::Contains("recurrent dropout needs a cell with a recurrent product"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((Recurrent{C{3, 5}, {.weight_dropout = 0.1}}), doctest::Contains("weight_dropout needs a cell"),
                       std::invalid_argument);
}

TEST_CASE_TEMPLATE("backward is the gradient without a recurrent product, too", C, MinGru<double>, MinLstm<double>) {
  for (const Bias bias : {Bias::none, Bias::single})
    for (const bool reverse : {false, true})
      for (const double dropout : {0.0, 0.3})
        check(Recurrent{C{3, 5}, {.input_dropout = dropout, .reverse = reverse, .bias = bias}},
              {.context = {.training = true, .seed = 9}});
  check(Recurrent{C{3, 19}, {.learned_initial_state = true, .recompute_every = 2}}, {.initial_state = false});
  check(Bidirectional{C{3, 5}}, {});
}

TEST_CASE_TEMPLATE("gates that are all but closed keep the share that they have of each other", T, float, double) {
  const T far = std::numeric_limits<T>::max() / 4;
  CHECK(kept<T>(-500, -500) == doctest::Approx(0.5));
  CHECK(kept<T>(-501, -500) == doctest::Approx(1 / (1 + std::exp(1.0))));
  CHECK(kept<T>(800, 800) == doctest::Approx(0.5));
  CHECK(kept<T>(800, -800) == 1);
  CHECK(kept<T>(-far, far) == 0);
  CHECK(kept<T>(-far, -far) == doctest::Approx(0.5));
}

TEST_CASE("the forget bias of the LSTM without a product goes to its forget gate") {
  Recurrent layer{MinLstm{2, 3}};
  initialize(layer, Rng(1), {.bias = Initializer::zeros, .forget_bias = 2});
  for (Index k = 0; k < 9; ++k) CHECK(layer.bias_ih(k, 0) == (k < 3 ? 2 : 0));
}

}  // namespace no_product
