// Composites as streams: what they give for a step is what the model gives for the sequence so far.
#include <algorithm>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/activation_penalty.hpp>
#include <unroll/layer/attention.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/functions.hpp>
#include <unroll/layer/layer_norm.hpp>
#include <unroll/layer/parallel.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/residual.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/tied_output.hpp>
#include <unroll/network/graph_of.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/message_of.hpp"
#include "../support/sequences.hpp"

using namespace unroll;

namespace graph_test {

constexpr Index steps = 75;

PackedSequence<float> first_steps(const PackedSequence<float>& x, Index n) {
  PackedSequence<float> first;
  first.packing = Packing::from_lengths(std::vector<Index>{n}, n);
  first.values = x.values.leftCols(n);
  return first;
}
TokenBatch first_steps(const TokenBatch& x, Index n) {
  return {{x.ids.begin(), x.ids.begin() + n}, Packing::from_lengths(std::vector<Index>{n}, n)};
}
std::span<const float> numbers(const PackedSequence<float>& x) {
  return {x.values.data(), static_cast<std::size_t>(x.values.size())};
}
std::span<const std::int32_t> numbers(const TokenBatch& x) { return x.ids; }

template <class X> X some_steps() {
  if constexpr (Tokens<X>) {
    TokenBatch x;
    x.packing = Packing::from_lengths(std::vector<Index>{steps}, steps);
    for (Index t = 0; t < steps; ++t) x.ids.push_back(static_cast<std::int32_t>(t * t % 7));
    return x;
  } else {
    return random_sequences<float>(3, {steps}, steps);
  }
}

/// The stream of a model of D = 3 inputs, or 7 tokens, against the model, step by step, and after a reset.
template <class X = PackedSequence<float>, class M> void check(M model, std::size_t nodes) {
  randomize(model, Rng(4), 0.5);
  const Graph graph = graph_of(model);
  CHECK(graph.nodes.size() == nodes);
  stream::AnyModel streamed(graph);
  const X x = some_steps<X>();
  std::vector<float> y(static_cast<std::size_t>(steps * streamed.outputs()));
  streamed.process(numbers(x), y);
  for (Index n = 1; n <= steps; n += 7) {
    CacheFor<M, X> cache;
    const auto& all = values(model.forward({.gradients = false}, first_steps(x, n), cache));
    const Matrix<float> last = all.col(all.cols() - 1);
    REQUIRE(last.rows() == streamed.outputs());
    for (Index k = 0; k < last.rows(); ++k)
      CHECK(y[static_cast<std::size_t>((n - 1) * last.rows() + k)] == doctest::Approx(last(k, 0)).epsilon(2e-5));
  }
  const std::vector<float> before = y;
  const auto saved = streamed.snapshot();
  streamed.process(numbers(x), y);
  const std::vector<float> after = y;
  streamed.reset();
  streamed.process(numbers(x), y);
  CHECK(y == before);
  CHECK(streamed.restore(saved));
  streamed.process(numbers(x), y);
  CHECK(y == after);
}

struct Everything : Composite<Everything> {
  Recurrent<Lstm<>> below{Lstm{3, 5}};
  Sequential<Recurrent<LayerNormLstm<>>, ActivationPenalty<>, Dropout<>, Dense<>> above{
      Recurrent{LayerNormLstm{5, 6}}, ActivationPenalty{{.temporal = 1}}, Dropout{0.5}, Dense{6, 5}};
  std::vector<Residual<Sequential<LayerNorm<>, Dense<>>>> more{Residual{Sequential{LayerNorm{5}, Dense{5, 5}}},
                                                               Residual{Sequential{LayerNorm{5}, Dense{5, 5}}}};
  AttentionPool<> pool{5, 4};
  Dense<> head{5 + 5 + 3 + 5, 2};
  UNROLL_PARTS(below, above, more, pool, head)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const {
    const auto h = run(below, x);
    auto v = h - 0.5 * run(above, h) * h;
    for (const auto& each : more) v = run(each, v);
    return run(head, concat_rows(mean_over_time(v), final_output(h), rows(max_over_time(h + v), 1, 3), run(pool, v)));
  }
};
/// A layer called twice has two states.
struct Twice : Composite<Twice> {
  Recurrent<Gru<>> gru{Gru{3, 3}};
  UNROLL_PARTS(gru)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const { return run(gru, run(gru, x)); }
};
struct TwoTables : Composite<TwoTables> {
  Embedding<> one{7, 4}, other{7, 3};
  Recurrent<Gru<>> gru{Gru{7, 5}};
  UNROLL_PARTS(one, other, gru)
  auto operator()(Wiring& run, Node<TokenBatch> x) const { return run(gru, concat_rows(run(one, x), run(other, x))); }
};
struct Weighted : Composite<Weighted> {
  Dense<> weight{3, 1};
  UNROLL_PARTS(weight)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const { return weighted_sum(run(weight, x), x); }
};

struct LooksAhead : Composite<LooksAhead> {
  Dense<> dense{3, 3};
  UNROLL_PARTS(dense)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const {
    return run(dense, x + each_step(mean_over_time(x), x));
  }
};
struct ReadsWeights : Composite<ReadsWeights> {
  Dense<> dense{3, 3};
  UNROLL_PARTS(dense)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const { return softmax_over_time(run(dense, x)) * x; }
};
struct Continues : Composite<Continues> {
  Recurrent<Gru<>> one{Gru{3, 3}}, other{Gru{3, 3}};
  UNROLL_PARTS(one, other)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const { return run(other, x, from(run(one, x).state)); }
};
struct BothWays : Composite<BothWays> {
  Bidirectional<Gru<>> both{Gru{3, 2}};
  UNROLL_PARTS(both)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const { return run(both, x); }
};
struct Tied : Composite<Tied> {
  Embedding<> table{7, 4};
  UNROLL_PARTS(table)
  auto operator()(Wiring& run, Node<TokenBatch> x) const { return tied_output(run, table, run(table, x)); }
};
struct Loops : Composite<Loops> {
  Dense<> dense{3, 3};
  UNROLL_PARTS(dense)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const {
    auto y = run(dense, x);
    for (Index t = 1; t < x->packing.steps(); ++t) y = run(dense, y);
    return y;
  }
};
struct WeightsToLayer : Composite<WeightsToLayer> {
  Dense<> score{3, 1}, more{1, 1};
  UNROLL_PARTS(score, more)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const {
    return weighted_sum(run(more, softmax_over_time(run(score, x))), x);
  }
};
struct WeightsOut : Composite<WeightsOut> {
  Dense<> score{3, 1};
  UNROLL_PARTS(score)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const { return softmax_over_time(run(score, x)); }
};
struct WeightsTwice : Composite<WeightsTwice> {
  Dense<> score{3, 1};
  UNROLL_PARTS(score)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const {
    const auto w = softmax_over_time(run(score, x));
    return weighted_sum(w, w);
  }
};
struct HeadFirst : Composite<HeadFirst> {
  Dense<> head{5, 2};
  Recurrent<Gru<>> read{Gru{3, 5}};
  UNROLL_PARTS(head, read)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const { return run(head, run(read, x)); }
};
struct Nothings : Composite<Nothings> {
  Tanh<> tanh;
  UNROLL_PARTS(tanh)
  auto operator()(Wiring& run, Node<PackedSequence<float>> x) const { return run(tanh, x); }
};

template <class M> std::string refusal(const M& model) {
  return message_of<std::invalid_argument>([&] { stream::AnyModel streamed(graph_of(model)); });
}

TEST_CASE("a composite streams: parts, lists, skips, functions of values, and pooling of what has been heard") {
  check(Everything(), 25);
  check(Twice(), 2);
  check(Weighted(), 2);
  check<TokenBatch>(TwoTables(), 4);
}

TEST_CASE("models in which composites are parts stream, and those that are a chain") {
  check(Sequential{Dense{3, 4}, Residual{Recurrent{ProjectedLstm{4, 6, 4}}},
                   Parallel{Recurrent{Gru{4, 2}}, Sequential{Dense{4, 3}, Tanh{}}}, Dense{5, 1}},
        8);
  check<TokenBatch>(Sequential{Embedding{7, 4}, Recurrent{Gru{4, 5}}, AttentionPool{5, 3}, Dense{5, 2}}, 8);
  check<TokenBatch>(Sequential{Embedding{7, 4}}, 1);
  check(Sequential{Recurrent{Lstm{3, 4}}, FinalState{Recurrent{Gru{4, 4}}}, Dense{4, 1}}, 3);
}

TEST_CASE("what cannot stream is refused with its place in the wiring") {
  CHECK(refusal(LooksAhead()).starts_with("graph_of: each_step has no stream"));
  CHECK(refusal(ReadsWeights()).starts_with("graph_of: the weights that softmax_over_time gives"));
  CHECK(refusal(Continues()).starts_with("graph_of: other: starts from what another layer ends with"));
  CHECK(refusal(BothWays()) ==
        "graph_of: both: bidirectional gru reads its sequence from the end, which a stream has not seen");
  CHECK(refusal(Sequential{Recurrent{Gru{3, 3}, {.reverse = true}}}).starts_with("graph_of: gru reads its sequence"));
  for (const std::string& said : {refusal(WeightsToLayer()), refusal(WeightsOut()), refusal(WeightsTwice())})
    CHECK(said.find("the weights that softmax_over_time gives") != std::string::npos);
  CHECK(refusal(Loops()).find("its wiring depends on how many steps there are") != std::string::npos);
  CHECK(refusal(HeadFirst()).find("graph_of: given 5 values a step") != std::string::npos);
  CHECK(refusal(Tied()).starts_with("graph_of: table: lends its parameters"));
  CHECK(refusal(Nothings()).starts_with("graph_of: no layer says how many values a step has"));
}

TEST_CASE("a graph that is none is refused before anything is made of it") {
  const auto refused = [](const Graph& graph) {
    return message_of<std::invalid_argument>([&] { stream::AnyModel streamed(graph); });
  };
  const Graph sound = graph_of(Twice());
  const auto with = [&](const GraphNode& last) {
    Graph graph = sound;
    graph.nodes.back() = last;
    return refused(graph);
  };
  CHECK(refused({}) == "a graph without nodes");
  CHECK(refused({sound.nodes, 0, false}) == "a graph of 0 inputs");
  CHECK(refused({sound.nodes, 4, false}) == "graph: node 0 (gru) takes 3 values, got 4");
  CHECK(refused({sound.nodes, 0, true}) == "graph: node 0 (gru) takes numbers");
  CHECK(with({sound.nodes[0].layer, "", {}, {5}, 3}) == "graph: node 1 reads node 5");
  CHECK(with({sound.nodes[0].layer, "", {}, {0, 0}, 3}) == "graph: node 1 (gru) reads 2 values, expected 1");
  CHECK(with({sound.nodes[0].layer, "", {}, {0}, 4}) == "graph: node 1 gives 3 values, its width is 4");
  LayerData infinite = sound.nodes[0].layer;
  infinite.tensors["weight_hh"](0, 0) = std::numeric_limits<float>::infinity();
  CHECK(with({infinite, "", {}, {0}, 3}) == "graph: node 1 (gru): element 0 of weight_hh is not a finite number");
  CHECK(with({{}, "sine", {}, {0}, 3}) == "graph: node 1: no function of a graph is called 'sine'");
  CHECK(with({{}, "+", {}, {0}, 3}) == "graph: node 1: + of 1 values with 0 options, expected 2 and 0");
  CHECK(with({{}, "rows", {1, 3}, {0}, 3}) == "graph: node 1: rows: 3 from 1 of 3");
  CHECK(with({{}, "rows", {0, 0}, {0}, 0}) == "graph: node 1: rows: 0 from 0 of 3");
  CHECK(with({{}, "rows", {0.5, 1}, {0}, 1}) == "graph: node 1: rows: 1 from 0.5 of 3");
  CHECK(with({{}, "weighted_sum", {}, {0, 0}, 3}) ==
        "graph: node 1: weighted_sum: weights of 3 values a step, expected 1");
  Graph graph = sound;
  graph.nodes[0] = {{}, "rows", {0, 1}, {-1}, 1};
  graph.nodes[1] = {{}, "+", {}, {0, -1}, 3};
  CHECK(refused(graph) == "graph: node 1: +: 1 and 3 values");
}

TEST_CASE("streams read no further than their buffers, whatever their widths") {
  Graph graph;
  graph.inputs = 3;
  graph.nodes.push_back({{&layer_kind<TanhKind>}, "", {}, {-1}, 3});
  stream::AnyModel streamed(graph);
  std::vector<float> x(3 * 64, 0.5f), y(3 * 64);
  streamed.process(x, y);
  CHECK(y.back() == doctest::Approx(std::tanh(0.5f)));
  Graph table = graph_of(Sequential{Embedding{7, 4}, Dense{4, 2}});
  std::swap(table.nodes[0], table.nodes[1]);
  table.nodes[0] = {{}, "scale", {1}, {0}, 4};
  CHECK(message_of<std::invalid_argument>([&] { stream::AnyModel again(table); }) == "graph: node 0 reads node 0");
}

TEST_CASE("an activation alone streams when it is told how many values there are") {
  stream::AnyModel streamed(graph_of(Nothings(), 2));
  std::vector<float> x{0.5f, -1.0f}, y(2);
  streamed.process(x, y);
  CHECK(y[0] == doctest::Approx(std::tanh(0.5f)));
}

}  // namespace graph_test
