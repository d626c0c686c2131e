// What a batch gives and what a stream gives, for every cell and for stacks.
#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/layer_norm_gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/minimal_gated_unit.hpp>
#include <unroll/cell/peephole_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/activation_penalty.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/elu.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/layer_norm.hpp>
#include <unroll/layer/prelu.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/softmax.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/stream/of_model.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "reference.hpp"

using namespace unroll;

namespace {

constexpr Index steps = 50;
template <class Model> void randomize_parameters(Model& model) {
  std::uint64_t seed = 1;
  visit(
      [&](const Path&, auto& p) {
        const auto values = random_values(p.size(), seed++, 0.4);
        std::copy(values.begin(), values.end(), p.data());
      },
      model);
}
template <class Streamed, class Model> void compare(Model model, Index features) {
  randomize_parameters(model);
  const auto samples = random_values(features * steps, 9);
  PackedSequence<float> x{Matrix<float>(features, steps), Packing::from_lengths(std::vector<Index>{steps}, steps)};
  std::copy(samples.begin(), samples.end(), x.values.data());
  CacheFor<Model, PackedSequence<float>> cache;
  const auto& batch = model.forward({.gradients = false}, x, cache).values;
  const double largest = batch.cwiseAbs().maxCoeff();

  static stream::Stream<Streamed> streamed;
  streamed.assign(model);
  std::vector<float> y(static_cast<std::size_t>(batch.size()));
  streamed.process(samples, y);
  CHECK(largest_difference(y, std::span(batch.data(), y.size())) <= 1e-6 * largest);
}

}  // namespace

TEST_CASE("a stream gives what a batch gives: every cell, with one bias, two and none, and a learned initial state") {
  using stream::Recurrent, stream::Sequential;
  const RecurrentOptions learned{.learned_initial_state = true}, single{.bias = Bias::single}, none{.bias = Bias::none};
  compare<Sequential<Recurrent<Lstm<>, 1, 12>>>(unroll::Sequential{unroll::Recurrent{Lstm{1, 12}, learned}}, 1);
  compare<Sequential<Recurrent<Lstm<>, 1, 12>>>(unroll::Sequential{unroll::Recurrent{Lstm{1, 12}, none}}, 1);
  compare<Sequential<Recurrent<Gru<>, 3, 70>>>(unroll::Sequential{unroll::Recurrent{Gru{3, 70}, learned}}, 3);
  compare<Sequential<Recurrent<Gru<>, 3, 70>>>(unroll::Sequential{unroll::Recurrent{Gru{3, 70}, single}}, 3);
  compare<Sequential<Recurrent<Rnn<>, 2, 9>>>(unroll::Sequential{unroll::Recurrent{Rnn{2, 9}, learned}}, 2);
  compare<Sequential<Recurrent<ReluRnn<>, 2, 5>>>(unroll::Sequential{unroll::Recurrent{ReluRnn{2, 5}, single}}, 2);
  compare<Sequential<Recurrent<PeepholeLstm<>, 2, 20>>>(
      unroll::Sequential{unroll::Recurrent{PeepholeLstm{2, 20}, learned}}, 2);
  compare<Sequential<Recurrent<MinimalGatedUnit<>, 1, 70>>>(
      unroll::Sequential{unroll::Recurrent{MinimalGatedUnit{1, 70}, learned}}, 1);
  compare<Sequential<Recurrent<LayerNormLstm<>, 3, 20>>>(
      unroll::Sequential{unroll::Recurrent{LayerNormLstm{3, 20}, learned}}, 3);
  compare<Sequential<Recurrent<LayerNormGru<>, 2, 70>>>(
      unroll::Sequential{unroll::Recurrent{LayerNormGru{2, 70}, single}}, 2);
  compare<Sequential<Recurrent<GruResetBefore<>, 2, 20>>>(
      unroll::Sequential{unroll::Recurrent{GruResetBefore{2, 20}, {.bias = Bias::dual, .learned_initial_state = true}}},
      2);
}

TEST_CASE(
    "a stream gives what a batch gives: stacks, dense layers, activations; what is for training alone is left out") {
  using stream::Recurrent, stream::Sequential, stream::Dense;
  compare<Sequential<Recurrent<Lstm<>, 1, 12>, Recurrent<Gru<>, 12, 7>, Dense<7, 20>, stream::Tanh<>, Dense<20, 2>,
                     stream::Sigmoid<>>>(
      unroll::Sequential{unroll::Stack{unroll::Recurrent{Lstm{1, 12}}, Dropout{0.5}, unroll::Recurrent{Gru{12, 7}}},
                         unroll::Dense{7, 20}, Tanh<>{}, Dropout{0.2}, ActivationPenalty{{.activation = 2}},
                         unroll::Dense{20, 2}, Sigmoid<>{}},
      1);
}

TEST_CASE("a stream gives what a batch gives: layers without a state, first too, of whole vectors and not") {
  const auto check = []<class Model>(const Model& model) { compare<stream::StreamOf<Model, 3, 21, 32, 5>>(model, 3); };
  check(unroll::Sequential{unroll::LayerNorm{3, {.epsilon = 0.1}}, unroll::Dense{3, 21},
                           unroll::LayerNorm{21, {.bias = false}}, unroll::PRelu{21}, unroll::Dense{21, 32},
                           unroll::PRelu{32}, unroll::Elu<>{0.3}, unroll::Dense{32, 5}, unroll::Softmax<>{}});
  check(unroll::Sequential{unroll::PRelu{3}, unroll::Elu<>{-2}, unroll::Recurrent{Lstm{3, 21}}, unroll::Softmax<>{},
                           unroll::Dense{21, 32}, unroll::LayerNorm{32}, unroll::Dense{32, 5}, Tanh<>{},
                           unroll::LayerNorm{5}});
}

TEST_CASE("the type of a stream follows from the model's type and its widths") {
  using stream::Recurrent, stream::Sequential, stream::Dense, stream::StreamOf;
  using Numbers = unroll::Sequential<
      Stack<unroll::Recurrent<Lstm<>>, ActivationPenalty<>, Dropout<>, unroll::Recurrent<LayerNormLstm<>>>,
      unroll::Dense<>, Tanh<>, Dropout<>, unroll::Dense<>, Sigmoid<>>;
  static_assert(std::same_as<StreamOf<Numbers, 1, 12, 7, 20, 2>,
                             Sequential<Recurrent<Lstm<>, 1, 12>, Recurrent<LayerNormLstm<>, 12, 7>, Dense<7, 20>,
                                        stream::Tanh<>, Dense<20, 2>, stream::Sigmoid<>>>);
  using Texts = unroll::Sequential<unroll::Embedding<double>, FinalState<unroll::Recurrent<Gru<double>>>, Relu<double>,
                                   unroll::Dense<double>>;
  static_assert(std::same_as<StreamOf<const Texts&, 9, 12, 1>,
                             Sequential<stream::Embedding<9, double>, Recurrent<Gru<double>, 9, 12>,
                                        stream::Relu<double>, Dense<12, 1, double>>>);
  using Functions = unroll::Sequential<LayerNorm<double>, unroll::Dense<double>, Softmax<double>>;
  static_assert(
      std::same_as<StreamOf<Functions, 9, 4>, Sequential<stream::Function<LayerNorm<double>, 9>, Dense<9, 4, double>,
                                                         stream::Function<Softmax<double>, 4>>>);
}

TEST_CASE("word by word, a classifier's stream ends with what the whole text gives") {
  unroll::Sequential model{unroll::Embedding{50, 9}, FinalState{unroll::Recurrent{Lstm{9, 12}}}, unroll::Dense{12, 1}};
  randomize_parameters(model);
  TokenBatch text{{3, 1, 4, 1, 5, 9, 2, 6, 49, 0}, Packing::from_lengths(std::vector<Index>{10}, 10)};
  CacheFor<decltype(model), TokenBatch> cache;
  const float expected = model.forward({.gradients = false}, text, cache)(0, 0);

  stream::Stream<stream::Sequential<stream::Embedding<9>, stream::Recurrent<Lstm<>, 9, 12>, stream::Dense<12, 1>>>
      words;
  words.assign(model);
  float last = 0;
  for (const std::int32_t id : text.ids) last = words.step(id);
  CHECK(last == doctest::Approx(expected).epsilon(1e-6));
  words.step(50);  // no such word: zeros
  words.step(-1);
  CHECK(std::isfinite(words.step(3)));
}

TEST_CASE("a trained model that does not fit is refused with both sizes") {
  stream::Stream<stream::Sequential<stream::Recurrent<Lstm<>, 1, 12>>> streamed;
  CHECK_THROWS_WITH(streamed.assign(unroll::Sequential{unroll::Recurrent{Lstm{1, 13}}}),
                    "stream::Recurrent<Lstm>: the trained layer has 1 inputs and 13 units, expected 1 and 12");
  CHECK_THROWS_WITH(
      streamed.assign(unroll::Sequential{unroll::Recurrent{Lstm{1, 12}, {.reverse = true}}}),
      "stream::Recurrent: the trained layer runs from the end of a sequence, which a stream has not seen");
}
