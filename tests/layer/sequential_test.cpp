#include <doctest/doctest.h>

#include <unroll/cell/lstm.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/folded.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

using namespace unroll;

namespace {
using L = Lstm<double>;
TokenBatch tokens() {
  static const std::vector<std::int32_t> ids{3, 1, 4, 1, 5, 0, 2, 6, 5, 3, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0};
  return pack(std::span(ids), 4, 0);
}
template <class M> std::vector<std::string> paths(const M& model) {
  std::vector<std::string> all;
  visit([&](const Path& path, const auto&) { all.push_back(path.str()); }, model);
  return all;
}
}  // namespace

TEST_CASE("a whole model's gradient: embedding, stack, dropouts, final state, dense, activations") {
  Sequential model{Embedding<double>{7, 3, {.padding = 0}},
                   Stack{Recurrent{L{3, 4}, {.input_dropout = 0.2, .recurrent_dropout = 0.2}}, Dropout<double>{0.2}},
                   FinalState{Bidirectional{L{4, 5}}},
                   Dense<double>{10, 3},
                   Tanh<double>{},
                   Dropout<double>{0.3},
                   Dense<double>{3, 2, {.bias = false}},
                   Sigmoid<double>{}};
  randomize(model, Rng(5));
  model.layer<0>().weight.col(0).setZero();
  GradientCheckOptions options{.context = {.training = true, .seed = 3}};
  const auto report = check_gradient(model, tokens(), options);
  INFO(report.str());
  CHECK(report.passed());
}

TEST_CASE("a model of values may begin with a final state or a stack") {
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  const auto check = [&](auto model) {
    randomize(model, Rng(5));
    const auto report = check_gradient(model, x);
    INFO(report.str());
    CHECK(report.passed());
  };
  check(Sequential{FinalState{Recurrent{L{3, 4}}}, Dense<double>{4, 2}});
  check(Sequential{FinalState{Stack{Recurrent{L{3, 4}}, Recurrent{L{4, 3}}}}, Dense<double>{3, 2}});
}

TEST_CASE("with the embedding folded into the first product outputs are the same") {
  const auto check = [](auto model) {
    randomize(model, Rng(5));
    const Context inference{.training = false, .gradients = false};
    CacheFor<decltype(model), TokenBatch> cache;
    const Matrix<double> expected = model.forward(inference, tokens(), cache);
    const Folded folded = fold_embedding(model);
    static_assert(Model<Folded<decltype(model)>, TokenBatch>);
    CacheFor<Folded<decltype(model)>, TokenBatch> folded_cache;
    const auto& y = folded.forward(inference, tokens(), folded_cache);
    CHECK((y - expected).cwiseAbs().maxCoeff() < 1e-14);
    auto gradient = folded;
    CHECK_THROWS_WITH_AS(folded.forward({.training = true}, tokens(), folded_cache),
                         "Folded: a model for inference does not train", std::invalid_argument);
    CHECK_THROWS_WITH_AS(folded.backward(tokens(), y, folded_cache, gradient),
                         "Folded: a model for inference has no backward", std::invalid_argument);
  };
  check(Sequential{Embedding<double>{7, 3, {.padding = 0}}, FinalState{Recurrent{L{3, 4}, {.input_dropout = 0.5}}}});
  check(Sequential{Embedding<double>{7, 3}, Dropout<double>{0.2},
                   FinalState{Stack{Bidirectional{L{3, 4}}, Dropout<double>{0.2}, Bidirectional{L{8, 5}}}},
                   Dense<double>{10, 2}});
}

TEST_CASE("the padding row gets no gradient, and without a padding index it is an ordinary row") {
  const std::vector<std::int32_t> ids{0, 2};
  const std::vector<Index> lengths{2};
  const TokenBatch batch{{ids.begin(), ids.end()}, Packing::from_lengths(lengths, 2)};
  for (const bool padded : {true, false}) {
    const Embedding<double> layer(3, 2, {.padding = padded ? 0 : -1});
    CacheFor<Embedding<double>, TokenBatch> cache;
    auto gradient = zeros_like(layer);
    const auto& y = layer.forward({}, batch, cache);
    PackedSequence<double> dy{Matrix<double>(Eigen::MatrixXd::Ones(2, 2)), y.packing};
    layer.backward(batch, dy, cache, gradient);
    CHECK(gradient.weight.touched.size() == (padded ? 1 : 2));
    CHECK(gradient.weight.col(0).sum() == (padded ? 0 : 2));
    CHECK(gradient.weight.col(2).sum() == 2);
  }
}

TEST_CASE("a token id past the vocabulary is refused with its place") {
  const Embedding layer(5, 2);
  CacheFor<Embedding<>, TokenBatch> cache;
  CHECK_THROWS_WITH_AS(layer.forward({}, tokens(), cache),
                       "Embedding: token id 5 of sequence 3 at step 3, expected 0 to 4", std::invalid_argument);
}

TEST_CASE("frozen layers get no gradient and the others the same as before; thawed they are back") {
  Sequential model{Embedding<double>{7, 3}, Recurrent{L{3, 4}}, FinalState{Recurrent{L{4, 5}}}, Dense<double>{5, 2}};
  randomize(model, Rng(5));
  const TokenBatch batch = tokens();
  const auto gradient_of = [&](const auto& m) {
    CacheFor<std::remove_cvref_t<decltype(m)>, TokenBatch> cache;
    auto gradient = zeros_like(m);
    const auto y = m.forward({}, batch, cache);
    m.backward(batch, y, cache, gradient);
    return gradient;
  };
  const auto all = gradient_of(model);
  for (const char* pattern : {"0.*", "1.*", "2.*", "3.*", "*weight_hh*"}) {
    auto frozen = model;
    freeze(frozen, pattern);
    const auto some = gradient_of(frozen);
    visit(
        [&](const Path& path, const auto& a, const auto& b) {
          if (matches(pattern, path.str()))
            CHECK_MESSAGE(b.size() == 0, path.str());
          else
            CHECK_MESSAGE((a.array() == b.array()).all(), path.str());
        },
        all, some);
    thaw(frozen);
    CHECK(gradient_of(frozen).template layer<0>().weight.size() > 0);
  }
}

TEST_CASE("who does not want the input's gradient gets the same parameters' gradients") {
  Sequential model{Dense<double>{3, 4}, FinalState{Recurrent{L{4, 5}}}};
  randomize(model, Rng(5));
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  CacheFor<decltype(model), PackedSequence<double>> with, without;
  without.want_dx = false;
  auto a = zeros_like(model), b = zeros_like(model);
  model.backward(x, Matrix<double>(model.forward({}, x, with)), with, a);
  model.backward(x, Matrix<double>(model.forward({}, x, without)), without, b);
  visit(
      [](const Path& path, const auto& p, const auto& q) { CHECK_MESSAGE((p.array() == q.array()).all(), path.str()); },
      a, b);
  CHECK(std::get<0>(without.layers).dx.values.size() == 0);
}

TEST_CASE("parameters have the names that PyTorch gives them") {
  const Sequential model{Embedding{7, 3}, Stack{Bidirectional{Lstm{3, 4}}, Dropout{0.1}, Recurrent{Lstm{8, 5}}},
                         FinalState{Recurrent{Lstm{5, 2}, {.bias = Bias::single}}}, Dense{2, 1}};
  CHECK(paths(model) == std::vector<std::string>{"0.weight", "1.weight_ih_l0", "1.bias_ih_l0", "1.weight_hh_l0",
                                                 "1.bias_hh_l0", "1.weight_ih_l0_reverse", "1.bias_ih_l0_reverse",
                                                 "1.weight_hh_l0_reverse", "1.bias_hh_l0_reverse", "1.weight_ih_l1",
                                                 "1.bias_ih_l1", "1.weight_hh_l1", "1.bias_hh_l1", "2.weight_ih_l0",
                                                 "2.bias_ih_l0", "2.weight_hh_l0", "3.weight", "3.bias"});
}

TEST_CASE("the final states of all layers of a stack are at hand, and go in again") {
  const auto x = random_sequences<float>(3, ragged_lengths(), 6);
  Stack stack{Recurrent{Lstm{3, 4}}, Recurrent{Lstm{4, 5}}};
  randomize(stack, Rng(1));
  CacheFor<decltype(stack), PackedSequence<float>> cache;
  decltype(stack)::State state, again;
  stack.forward({}, x, cache, {nullptr, &state});
  CHECK(std::get<0>(state.layers).fields[0].rows() == 4);
  CHECK(std::get<1>(state.layers).fields[1].rows() == 5);
  stack.forward({}, x, cache, {&state, &again});
  CHECK(std::get<0>(again.layers).fields[0] != std::get<0>(state.layers).fields[0]);
  const FinalState last{stack};
  CacheFor<decltype(last), PackedSequence<float>> last_cache;
  CHECK(last.forward({}, x, last_cache) == std::get<1>(state.layers).fields[0]);
}

TEST_CASE("dropout of whole steps leaves out columns, scaled or as they are") {
  const auto x = random_sequences<double>(4, std::vector<Index>(20, 30), 30);
  for (const bool scaled : {true, false}) {
    const Dropout<double> layer(0.25, {.whole_steps = true, .scaled = scaled});
    CacheFor<Dropout<double>, PackedSequence<double>> cache;
    const auto& y = layer.forward({.training = true, .seed = 2}, x, cache);
    Index out = 0;
    for (Index n = 0; n < x.values.cols(); ++n) {
      const bool left = (y.values.col(n).array() == 0).all();
      out += left;
      if (!left) REQUIRE((y.values.col(n) - (scaled ? 4.0 / 3 : 1) * x.values.col(n)).cwiseAbs().maxCoeff() < 1e-15);
    }
    CHECK(static_cast<double>(out) / static_cast<double>(x.values.cols()) == doctest::Approx(0.25).epsilon(0.15));
    CHECK(layer.forward({}, x, cache).values == x.values);
    const auto report =
        check_gradient(Sequential{layer, Dense<double>{4, 2}}, x, {.context = {.training = true, .seed = 3}});
    INFO(report.str());
    CHECK(report.passed());
    CHECK(layer.describe() == concat_text("Dropout 0.25 of whole steps", scaled ? "" : ", not scaled"));
  }
}

TEST_CASE("dropout is the identity in evaluation; in training its backward applies the mask of the forward") {
  const Dropout<double> layer(0.5);
  const auto x = random_sequences<double>(8, ragged_lengths(), 6);
  CacheFor<Dropout<double>, PackedSequence<double>> cache;
  CHECK(layer.forward({}, x, cache).values == x.values);
  const auto y = layer.forward({.training = true}, x, cache).values;
  CHECK(y != x.values);
  Dropout<double> gradient(0.5);
  CHECK(layer.backward(x, x, cache, gradient).values == y);
  const PackedSequence<double> short_dy{Matrix<double>(8, 2), x.packing};
  CHECK_THROWS_WITH_AS(layer.backward(x, short_dy, cache, gradient), "Dropout: dy is 8 x 2, expected 8 x 11",
                       std::invalid_argument);
  const Relu<double> relu;
  CacheFor<Relu<double>, PackedSequence<double>> relu_cache;
  relu.forward({}, x, relu_cache);
  Relu<double> none;
  CHECK_THROWS_WITH_AS(relu.backward(x, short_dy, relu_cache, none), "Relu: dy is 8 x 2, expected 8 x 11",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Dropout{1.0}, "Dropout: rate is 1, expected 0 or more and less than 1", std::invalid_argument);
}

TEST_CASE("schemes start every layer as the framework of their name does") {
  Sequential model{Embedding{50, 8, {.padding = 0}}, FinalState{Recurrent{Lstm{8, 16}}}, Dense{16, 4}};
  initialize(model, Rng(1), Scheme::pytorch());
  const auto& recurrent = model.layer<1>().inner;
  CHECK(recurrent.weight_ih.cwiseAbs().maxCoeff() <= 0.25);
  CHECK(recurrent.bias_ih.cwiseAbs().maxCoeff() > 0.2);
  CHECK(recurrent.cell.bias_hh.cwiseAbs().maxCoeff() > 0.2);
  CHECK(model.layer<0>().weight.col(0).isZero(0));
  CHECK(model.layer<0>().weight.cwiseAbs().maxCoeff() > 2);
  CHECK(model.layer<2>().bias.cwiseAbs().maxCoeff() > 0);
  initialize(model, Rng(1), Scheme::keras());
  CHECK((recurrent.cell.weight_hh.transpose() * recurrent.cell.weight_hh - Eigen::MatrixXf::Identity(16, 16)).norm() <
        1e-5);
  CHECK(recurrent.bias_ih.middleRows(16, 16).isOnes(0));
  CHECK(recurrent.bias_ih.topRows(16).isZero(0));
  CHECK(recurrent.cell.bias_hh.isZero(0));
  CHECK(model.layer<0>().weight.cwiseAbs().maxCoeff() <= 0.05f);
  initialize(model, Rng(1), Scheme::uniform(0.125));
  visit(
      [](const Path& path, const auto& p) {
        CAPTURE(path.str());
        CHECK(p.cwiseAbs().maxCoeff() <= 0.125f);
        CHECK(p.cwiseAbs().maxCoeff() > 0.05f);
      },
      model);
  initialize(model, Rng(1), Scheme::keras());
  auto again = model;
  initialize(again, Rng(1), Scheme::keras());
  CHECK(again.layer<2>().weight == model.layer<2>().weight);
  initialize(again, Rng(2), Scheme::keras());
  CHECK(again.layer<2>().weight != model.layer<2>().weight);
}

TEST_CASE("truncated BPTT with windows as long as the sequence is full BPTT, shorter windows stop the gradient") {
  const Index T = 6, D = 3, H = 4;
  Recurrent layer{L{D, H}};
  randomize(layer, Rng(2));
  const auto padded = random_matrix<double>(D, T, 1);
  const auto run = [&](Index window) {
    CacheFor<decltype(layer), PackedSequence<double>> cache;
    auto gradient = zeros_like(layer);
    decltype(layer)::State state;
    for (Index t = 0; t < T; t += window) {
      const std::vector<Index> length{window};
      const auto x = pack(batch_first(padded.data() + t * D, 1, window, D), std::span(length));
      const auto y = layer.forward({}, x, cache, {t == 0 ? nullptr : &state, &state});
      layer.backward(x, y, cache, gradient);
    }
    return gradient.cell.weight_hh;
  };
  CHECK(run(6).isApprox(run(6), 0));
  CHECK_FALSE(run(6).isApprox(run(2), 1e-3));
  CHECK_FALSE(run(3).isApprox(run(2), 1e-3));
}
