// Models whose layers are known at run time: what a Sequential of these layers does, to the bit.
#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/folded.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/train_step.hpp>

#include "../support/message_of.hpp"
#include "../support/sequences.hpp"

using namespace unroll;

namespace any_sequential_test {

TokenBatch some_tokens() {
  static const std::vector<std::int32_t> ids{3, 1, 4, 1, 5, 0, 2, 6, 5, 3, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0};
  return pack(std::span(ids), 4, 0);
}
template <class M> auto numbers_of(const M& model) {
  std::vector<std::pair<std::string, Matrix<typename M::Scalar>>> all;
  visit([&](const Path& path, const auto& p) { all.emplace_back(path.str(), p); }, model);
  return all;
}
AnySequential<> tagger() {
  AnyStack<> stack;
  stack.add(Recurrent{Lstm{5, 6}, {.input_dropout = 0.2, .recurrent_dropout = 0.3, .per_gate = true}})
      .add(Dropout{0.3})
      .add(Bidirectional{Gru{6, 4}, {.recurrent_dropout = 0.2}});
  AnySequential<> model;
  model.add(Embedding{7, 5, {.padding = 0}}).add(Dropout{0.1, {.whole_steps = true}}).add(stack).add(Dropout{0.3});
  model.add(Dense{8, 3});
  return model;
}
auto typed_tagger() {
  return Sequential{Embedding{7, 5, {.padding = 0}}, Dropout{0.1, {.whole_steps = true}},
                    Stack{Recurrent{Lstm{5, 6}, {.input_dropout = 0.2, .recurrent_dropout = 0.3, .per_gate = true}},
                          Dropout{0.3}, Bidirectional{Gru{6, 4}, {.recurrent_dropout = 0.2}}},
                    Dropout{0.3}, Dense{8, 3}};
}
/// Losses, gradients and parameters over five steps with clipping, the state carried, with these parameters frozen.
template <class Typed, class Any> void check_same_training(Typed typed, Any any, std::size_t labels) {
  initialize(typed, Rng{4}, {.embedding = Initializer::normal});
  initialize(any, Rng{4}, {.embedding = Initializer::normal});
  REQUIRE(numbers_of(any) == numbers_of(typed));
  Workspace<Typed, TokenBatch> typed_work(typed);
  Workspace<Any, TokenBatch> any_work(any);
  Optimizer typed_optimizer(typed, AdamW{.rate = 0.02});
  Optimizer any_optimizer(any, AdamW{.rate = 0.02});
  typed_optimizer.group("*.bias*", {.rate_scale = 0.5});
  any_optimizer.group("*.bias*", {.rate_scale = 0.5});
  typename Typed::State typed_state;
  typename Any::State any_state;
  const TokenBatch x = some_tokens();
  std::vector<Index> targets(labels);
  for (std::size_t k = 0; k < labels; ++k) targets[k] = static_cast<Index>(k % 3);
  for (std::uint64_t step = 0; step < 5; ++step) {
    if (step == 3) freeze(typed, "2.*l0*"), freeze(any, "2.*l0*");
    const Context context{.training = true, .seed = 9, .step = step};
    const auto a = train_step(typed, CrossEntropy{}, typed_optimizer, x, targets, typed_work, context, {.norm = 0.02},
                              {step > 0 ? &typed_state : nullptr, &typed_state});
    const auto b = train_step(any, CrossEntropy{}, any_optimizer, x, targets, any_work, context, {.norm = 0.02},
                              {step > 0 ? &any_state : nullptr, &any_state});
    CHECK(a.loss == b.loss);
    CHECK(a.gradient_norm == b.gradient_norm);
    CHECK(a.clipped);
    CHECK(values(any_work.cache.output()) == values(typed_work.cache.output()));
    REQUIRE(numbers_of(any) == numbers_of(typed));
  }
}
std::string refusal(auto f) { return message_of<std::invalid_argument>(f); }
bool mentions(const std::string& text, std::string_view part) {
  CAPTURE(text);
  CAPTURE(part);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

static_assert(Layer<AnyLayer<float>, TokenBatch> && Layer<AnyLayer<float>, PackedSequence<float>> &&
              Layer<AnyLayer<float>, Matrix<float>>);
static_assert(Model<AnySequential<>, TokenBatch> && Model<AnySequential<Matrix<>>, PackedSequence<float>>);
static_assert(Layer<FinalState<AnyStack<>>, PackedSequence<float>>);

TEST_CASE("a model known at run time trains with the bits of Sequential" * doctest::test_suite("bits")) {
  const int before = threads();
  for (const int n : {1, 2}) {
    set_threads(n);
    CHECK(tagger().describe() == typed_tagger().describe());
    check_same_training(typed_tagger(), tagger(), 10);
    AnySequential<Matrix<>> classifier;
    AnyStack<> stack;
    stack.add(Recurrent{Gru{5, 4}}).add(Dropout{0.2}).add(Recurrent{Lstm{4, 4}, {.recurrent_dropout = 0.2}});
    classifier.add(Embedding{7, 5}).add(Dropout{0.2}).add(FinalState{stack}).add(Tanh{}).add(Dense{4, 3});
    check_same_training(Sequential{Embedding{7, 5}, Dropout{0.2},
                                   FinalState{Stack{Recurrent{Gru{5, 4}}, Dropout{0.2},
                                                    Recurrent{Lstm{4, 4}, {.recurrent_dropout = 0.2}}}},
                                   Tanh{}, Dense{4, 3}},
                        classifier, 4);
  }
  set_threads(before);
}

TEST_CASE("a model known at run time has the gradient of what it computes") {
  AnyStack<double> stack;
  stack.add(Recurrent{Lstm<double>{3, 4}, {.recurrent_dropout = 0.2, .learned_initial_state = true}})
      .add(Dropout<double>{0.2})
      .add(Recurrent{Gru<double>{4, 3}, {.reverse = true}});
  const GradientCheckOptions options{.context = {.training = true, .seed = 3}};
  const auto check = [&](auto model, const auto& x) {
    randomize(model, Rng(5));
    const auto report = check_gradient(model, x, options);
    INFO(report.str());
    CHECK(report.passed());
  };
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  AnySequential<PackedSequence<double>> steps;
  check(steps.add(stack).add(Dense<double>{3, 2}), x);
  AnySequential<Matrix<double>> last;
  check(last.add(FinalState{stack}).add(Dense<double>{3, 2}), x);
  AnySequential<Matrix<double>> words;
  words.add(Embedding<double>{7, 3}).add(FinalState{AnyLayer(Bidirectional{Lstm<double>{3, 2}})});
  check(words, some_tokens());
  AnySequential<Matrix<double>> vectors;
  check(vectors.add(Dense<double>{3, 4}).add(Tanh<double>{}), Matrix<double>(x.values));
  check(AnyLayer(Recurrent{Lstm<double>{3, 4}}), x);
}

TEST_CASE("a model known at run time is a value: a copy is another model, and a gradient has its type") {
  auto model = tagger();
  initialize(model, Rng{1});
  const auto copy = model;
  model.layers.back().as<Dense<>>()->weight.setZero();
  CHECK(numbers_of(copy) != numbers_of(model));
  CHECK(model.layers.back().as<Embedding<>>() == nullptr);
  AnySequential<> other = copy;
  other = model;
  CHECK(numbers_of(other) == numbers_of(model));
  other.layers.pop_back();
  CHECK(count_parameters(other) == count_parameters(model) - 27);
  CHECK(count_trainable(zeros_like(model)) == count_parameters(model));
  copy_parameters(copy, model);
  CHECK(numbers_of(copy) == numbers_of(model));
  CHECK(AnyLayer(Sequential{Dense{2, 3}, Dense{3, 4}}).describe() == "Dense 2 -> 3, Dense 3 -> 4");
}

TEST_CASE("parameters are visited together in any number, also across scalars") {
  AnySequential<> floats;
  AnySequential<PackedSequence<double>> doubles;
  // More than are walked over at once.
  floats.add(Sequential{Bidirectional{Lstm{2, 3}}, Bidirectional{Lstm{6, 3}}, Bidirectional{Lstm{6, 3}}});
  doubles.add(Sequential{Bidirectional{Lstm<double>{2, 3}}, Bidirectional{Lstm<double>{6, 3}},
                         Bidirectional{Lstm<double>{6, 3}}});
  initialize(floats, Rng{3});
  copy_parameters(floats, doubles);
  const auto a = numbers_of(floats);
  const auto b = numbers_of(doubles);
  REQUIRE(a.size() == 24);
  REQUIRE(b.size() == 24);
  for (std::size_t k = 0; k < a.size(); ++k) {
    CHECK(a[k].first == b[k].first);
    CHECK(a[k].second.cast<double>() == b[k].second);
  }
  Index seen = 0;
  const auto moments = zeros_like(floats);
  visit(
      [&](const Path&, const auto& p, const auto& q, const auto& r) {
        CHECK(p.rows() == q.rows());
        CHECK(p.cols() == r.cols());
        ++seen;
      },
      floats, moments, moments);
  CHECK(seen == 24);
}

TEST_CASE("states of models known at run time are selected, reset and refused like others") {
  auto model = tagger();
  initialize(model, Rng{1});
  decltype(model)::Cache<TokenBatch> cache;
  decltype(model)::State state, other;
  model.forward({}, some_tokens(), cache, {nullptr, &state});
  std::vector<std::string> names;
  visit_state(
      [&](const Path& path, const auto& field) {
        names.push_back(path.str());
        CHECK(field.cols() == 4);
      },
      state);
  CHECK(names == std::vector<std::string>{"2.0.h", "2.0.c", "2.2.forward.h", "2.2.reverse.h"});
  const std::vector<Index> rows{2, 0}, second{1};
  auto selected = select_state(state, rows);
  visit_state([](const Path&, const auto& now, const auto& before) { CHECK(now.col(0) == before.col(2)); }, selected,
              state);
  reset_state(selected, second);
  visit_state([](const Path&, const auto& field) { CHECK(field.col(1).isZero()); }, selected);
  mentions(refusal([&] { model.forward({}, some_tokens(), cache, {&other, nullptr}); }), "a state of 0 layers for 5");
  AnySequential<> another;
  another.add(Embedding{7, 5}).add(Dropout{0.1}).add(Recurrent{Gru{5, 6}}).add(Dropout{0.1}).add(Dense{6, 3});
  decltype(another)::Cache<TokenBatch> another_cache;
  another.forward({}, some_tokens(), another_cache, {nullptr, &other});
  mentions(refusal([&] { model.forward({}, some_tokens(), cache, {&other, nullptr}); }),
           "layer 2: AnyLayer: the state for Stack(");
  mentions(refusal([&] { visit_state([](const Path&, auto&, auto&) {}, state, other); }), "different layers");
}

TEST_CASE("layers that do not fit are refused with their number and what is before them") {
  const auto x = some_tokens();
  const auto refused = [&](const AnySequential<>& model) {
    AnySequential<>::Cache<TokenBatch> cache;
    return refusal([&] { model.forward({}, x, cache); });
  };
  AnySequential<> model;
  mentions(refused(model), "AnySequential: there is no layer here");
  model.add(Embedding{7, 5}).add(Recurrent{Lstm{4, 3}});
  mentions(refused(model),
           "layer 1: Recurrent<Lstm>: input has 5 features, expected 4; layer 0 before it is Embedding 7 x 5");
  model.layers[1] = AnyLayer(FinalState{Recurrent{Lstm{5, 3}}});
  mentions(refused(model), "gives a vector for every sequence, expected a vector for every step");
  model.add(Recurrent{Lstm{3, 3}});
  mentions(refused(model), "layer 2: Recurrent<Lstm> 3 -> 3: got a vector for every sequence");
  model.layers = {AnyLayer(Dense{3, 3})};
  mentions(refused(model), "layer 0: Dense 3 -> 3: got token ids, expected vectors");
  model.layers = {AnyLayer(Embedding{7, 5}), AnyLayer(Embedding{7, 5})};
  mentions(refused(model), "layer 1: Embedding 7 x 5: got a vector for every step, expected token ids");
  model.layers[1] = AnyLayer(FinalState{AnyLayer(Dense{5, 3})});
  mentions(refused(model), "Dense 5 -> 3 has no state at the end of a sequence");
}

TEST_CASE("a gradient or a backward pass of another model known at run time is refused") {
  const auto x = some_tokens();
  auto model = tagger();
  AnySequential<>::Cache<TokenBatch> cache;
  auto gradient = zeros_like(model);
  PackedSequence<float> dy{Matrix<float>::Zero(3, x.packing.total()), x.packing};
  mentions(refusal([&] { model.backward(x, dy, cache, gradient); }), "backward without a forward pass");
  model.forward({}, x, cache);
  gradient.layers.back() = AnyLayer(Tanh{});
  mentions(refusal([&] { model.backward(x, dy, cache, gradient); }), "two of different layers are visited together");
  gradient.layers.pop_back();
  mentions(refusal([&] { model.backward(x, dy, cache, gradient); }), "one has 5 layers, another 4");
  gradient = zeros_like(model);
  std::swap(gradient.layers[2], gradient.layers[4]);
  CHECK_FALSE(refusal([&] { model.backward(x, dy, cache, gradient); }).empty());
  AnyLayer<> layer(Dense{3, 3}), taken = std::move(layer);
  mentions(refusal([&] { layer.describe(); }), "was moved");  // NOLINT: that is what is tested
}

/// Two layers known at run time as parts of a model of one's own.
struct Wired : Composite<Wired> {
  Embedding<> embed{7, 5};
  AnyLayer<> read{Recurrent{Lstm{5, 4}}};
  AnySequential<> rest = AnySequential<>().add(Dropout{0.2}).add(Dense{4, 3});
  UNROLL_PARTS(embed, read, rest)
  auto operator()(Wiring& run, Node<TokenBatch> x) const { return run(rest, run(read, run(embed, x))); }
};
struct TypedWired : Composite<TypedWired> {
  Embedding<> embed{7, 5};
  Recurrent<Lstm<>> read{Recurrent{Lstm{5, 4}}};
  Sequential<Dropout<>, Dense<>> rest{Dropout{0.2}, Dense{4, 3}};
  UNROLL_PARTS(embed, read, rest)
  auto operator()(Wiring& run, Node<TokenBatch> x) const { return run(rest, run(read, run(embed, x))); }
};

TEST_CASE("layers known at run time are parts of other models, and fold" * doctest::test_suite("bits")) {
  Wired any;
  TypedWired typed;
  initialize(any, Rng{1});
  initialize(typed, Rng{1});
  CHECK(numbers_of(any) == numbers_of(typed));
  Wired::Cache<TokenBatch> any_cache;
  TypedWired::Cache<TokenBatch> typed_cache;
  const auto x = some_tokens();
  const Context context{.training = true, .seed = 2};
  const auto y = any.forward(context, x, any_cache);
  CHECK(y.values == typed.forward(context, x, typed_cache).values);
  auto any_gradient = zeros_like(any);
  auto typed_gradient = zeros_like(typed);
  any.backward(x, y, any_cache, any_gradient);
  typed.backward(x, y, typed_cache, typed_gradient);
  CHECK(numbers_of(any_gradient) == numbers_of(typed_gradient));

  auto model = tagger();
  initialize(model, Rng{1});
  const auto folded = fold_embedding(model);
  AnySequential<>::Cache<TokenBatch> cache;
  CacheFor<Folded<AnySequential<>>, TokenBatch> folded_cache;
  const Context inference{.gradients = false};
  CHECK(folded.forward(inference, x, folded_cache).values == model.forward(inference, x, cache).values);
}

}  // namespace any_sequential_test
