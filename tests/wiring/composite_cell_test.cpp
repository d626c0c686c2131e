// Cells that are made of parts: gradients, the bits of the cells that they are made of, and what is refused.
#include <doctest/doctest.h>

#include <unroll/cell/delay.hpp>
#include <unroll/cell/gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/core/thread_pool.hpp>
#include <unroll/layer/additive_attention.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/composite_cell.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/message_of.hpp"
#include "../support/sequences.hpp"
#include "check_model.hpp"

namespace {

using namespace unroll;

/// A cell and nothing else.
template <class C> struct Only : CompositeCell<Only<C>, typename C::Scalar> {
  using T = typename C::Scalar;
  C inner;
  UNROLL_PARTS(inner)
  explicit Only(const C& of) : inner(of) {}
  auto operator()(StepWiring<T>& run, StepNode<T> a) const { return run(inner, a); }
};
template <class E> auto only(const E& equations) { return Only<Pointwise<E>>{Pointwise<E>(equations)}; }

/// Two cells in a step; the output is that of the upper one, whose state comes first.
template <class T> struct Two : CompositeCell<Two<T>, T> {
  Pointwise<Gru<T>> upper{Gru<T>{4, 3}};
  Dense<T> between{4, 9};
  Pointwise<Lstm<T>> lower{Lstm<T>{3, 4}};
  UNROLL_PARTS(upper, between, lower)
  auto operator()(StepWiring<T>& run, StepNode<T> a) const { return run(upper, run(between, run(lower, a))); }
  Index inputs() const { return lower.inputs(); }
  Index gate_rows() const { return lower.gate_rows(); }
};

/// What it gave is fed back to it: h_t = U h_{t-1} + a + W_o o_{t-1}, o_t = tanh(W h_t).
template <class T> struct FedBack : CompositeCell<FedBack<T>, T> {
  Pointwise<Delay<T>> out{Delay<T>{2}};
  Pointwise<Rnn<T>> read{Rnn<T>{3, 4}};
  Dense<T> write{4, 2}, back{2, 4};
  Tanh<T> squash;
  UNROLL_PARTS(out, read, write, back, squash)
  auto operator()(StepWiring<T>& run, StepNode<T> a) const {
    const auto h = run(read, a + run(back, run.previous(out)));
    return run(out, run(squash, run(write, h)));
  }
  Index inputs() const { return read.inputs(); }
  Index gate_rows() const { return read.gate_rows(); }
};

/// Every function of values; what is read again later than it is changed, what nobody reads, and an input read twice.
template <class T> struct Functions : CompositeCell<Functions<T>, T> {
  Pointwise<Gru<T>> cell{Gru<T>{3, 2}};
  Dense<T> a{6, 6}, b{2, 3}, unread{6, 4};
  Sigmoid<T> gate;
  UNROLL_PARTS(cell, a, b, unread, gate)
  auto operator()(StepWiring<T>& run, StepNode<T> x) const {
    run(unread, x);
    const auto u = run(a, x), h = run(cell, u * run(gate, x) - 0.5 * x);
    const auto late = concat_rows(run(b, run.previous(cell)), rows(x, 1, 3));
    run(unread, late);
    return h;
  }
};

template <class T> struct Attentive : CompositeCell<Attentive<T>, T> {
  AdditiveAttention<T> attend{4, 3, 5};
  Dense<T> context{3, 12, {.bias = false}};
  Pointwise<Gru<T>> gru{Gru<T>{2, 4}};
  UNROLL_PARTS(attend, context, gru)
  static constexpr std::string_view name = "Bahdanau";
  auto operator()(StepWiring<T>& run, StepNode<T> a, StepMemory<T> memory) const {
    return run(gru, a + run(context, run(attend, run.previous(gru), memory)));
  }
};
template <class T> struct Translator : Composite<Translator<T>, T> {
  Recurrent<Gru<T>> encoder{Gru<T>{2, 3}};
  Dense<T> start{3, 4};
  Recurrent<Attentive<T>> decoder{Attentive<T>{}};
  UNROLL_PARTS(encoder, start, decoder)
  auto operator()(Wiring& run, Node<PackedSequence<T>> source, Node<PackedSequence<T>> target) const {
    return run(decoder, target, run(encoder, source));
  }
};

using Pair = Inputs<PackedSequence<double>, PackedSequence<double>>;
Pair pair(std::vector<Index> source = {3, 0, 5, 1, 2}, std::vector<Index> target = {2, 4, 0, 1, 6}) {
  return {{random_sequences<double>(2, source, 6), random_sequences<double>(2, target, 6)}};
}

const std::vector<Index> lengths{3, 1, 0, 6, 4};

/// What two layers with the same parameters give, and their gradients, bit by bit.
template <class A, class B, class T> void same_bits(A& a, B& b, const PackedSequence<T>& x) {
  randomize(a, Rng(5), 0.3);
  std::vector<Matrix<T>> of_a;
  visit([&](const Path&, const auto& p) { of_a.push_back(p); }, a);
  visit([&, k = std::size_t{0}](const Path&, auto& p) mutable { p = of_a[k++]; }, b);
  A d_a = zeros_like(a);
  B d_b = zeros_like(b);
  CacheFor<A, PackedSequence<T>> cache_a;
  CacheFor<B, PackedSequence<T>> cache_b;
  typename A::State end_a;
  typename B::State end_b;
  for (const bool gradients : {false, true}) {
    Context context{.training = gradients, .seed = 4};
    context.gradients = gradients;
    const auto& y = a.forward(context, x, cache_a, {nullptr, &end_a});
    CHECK(y.values == b.forward(context, x, cache_b, {nullptr, &end_b}).values);
    visit_state([](const Path&, const auto& s, const auto& t) { CHECK(s == t); }, end_a, end_b);
  }
  const PackedSequence<T> dy = cache_a.y;
  CHECK(a.backward(x, dy, cache_a, d_a).values == b.backward(x, dy, cache_b, d_b).values);
  of_a.clear();
  visit([&](const Path&, const auto& p) { of_a.push_back(p); }, d_a);
  visit([&, k = std::size_t{0}](const Path&, const auto& p) mutable { CHECK(p == of_a[k++]); }, d_b);
}

}  // namespace

TEST_CASE("the gradient of cells made of parts") {
  for (const bool initial : {true, false}) {
    const auto x = random_sequences<double>(3, lengths, 6);
    check(Recurrent{only(Gru<double>{3, 4})}, x, initial);
    check(Recurrent{only(Lstm<double>{3, 4}), {.input_dropout = 0.2, .recurrent_dropout = 0.3, .reverse = true}}, x,
          initial);
    check(Recurrent{Only{Stagewise{ProjectedLstm<double>{3, 5, 2}}}, {.learned_initial_state = true}}, x, initial);
    check(Recurrent{Only{Stagewise{LayerNormLstm<double>{3, 5}}}, {.recurrent_dropout = 0.3}}, x, initial);
    check(Recurrent{Two<double>{}}, x, initial);
    check(Recurrent{FedBack<double>{}}, x, initial);
    check(Recurrent{FedBack<double>{}, {.reverse = true}}, x, initial);
    check(Recurrent{Functions<double>{}}, x, initial);
    check(Translator<double>{}, pair(), initial);
    check(Translator<double>{}, pair({0, 0, 0, 0, 0}), initial);
  }
}

TEST_CASE("a cell made of one has its bits" * doctest::test_suite("bits")) {
  for (const RecurrentOptions& how :
       {RecurrentOptions{}, RecurrentOptions{.recurrent_dropout = 0.3}, RecurrentOptions{.reverse = true}}) {
    const auto x = random_sequences<float>(5, {9, 3, 0, 12, 5, 5, 1}, 12);
    Recurrent gru{Gru{5, 16}, how};
    Recurrent made{only(Gru{5, 16}), how};
    same_bits(gru, made, x);
    Recurrent lstm{Lstm{5, 16}, how};
    Recurrent made_lstm{only(Lstm{5, 16}), how};
    same_bits(lstm, made_lstm, x);
  }
}

TEST_CASE("it starts as its first cell does, with the forget gate open") {
  Recurrent lstm{Lstm{5, 16}};
  Recurrent made{only(Lstm{5, 16})};
  initialize(lstm, Rng(1), {.forget_bias = 2});
  initialize(made, Rng(1), {.forget_bias = 2});
  CHECK(made.bias_ih == lstm.bias_ih);
  CHECK(made.describe() == "Recurrent<Composite> 5 -> 16");
}

TEST_CASE("two cells in a step are the layers of a stack") {
  const auto x = random_sequences<double>(3, lengths, 6);
  Recurrent<Two<double>> two{Two<double>{}};
  randomize(two, Rng(2));
  Recurrent<Lstm<double>> lower{Lstm<double>{3, 4}};
  Recurrent<Gru<double>> upper{Gru<double>{4, 3}};
  lower.weight_ih = Matrix<double>(two.weight_ih);
  lower.bias_ih = Matrix<double>(two.bias_ih);
  lower.cell = two.cell.lower;
  upper.weight_ih = Matrix<double>(two.cell.between.weight);
  upper.bias_ih = Matrix<double>(two.cell.between.bias);
  upper.cell = two.cell.upper;
  Sequential stack{lower, upper};
  CacheFor<decltype(two), PackedSequence<double>> cache;
  CacheFor<decltype(stack), PackedSequence<double>> cache_stack;
  const auto& y = two.forward({}, x, cache);
  CHECK((y.values - stack.forward({}, x, cache_stack).values).cwiseAbs().maxCoeff() < 1e-14);
}

TEST_CASE("additive attention is its equation, step by step") {
  Recurrent<Attentive<double>> layer{Attentive<double>{}, {.bias = Bias::single}};
  randomize(layer, Rng(8));
  const std::vector<Index> steps{3, 0, 5}, of_memory{2, 4, 0};
  const auto x = random_sequences<double>(2, steps, 5), m = random_sequences<double>(3, of_memory, 4);
  decltype(layer)::Cache<PackedSequence<double>, PackedSequence<double>> cache;
  const auto& y = layer.forward({.gradients = false}, x, m, cache);
  const auto at = [](const PackedSequence<double>& s, Index b, Index t) {
    Index j = 0;
    while (s.packing.row(j) != b) ++j;
    return Eigen::VectorXd(s.values.col(s.packing.offset(t) + j));
  };
  const auto& c = layer.cell;
  const auto squash = [](double v) { return 1 / (1 + std::exp(-v)); };
  for (Index b = 0; b < 3; ++b) {
    Eigen::VectorXd h = Eigen::VectorXd::Zero(4);
    for (Index t = 0; t < steps[static_cast<std::size_t>(b)]; ++t) {
      Eigen::VectorXd context = Eigen::VectorXd::Zero(3);
      double sum = 0;
      for (Index s = 0; s < of_memory[static_cast<std::size_t>(b)]; ++s) {
        const Eigen::VectorXd u = (c.attend.weight_query * h + c.attend.weight_key * at(m, b, s) + c.attend.bias);
        const double w = std::exp(c.attend.score.col(0).dot(u.array().tanh().matrix()));
        context += w * at(m, b, s);
        sum += w;
      }
      if (sum > 0) context /= sum;
      const Eigen::VectorXd a = layer.weight_ih * at(x, b, t) + layer.bias_ih + c.context.weight * context;
      const Eigen::VectorXd u = c.gru.weight_hh * h;
      const Eigen::ArrayXd r = (a + u).head(4).unaryExpr(squash), z = (a + u).segment(4, 4).unaryExpr(squash);
      const Eigen::ArrayXd n = (a.tail(4).array() + r * u.tail(4).array()).tanh();
      h = (1 - z) * n + z * h.array();
      CHECK((at(y, b, t) - h).cwiseAbs().maxCoeff() < 1e-12);
    }
  }
}

TEST_CASE("the same bits on any number of threads, forward and backward" * doctest::test_suite("bits")) {
  std::vector<Matrix<double>> before;
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    Translator<double> model;
    randomize(model, Rng(3));
    auto d = zeros_like(model);
    std::vector<Index> source, target;
    for (Index b = 0; b < 300; ++b) source.push_back(b % 7), target.push_back((b * 5) % 9);
    const Pair x{{random_sequences<double>(2, source, 6), random_sequences<double>(2, target, 8)}};
    CacheFor<Translator<double>, Pair> cache;
    const auto y = model.forward({.training = true}, x, cache);
    model.backward(x, y, cache, d);
    std::vector<Matrix<double>> all{y.values};
    visit([&](const Path&, const auto& p) { all.push_back(p); }, d);
    if (before.empty()) before = all;
    for (std::size_t k = 0; k < all.size(); ++k) CHECK(all[k] == before[k]);
  }
  set_threads(0);
}

TEST_CASE("parts have their names, and what is wired wrongly is refused with a sentence") {
  std::vector<std::string> names;
  Translator<double> translator;
  visit([&](const Path& path, const auto&) { names.push_back(path.str()); }, translator);
  CHECK(std::find(names.begin(), names.end(), "decoder.attend.weight_query_l0") != names.end());

  const auto x = random_sequences<double>(3, lengths, 6);
  const auto refused = [&](auto cell) {
    Recurrent layer{cell};
    CacheFor<decltype(layer), PackedSequence<double>> cache;
    return message_of([&] { layer.forward({}, x, cache); });
  };
  struct Twice : CompositeCell<Twice, double> {
    Pointwise<Rnn<double>> cell{Rnn<double>{3, 4}};
    UNROLL_PARTS(cell)
    auto operator()(StepWiring<double>& run, StepNode<double> a) const { return run(cell, run(cell, a)); }
  };
  CHECK(refused(Twice{}) == "run: Rnn is called twice in a step, but has one state");
  struct Foreign : CompositeCell<Foreign, double> {
    Pointwise<Rnn<double>> cell{Rnn<double>{3, 4}};
    UNROLL_PARTS(cell)
    auto operator()(StepWiring<double>& run, StepNode<double> a) const {
      const Dense<double> other{4, 4};
      return run(cell, run(other, a));
    }
  };
  CHECK(refused(Foreign{}) == "run: a part that is called is not one of the cell's (UNROLL_PARTS), or a copy of one");
  struct Wide : CompositeCell<Wide, double> {
    Pointwise<Rnn<double>> cell{Rnn<double>{3, 4}};
    Dense<double> dense{4, 5};
    UNROLL_PARTS(cell, dense)
    auto operator()(StepWiring<double>& run, StepNode<double> a) const { return run(cell, run(dense, a)); }
  };
  CHECK(refused(Wide{}) == "run: Rnn takes gates of 4 rows, got 5");
  struct Other : CompositeCell<Other, double> {
    Pointwise<Rnn<double>> cell{Rnn<double>{3, 4}};
    Tanh<double> tanh;
    UNROLL_PARTS(cell, tanh)
    auto operator()(StepWiring<double>& run, StepNode<double> a) const { return run(tanh, run(cell, a)); }
  };
  CHECK(refused(Other{}).starts_with("CompositeCell: operator() gives something else than the output of the first"));

  Recurrent<Attentive<double>> decoder{Attentive<double>{}};
  CHECK(decoder.describe() == "Recurrent<Bahdanau> 2 -> 4");
  decltype(decoder)::Cache<PackedSequence<double>, PackedSequence<double>> cache;
  const auto y = random_sequences<double>(2, {2, 1}, 2), m = random_sequences<double>(3, {2, 1, 4}, 4);
  CHECK(message_of([&] { decoder.forward({}, y, m, cache); }) == "Recurrent<Bahdanau>: a memory of 3 sequences for 2");
  const auto narrow = random_sequences<double>(2, {2, 1}, 2);
  CHECK(message_of([&] { decoder.forward({}, y, narrow, cache); }) ==
        "AdditiveAttention: a query of 4 rows and a memory of 2, expected 4 and 3");
  const auto right = random_sequences<double>(3, {2, 1}, 2), another = right;
  decoder.forward({}, y, right, cache);
  auto d = zeros_like(decoder);
  CHECK(message_of([&] { decoder.backward(y, another, PackedSequence<double>(cache.y), cache, d); }) ==
        "Recurrent<Bahdanau>: backward without a forward pass of the same memory, the very same object, before it");
  CHECK(message_of([&] { Recurrent(Attentive<double>{}, {.recompute_every = 2}); }) ==
        "Recurrent<Bahdanau>: recompute_every needs a cell with visit_columns (see Cell)");
}
