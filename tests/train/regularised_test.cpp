// A language model with all that regularises one, trained: parts of a batch, threads, layers known at run time.
#include <doctest/doctest.h>

#include <unroll/layer/activation_penalty.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/next_token.hpp>

#include "classifier.hpp"

namespace {

using namespace unroll;

template <class T> auto make_regularised() {
  Sequential model{Embedding<T>{10, 6},
                   Dropout<T>{0.1, {.whole_words = true}},
                   Dropout<T>{0.3, {.locked = true}},
                   Recurrent{Lstm<T>{6, 7}, {.weight_dropout = 0.4}},
                   ActivationPenalty<T>{{.temporal = 3}},
                   Dropout<T>{0.3, {.locked = true}},
                   ActivationPenalty<T>{{.activation = 2}},
                   Dense<T>{7, 10}};
  initialize(model, Rng(3));
  return model;
}
template <class M> History train_regularised(M& model, Index batch_size, Index accumulate) {
  return fit(model, NextToken{CrossEntropy{}}, Sgd{.rate = 0.1, .momentum = 0.9}, make_data(96),
             {.epochs = 2, .batch_size = batch_size, .accumulate = accumulate, .seed = 8});
}

}  // namespace

TEST_CASE("accumulated parts are one update of all of it: locked masks, dropped weights and words, penalties") {
  auto whole = make_regularised<double>(), parts = whole;
  const History of_whole = train_regularised(whole, 24, 1);
  const History of_parts = train_regularised(parts, 6, 4);
  CHECK(distance(whole, parts) < 1e-10);
  CHECK(distance(whole, make_regularised<double>()) > 1e-2);
  CHECK(of_whole.series("loss")[1] == doctest::Approx(of_parts.series("loss")[1]).epsilon(1e-10));
  auto without = make_regularised<double>();
  without.layer<4>().options = {}, without.layer<6>().options = {};
  train_regularised(without, 24, 1);
  CHECK(distance(whole, without) > 1e-3);
}

TEST_CASE("a regularised model trains to the same bits with any number of threads, and as layers known at run time" *
          doctest::test_suite("bits")) {
  const auto bits = [](int n) {
    set_threads(n);
    auto model = make_regularised<float>();
    train_regularised(model, 24, 1);
    set_threads(0);
    return bits_of(model);
  };
  const std::uint64_t expected = bits(1);
  CHECK(bits(2) == expected);
  CHECK(bits(3) == expected);
  const auto typed = make_regularised<float>();
  AnySequential<> model;
  std::apply([&](const auto&... layer) { (model.add(layer), ...); }, typed.layers);
  train_regularised(model, 24, 1);
  CHECK(bits_of(model) == expected);
}
