// Layers, called wrongly: batches, gradients, states and members that do not fit.
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/delay.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/activation_penalty.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/folded.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/testing/check_gradient.hpp>

namespace misuse_layer {

using namespace unroll;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

#define CHECK_REFUSED(expression, text) \
  CHECK_THROWS_WITH_AS(static_cast<void>(expression), doctest::Contains(text), std::invalid_argument)

PackedSequence<float> batch(std::vector<Index> lengths, Index features = 3) {
  const auto packing = Packing::from_lengths(lengths, 9);
  return {Matrix<float>::Constant(features, packing.total(), 0.5F), packing};
}
TokenBatch tokens(std::vector<std::int32_t> ids) { return pack(ids); }

/// A layer after one forward pass of `x`, and what its backward is given.
template <class L, class In> struct Pass {
  L layer;
  In x;
  CacheFor<L, In> cache{};
  L gradient = zeros_like(layer);
  typename L::template Output<In> dy{};
  void forward(const In& input) { dy = layer.forward({}, input, cache); }
  void backward() { backward(x); }
  void backward(const In& input) { layer.backward(input, dy, cache, gradient); }
};
template <class L, class In> Pass<L, In> pass(L layer, In x) {
  Pass<L, In> made{.layer = layer, .x = x};
  made.forward(x);
  return made;
}

/// Backward of anything but the batch of the forward pass is refused, by every layer.
template <class L> void check_batches(const L& layer, const char* who) {
  CAPTURE(who);
  const auto x = batch({5, 2}), same_total = batch({4, 3}), shorter = batch({5, 1});
  Pass<L, PackedSequence<float>> p{.layer = layer, .x = x};
  p.dy = x;
  CHECK_REFUSED(p.backward(), who);  // before forward
  p.forward(x);
  p.backward();
  p.forward(x);
  CHECK_REFUSED(p.backward(same_total), "backward without a forward pass of the same batch");
  CHECK_REFUSED(p.backward(shorter), "backward without a forward pass of the same batch");
  auto wide = x;
  wide.values = Matrix<float>::Zero(4, x.packing.total());
  CHECK_REFUSED(p.backward(wide), "input has 4 features, expected 3");
  auto few = x;
  few.values = Matrix<float>::Zero(3, 6);
  CHECK_REFUSED(p.backward(few), "backward without a forward pass of the same batch");
  CHECK_REFUSED(p.forward(few), "input has 6 columns, its packing 7");
  auto unsound = x;
  unsound.packing.offsets.clear();
  CHECK_REFUSED(p.forward(unsound), who);
  unsound.packing = x.packing;
  unsound.packing.source.clear();
  CHECK_REFUSED(p.forward(unsound), who);
  p.forward(x);
  const auto dy = p.dy;
  p.dy.packing = same_total.packing;
  CHECK_REFUSED(p.backward(), "dy has another packing");
  p.dy = dy;
  p.dy.values = Matrix<float>::Zero(dy.values.rows() + 1, dy.values.cols());
  CHECK_REFUSED(p.backward(), "dy is ");
  p.dy.values = Matrix<float>();
  CHECK_REFUSED(p.backward(), "dy is 0 x 0");
  p.dy = dy;
  p.backward();  // what was refused has left the cache as it was
}

TEST_CASE("backward of another batch than forward's, or of another dy, is refused by every layer") {
  check_batches(Recurrent{Lstm{3, 4}}, "Recurrent<Lstm>: ");
  check_batches(Recurrent{GruResetBefore{3, 4}, {.reverse = true}}, "Recurrent<GruResetBefore>: ");
  check_batches(Bidirectional{Lstm{3, 4}}, "Bidirectional: ");
  check_batches(Dense{3, 4}, "Dense: ");
  check_batches(Relu{}, "Relu: ");
  check_batches(Dropout{0.5}, "Dropout: ");
  check_batches(ActivationPenalty{{.temporal = 1}}, "ActivationPenalty: ");
  check_batches(Stack{Recurrent{Lstm{3, 4}}}, "layer 0: Recurrent<Lstm>: ");
}

TEST_CASE("a packing put together by hand is refused where its sequences are run through") {
  auto x = batch({5, 2});
  x.packing.source[0] = 100;
  auto p = pass(Recurrent{Lstm{3, 4}}, batch({5, 2}));
  CHECK_REFUSED(p.forward(x), "Recurrent<Lstm>: the packing is not sound");
  CHECK_REFUSED(p.backward(x), "backward without a forward pass of the same batch");
  p.backward();
  auto d = pass(Dropout{0.5}, batch({5, 2}));
  CHECK_REFUSED(d.layer.forward({.training = true}, x, d.cache), "Dropout: the packing is not sound");
  auto e = pass(Embedding{5, 3}, tokens({1, 2}));
  TokenBatch ids{{1, 7}, e.x.packing};
  ids.packing.padded_steps = 0;
  CHECK_REFUSED(e.forward(ids), "Embedding: the packing is not sound");
}

TEST_CASE("a second backward of one forward pass, or one of inference, is refused") {
  auto p = pass(Recurrent{Lstm{3, 4}}, batch({5, 2}));
  p.backward();
  CHECK_REFUSED(p.backward(), "Recurrent<Lstm>: backward without a forward pass before it that kept its gradients");
  p.layer.forward({.gradients = false}, p.x, p.cache);
  CHECK_REFUSED(p.backward(), "that kept its gradients");
  auto d = pass(Dropout{0.5}, batch({5, 2}));
  d.layer.forward({.gradients = false}, d.x, d.cache);
  CHECK_REFUSED(d.backward(), "Dropout: backward without");
}

template <class L, class In> void check_gradients(const L& layer, const L& other, const In& x, const char* path) {
  auto p = pass(layer, x);
  p.gradient = zeros_like(other);
  CHECK_REFUSED(p.backward(), concat_text("the gradient of ", path, " is ").c_str());
  CHECK_REFUSED(p.backward(), "make it by zeros_like(model)");
  L frozen = layer;
  freeze(frozen);
  p.gradient = zeros_like(frozen);
  CHECK_REFUSED(p.backward(), concat_text("the gradient of ", path, " is empty, expected ").c_str());
  p.gradient = zeros_like(layer);
  p.backward();
}

TEST_CASE("a gradient of another shape, or one that was frozen when it was made, is refused with its path") {
  const auto x = batch({5, 2});
  check_gradients(Recurrent{Lstm{3, 4}}, Recurrent{Lstm{3, 2}}, x, "weight_ih_l0");
  check_gradients(Recurrent{GruResetBefore{3, 4}}, Recurrent{GruResetBefore{3, 2}}, x, "weight_ih_l0");
  check_gradients(Bidirectional{Lstm{3, 4}}, Bidirectional{Lstm{3, 2}}, x, "weight_ih_l0");
  check_gradients(FinalState{Recurrent{Lstm{3, 4}}}, FinalState{Recurrent{Lstm{3, 2}}}, x, "weight_ih_l0");
  check_gradients(Dense{3, 4}, Dense{3, 2}, x, "weight");
  check_gradients(Embedding{5, 4}, Embedding{5, 2}, tokens({1, 4}), "weight");
  check_gradients(Sequential{Dense{3, 4}, Dense{4, 2}}, Sequential{Dense{3, 5}, Dense{5, 2}}, x, "0.weight");
  auto p = pass(Recurrent{Lstm{3, 4}}, x);
  p.gradient.cell.bias_hh = Matrix<float>();
  const Recurrent<Lstm<>> before = p.gradient;
  CHECK_REFUSED(p.backward(), "the gradient of bias_hh_l0 is empty, expected 16 x 1");
  visit([](const Path&, const auto& a, const auto& b) { CHECK(a == b); }, p.gradient, before);
}

TEST_CASE("batches of tokens that do not belong together, or name no word, are refused") {
  auto p = pass(Embedding{5, 3}, tokens({1, 4, 0}));
  auto few = p.x;
  few.ids.pop_back();
  CHECK_REFUSED(p.forward(few), "Embedding: input has 2 ids, its packing 3");
  CHECK_REFUSED(p.backward(few), "Embedding: backward without a forward pass of the same batch");
  for (const std::int32_t id : {5, -1, std::numeric_limits<std::int32_t>::min()}) {
    auto wrong = p.x;
    wrong.ids[1] = id;
    CHECK_REFUSED(p.forward(wrong),
                  concat_text("Embedding: token id ", id, " of sequence 0 at step 1, expected 0 to 4").c_str());
    CHECK_REFUSED(p.backward(wrong), "Embedding: token id");
  }
  CHECK(p.gradient.weight.touched.empty());
  p.layer.options.padding = 5;
  CHECK_REFUSED(initialize(p.layer, Rng(1)), "padding index 5, expected -1 to 4");
}

TEST_CASE("layers of impossible sizes and rates are refused") {
  for (const Index size : {Index{-1}, Index{0}, std::numeric_limits<Index>::max(), Index{1} << 40}) {
    CHECK_REFUSED((Dense{size, 2}), "Dense: ");
    CHECK_REFUSED((Dense{2, size}), "outputs, expected 1 to 2147483647");
    CHECK_REFUSED((Embedding{size, 2}), "tokens, expected 1 to 2147483647");
    CHECK_REFUSED((Embedding{2, size}), "features, expected 1 to 2147483647");
  }
  CHECK_REFUSED((Dense{2147483647, 2147483647}), "more than memory can hold");
  CHECK_REFUSED((Embedding{4, 2, {.padding = 4}}), "padding index 4, expected -1 to 3");
  for (const double rate : {nan, -0.1, 1.0}) {
    CHECK_REFUSED(Dropout{rate}, "Dropout: rate");
    CHECK_REFUSED((Recurrent{Lstm{3, 4}, {.input_dropout = rate}}), "Recurrent<Lstm>: dropout rate");
    CHECK_REFUSED((Recurrent{Lstm{3, 4}, {.weight_dropout = rate}}), "Recurrent<Lstm>: weight dropout rate");
    CHECK_REFUSED((Bidirectional{Lstm{3, 4}, {.recurrent_dropout = rate}}), "recurrent dropout rate");
  }
  CHECK_REFUSED((Recurrent{Lstm{3, 4}, {.recompute_every = -1}}), "recompute_every = -1");
  auto p = pass(Recurrent{Lstm{3, 4}, {.recompute_every = std::numeric_limits<Index>::max()}}, batch({5, 2}));
  p.backward();  // as long as the batch is
  CHECK_REFUSED(initialize(p.layer, Rng(1), {.forget_bias = nan}), "forget_bias nan, expected a finite number");
}

TEST_CASE("members of a layer that were changed are refused where they do not fit") {
  const auto x = batch({5, 2});
  using L = Recurrent<Lstm<>>;
  const std::vector<std::pair<const char*, void (*)(L&)>> changes{
      {"weight_ih is 3 x 3, expected 16 x 3", [](L& l) { l.weight_ih = Matrix<float>::Zero(3, 3); }},
      {"bias_ih is 15 x 1, expected 16 x 1", [](L& l) { l.bias_ih = Matrix<float>::Zero(15, 1); }},
      {"weight_hh is 16 x 3, expected 16 x 4", [](L& l) { l.cell.weight_hh = Matrix<float>::Zero(16, 3); }},
      {"weight_hh is 0 x 0, expected 16 x 4", [](L& l) { l.cell.weight_hh = Matrix<float>(); }},
      {"bias_hh is 1 x 1, expected 16 x 1", [](L& l) { l.cell.bias_hh = Matrix<float>::Zero(1, 1); }},
      {"weight_ih is 16 x 3, expected 20 x 3", [](L& l) { l.cell = L(Lstm{3, 5}).cell; }},
      {"dropout rate is nan", [](L& l) { l.options.input_dropout = nan; }},
      {"recurrent dropout rate is 1", [](L& l) { l.options.recurrent_dropout = 1; }},
      {"weight dropout rate is -1", [](L& l) { l.options.weight_dropout = -1; }},
      {"recompute_every = -4", [](L& l) { l.options.recompute_every = -4; }},
      {"initial state is 0 x 0, expected 4 x 1", [](L& l) { l.options.learned_initial_state = true; }}};
  for (const auto& [text, change] : changes) {
    CAPTURE(text);
    auto p = pass(L{Lstm{3, 4}}, x);
    change(p.layer);
    CHECK_REFUSED(p.backward(), text);
    CHECK_REFUSED(p.forward(x), text);
    CHECK_REFUSED(initialize(p.layer, Rng(1)), text);
  }
  auto p = pass(L{Lstm{3, 4}}, x);
  p.layer.options.reverse = true;
  CHECK_REFUSED(p.backward(), "recompute_every or reverse has changed since the forward pass");
  p.layer.options = {.recompute_every = 2};
  CHECK_REFUSED(p.backward(), "recompute_every or reverse has changed");

  auto d = pass(Dropout{0.5}, x);
  for (const double rate : {nan, 1.0}) {
    d.layer.rate = rate;
    CHECK_REFUSED(d.layer.forward({.training = true}, x, d.cache), "Dropout: rate");
  }
  d.layer.rate = 0.5, d.layer.options = {.whole_steps = true, .locked = true, .whole_words = true};
  CHECK_REFUSED(d.layer.forward({}, x, d.cache), "Dropout: got 3 of whole_steps, locked and whole_words");
  auto dense = pass(Dense{3, 4}, x);
  dense.layer.bias = Matrix<float>::Zero(3, 1);
  CHECK_REFUSED(dense.forward(x), "Dense: bias has 3 elements, expected 4");
  CHECK_REFUSED(dense.backward(), "Dense: bias has 3 elements");
  dense.layer = Dense{3, 5}, dense.gradient = zeros_like(dense.layer);
  CHECK_REFUSED(dense.backward(), "Dense: 5 outputs, in the forward pass 4");

  auto both = pass(Bidirectional{Lstm{3, 4}}, x);
  both.layer.merge = Merge::sum;
  CHECK_REFUSED(both.backward(), "Bidirectional: dy is 8 x 7, expected 4 x 7");
  both.layer.reverse_layer = Recurrent{Lstm{3, 5}, {.reverse = true}};
  CHECK_REFUSED(both.forward(x), "which do not merge");
  both.layer.merge = Merge::concat;
  both.gradient = zeros_like(both.layer);
  both.forward(x);
  CHECK(both.dy.values.rows() == 9);
  both.backward();
}

TEST_CASE("states of another shape are refused, forward and backward, and leave the cache as it was") {
  auto p = pass(Recurrent{Lstm{3, 4}}, batch({5, 2}));
  const auto right = [] {
    RecurrentState<float, 2> state;
    for (auto& field : state.fields) field = Matrix<float>::Zero(4, 2);
    return state;
  };
  auto state = right();
  state.fields[1] = Matrix<float>::Zero(4, 3);
  CHECK_REFUSED(p.layer.forward({}, p.x, p.cache, {&state, nullptr}), "initial state c is 4 x 3, expected 4 x 2");
  CHECK_REFUSED(p.layer.backward(p.x, p.dy, p.cache, p.gradient, {&state, nullptr}),
                "gradient of the final state c is 4 x 3, expected 4 x 2");
  p.backward();
  auto last = pass(FinalState{Recurrent{Lstm{3, 4}}}, batch({5, 2}));
  CHECK_REFUSED(last.layer.backward(last.x, last.dy, last.cache, last.gradient, {&state, nullptr}),
                "FinalState: gradient of the final state c is 4 x 3, expected 4 x 2");
  auto whole = right();
  const std::vector<Index> rows{0, 2}, negative{-1};
  whole.fields[0].setOnes();
  CHECK_REFUSED(reset_state(whole, rows), "reset_state: row 2 of h, expected 0 to 1");
  CHECK(whole.fields[0] == Matrix<float>::Ones(4, 2));
  CHECK_REFUSED(select_state(whole, negative), "select_state: row -1 of h");
}

TEST_CASE("an error inside a model says which layer, and what gave it a width that does not fit") {
  Sequential model{Embedding{9, 3}, Recurrent{Lstm{3, 5}}, Sequential{Dense{4, 2}, Relu{}}};
  CacheFor<decltype(model), TokenBatch> cache;
  CHECK_THROWS_WITH_AS(
      model.forward({}, tokens({1, 2}), cache),
      "layer 2.0: Dense: input has 5 features, expected 4; layer 1 before it is Recurrent<Lstm> 3 -> 5",
      std::invalid_argument);
  CHECK_REFUSED(model.forward({}, tokens({1, 9}), cache), "layer 0: Embedding: token id 9 of sequence 0 at step 1");
  Sequential deep{Sequential{Sequential{Dense{3, 4}, Dense{5, 2}}, Relu{}}, Relu{}};
  CacheFor<decltype(deep), Matrix<float>> deep_cache;
  CHECK_THROWS_WITH_AS(deep.forward({}, Matrix<float>(Matrix<float>::Zero(3, 2)), deep_cache),
                       "layer 0.0.1: Dense: input has 4 features, expected 5; layer 0 before it is Dense 3 -> 4",
                       std::invalid_argument);
  auto p =
      pass(Sequential{Dense{3, 4}, FinalState{Stack{Recurrent{Lstm{4, 5}}, Bidirectional{Lstm{5, 2}}}}}, batch({5, 2}));
  p.dy = Matrix<float>::Zero(4, 3);
  CHECK_REFUSED(p.backward(), "layer 1: FinalState: dy is 4 x 3, expected 4 x 2");
  p.layer.layer<1>().inner.layer<1>().reverse_layer.weight_ih = Matrix<float>::Zero(1, 1);
  CHECK_REFUSED(p.forward(p.x), "layer 1.1: Recurrent<Lstm>: weight_ih is 1 x 1, expected 8 x 5");
}

/// A layer of one's own that refuses everything.
struct Refusing {
  using Scalar = float;
  using State = Nothing;
  template <std::same_as<Matrix<float>> In> using Output = In;
  template <std::same_as<Matrix<float>> In> struct Cache {
    In y, dx;
    const In& output() const { return y; }
  };
  template <class In> const In& forward(const Context&, const In&, Cache<In>&, Carry<Nothing> = {}) const {
    fail("no");
  }
  template <class In> const In& backward(const In&, const In&, Cache<In>& c, Refusing&, Carry<Nothing> = {}) const {
    return c.dx;
  }
  void initialize(Rng, const Scheme&) {}
  std::string describe() const { return "Refusing"; }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}
};
TEST_CASE("the place of an error is that of a layer of one's own, too") {
  Sequential model{Dense{3, 4}, Refusing{}};
  CacheFor<decltype(model), Matrix<float>> cache;
  CHECK_THROWS_WITH_AS(model.forward({}, Matrix<float>(Matrix<float>::Zero(3, 2)), cache), "layer 1: no",
                       std::invalid_argument);
}

TEST_CASE("a model that cannot be folded is refused, and a folded one refuses what the model does") {
  using Net = Sequential<Embedding<>, Recurrent<Lstm<>>>;
  CHECK_REFUSED(fold_embedding(Net{Embedding{9, 3}, Recurrent{Lstm{4, 5}}}),
                "Recurrent<Lstm>: input has 3 features, expected 4");
  const Folded folded = fold_embedding(Net{Embedding{9, 3}, Recurrent{Lstm{3, 5}}});
  CacheFor<Folded<Net>, TokenBatch> cache;
  CHECK_REFUSED(folded.forward({}, tokens({9}), cache), "token id 9");
  CHECK_REFUSED(folded.forward({}, TokenBatch{{1}, tokens({1, 2}).packing}, cache), "input has 1 ids, its packing 2");
  CHECK_REFUSED(folded.forward({.training = true}, tokens({1}), cache), "does not train");
}

TEST_CASE("the gradient checker refuses what cannot be checked") {
  const PackedSequence<double> x = pack(Eigen::MatrixXd(Eigen::MatrixXd::Zero(3, 2)));
  CHECK_REFUSED(check_gradient(Dense<double>{4, 2}, x), "Dense: input has 3 features, expected 4");
  for (const double difference : {0.0, -1.0, nan})
    CHECK_REFUSED(check_gradient(Dense<double>{3, 2}, x, {.difference = difference}), "check_gradient: difference");
  const auto report = check_gradient(Relu<double>{}, pack(Eigen::MatrixXd(Eigen::MatrixXd::Zero(3, 0))));
  CHECK(report.elements == 0);
  CHECK_FALSE(report.passed());
  Dense<double> layer{3, 2};
  CHECK_REFUSED(randomize(layer, Rng(1), nan), "randomize: scale nan");
}

TEST_CASE("products of matrices that do not fit are refused") {
  MatmulScratch<float> scratch;
  Matrix<float> c(2, 4);
  const Matrix<float> a = Matrix<float>::Zero(2, 3), b = Matrix<float>::Zero(3, 4);
  matmul(c, a, Transpose::no, b, Transpose::no, Accumulate::no, scratch);
  CHECK_REFUSED(matmul(c, a, Transpose::yes, b, Transpose::no, Accumulate::no, scratch),
                "matmul: op(a) is 3 x 2, op(b) 3 x 4");
  CHECK_REFUSED(matmul(c, b, Transpose::no, a, Transpose::no, Accumulate::no, scratch), "matmul: ");
  PackedMatrix<float> packed;
  packed.pack(view(a), Transpose::no);
  CHECK_REFUSED(matmul(c, packed, b, Transpose::yes, Accumulate::no, scratch), "matmul: 2 x 4 = 2 x 3 times 4 x 3");
}

TEST_CASE("a dropout of whole words says where there are none") {
  const Context training{.training = true};
  const Dropout<> words(0.5, {.whole_words = true});
  CacheFor<Dropout<>, PackedSequence<float>> of_steps;
  CHECK_REFUSED(words.forward(training, batch({5, 2}), of_steps), "Dropout of whole words: got 0 words for 7 columns");
  CacheFor<Dropout<>, Matrix<float>> of_sequences;
  CHECK_REFUSED(words.forward(training, Matrix<float>(3, 2), of_sequences), "got a vector for each sequence, expected");
  words.forward({}, batch({5, 2}), of_steps);  // nothing is left out
  CHECK_REFUSED((Dropout{0.5, {.whole_steps = true, .locked = true}}),
                "got 2 of whole_steps, locked and whole_words, expected one at most");
}

TEST_CASE("weight drop of a cell that multiplies nothing with h is refused") {
  CHECK_REFUSED((Recurrent{Delay{3}, {.weight_dropout = 0.5}}),
                "Recurrent<Delay>: weight_dropout needs a cell with a parameter weight_hh");
  auto p = pass(Recurrent{Delay{3}}, batch({5, 2}));
  p.layer.options.weight_dropout = 0.5;
  CHECK_REFUSED(p.backward(), "weight_dropout needs a cell");
}

TEST_CASE("a penalty that is no number, or of changes where there are no steps, is refused") {
  for (const double bad : {nan, -1.0, std::numeric_limits<double>::infinity()}) {
    CHECK_REFUSED((ActivationPenalty{{.activation = bad}}), "ActivationPenalty: activation");
    CHECK_REFUSED((ActivationPenalty{{.temporal = bad}}), "ActivationPenalty: temporal");
  }
  const ActivationPenalty<> layer{{.activation = 1, .temporal = 1}};
  CacheFor<ActivationPenalty<>, Matrix<float>> cache;
  const Matrix<float> x = Matrix<float>::Zero(3, 2);
  CHECK_REFUSED(layer.forward({}, x, cache), "ActivationPenalty: a temporal penalty of one vector for each sequence");
  CHECK_REFUSED(layer.penalty(x), "expected one for each step");
}

#undef CHECK_REFUSED

}  // namespace misuse_layer
