// Models that are written as their forward pass: gradients, bits, states, files of their names, and what is refused.
#include <doctest/doctest.h>

#include <unroll/layer/final_state.hpp>
#include <unroll/layer/parallel.hpp>
#include <unroll/layer/residual.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/optim/clip.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/message_of.hpp"
#include "../support/sequences.hpp"
#include "check_model.hpp"
#include "models.hpp"

namespace {

using namespace unroll;
using namespace models;

/// 5 sequences, unsorted, with an empty one and one of a single step.
TokenBatch tokens(Index vocabulary = 20, std::vector<Index> lengths = {3, 1, 0, 6, 4}) {
  TokenBatch x;
  x.packing = Packing::from_lengths(lengths, *std::max_element(lengths.begin(), lengths.end()));
  for (Index n = 0; n < x.packing.total(); ++n) x.ids.push_back(static_cast<std::int32_t>((7 * n + 3) % vocabulary));
  return x;
}
PackedSequence<double> series(Index D = 3, std::vector<Index> lengths = {3, 1, 0, 6, 4}) {
  return random_sequences<double>(D, lengths, *std::max_element(lengths.begin(), lengths.end()));
}

}  // namespace

TEST_CASE("the gradient of a wiring: ragged, empty and short sequences, dropout, states in and out") {
  for (const bool initial : {true, false}) {
    check(Tagger<double>{}, tokens(), initial);
    check(Attentive<double>{}, tokens(), initial);
    check(Deep<double>{0}, series(), initial);
    check(Deep<double>{3}, series(), initial);
    check(Recoder<double>{}, tokens(), initial);
    check(Loop<double>{}, series(3, {3, 1, 0, 3}), initial);
    check(Functions<double>{}, series(), initial);
    check(Tied<double>{}, tokens(), initial);
    check(Residual{Recurrent{Gru<double>{3, 3}}}, series(), initial);
    check(Parallel{Recurrent{Gru<double>{3, 2}}, Dense<double>{3, 3}, Recurrent{Lstm<double>{3, 1}, {.reverse = true}}},
          series(), initial);
    check(Sequential{Dense<double>{3, 4}, Residual{Sequential{Dense<double>{4, 4}, Tanh<double>{}}},
                     FinalState{Recurrent{Lstm<double>{4, 3}}}, Residual{Dense<double>{3, 3}}},
          series(), initial);
    check(Sequential{Deep<double>{1}, Dense<double>{2, 2}}, series(), initial);
    check(Translator<double>{}, Inputs<TokenBatch, TokenBatch>{{tokens(), tokens(15, {2, 4, 3, 0, 1})}}, initial);
    Matrix<double> known(2, 5);
    for (Index k = 0; k < 10; ++k) known.data()[k] = 0.1 * static_cast<double>(k % 7);
    check(Pair<double>{},
          Inputs<PackedSequence<double>, PackedSequence<double>, Matrix<double>>{
              {series(), series(3, {1, 5, 2, 2, 0}), known}},
          initial);
  }
}

TEST_CASE("a chain has the names, start values and bits of Sequential" * doctest::test_suite("bits")) {
  struct Chain : Composite<Chain> {
    Embedding<> embed{20, 5};
    Dropout<> drop{0.2};
    Recurrent<Lstm<>> read{Lstm{5, 16}, {.input_dropout = 0.1, .recurrent_dropout = 0.2}};
    Dense<> head{16, 2};
    UNROLL_PARTS(embed, drop, read, head)
    auto operator()(Wiring& run, Node<TokenBatch> x) const { return run(head, run(read, run(drop, run(embed, x)))); }
  };
  Chain chain;
  Sequential like{chain.embed, chain.drop, chain.read, chain.head};
  initialize(chain, Rng(1));
  initialize(like, Rng(1));
  Chain d_chain = zeros_like(chain);
  auto d_like = zeros_like(like);
  CacheFor<Chain, TokenBatch> cache;
  CacheFor<decltype(like), TokenBatch> cache_like;
  for (const std::vector<Index>& lengths : {std::vector<Index>{3, 1, 0, 6, 4}, {2, 7}}) {
    const TokenBatch x = tokens(20, lengths);
    const Context context{.training = true, .seed = 5, .step = 3};
    const auto y = chain.forward(context, x, cache);
    CHECK(y.values == like.forward(context, x, cache_like).values);
    chain.backward(x, y, cache, d_chain);
    like.backward(x, y, cache_like, d_like);
  }
  std::vector<std::string> names;
  visit([&](const Path& path, const auto&) { names.push_back(path.str()); }, chain);
  CHECK(names.front() == "embed.weight");
  CHECK(names.back() == "head.bias");
  std::vector<Matrix<float>> gradients;
  visit([&](const Path&, const auto& p) { gradients.push_back(p); }, d_like);
  visit([&, k = std::size_t{0}](const Path&, const auto& p) mutable { CHECK(p == gradients[k++]); }, d_chain);
}

TEST_CASE("parts in a list are numbered, and a composite's have its name before them") {
  Deep<float> deep(2);
  std::vector<std::string> names;
  visit([&](const Path& path, const auto&) { names.push_back(path.str()); }, deep);
  CHECK(names[2] == "layers.0.weight_ih_l0");
  CHECK(names[6] == "layers.1.weight_ih_l0");
  CHECK(deep.describe() ==
        "in: Dense 3 -> 5, layers: (Recurrent<Gru> 5 -> 5, Recurrent<Gru> 5 -> 5), out: Dense 5 -> 2");
  Attentive<float> attentive;
  freeze(attentive, "pool.*");
  CHECK(count_parameters(attentive.pool) == count_parameters(attentive) - count_trainable(attentive));
}

TEST_CASE("what a part has given can be had after the pass") {
  Tagger<float> model, other;
  initialize(model, Rng(1));
  CacheFor<Tagger<float>, TokenBatch> cache;
  const TokenBatch x = tokens();
  const auto& y = model.forward({}, x, cache);
  CHECK(&output_of<PackedSequence<>>(cache, model.head) == &y);
  CHECK(output_of<PackedSequence<>>(cache, model.read).values.rows() == 8);
  CHECK(message_of([&] { output_of<Matrix<float>>(cache, model.head); }) ==
        "output_of: Dense 8 -> 3 gave something of another type");
  CHECK(message_of([&] { output_of<PackedSequence<>>(cache, other.head); }) ==
        "output_of: Dense 8 -> 3 was not called in the last forward pass, or is no part of that model");
}

TEST_CASE("Residual and Parallel are what they say") {
  const auto x = series();
  Dense<double> a{3, 3}, b{3, 2};
  randomize(a, Rng(1));
  randomize(b, Rng(2));
  const auto run = []<class M>(const M& model, const PackedSequence<double>& in) -> Matrix<double> {
    CacheFor<M, PackedSequence<double>> cache;
    return model.forward({}, in, cache).values;
  };
  CHECK(run(Residual{a}, x) == x.values + run(a, x));
  const Parallel both{a, b};
  CHECK(run(both, x).topRows(3) == run(a, x));
  CHECK(run(both, x).bottomRows(2) == run(b, x));
  std::vector<std::string> names;
  visit([&](const Path& path, const auto&) { names.push_back(path.str()); }, both);
  CHECK(names == std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias"});
}

TEST_CASE("weights of attention can be looked at, and are 1 for each sequence together") {
  struct Looks : Composite<Looks> {
    AttentionPool<> pool{3, 4};
    std::vector<double>* seen = nullptr;
    UNROLL_PARTS(pool)
    auto operator()(Wiring& run, Node<PackedSequence<>> x) const {
      const auto w = pool.weights(run, x);
      for (Index j = 0; j < x->packing.batch(); ++j) {
        double& sum = seen->emplace_back(0);
        for (Index t = 0; t < x->packing.length(j); ++t) sum += double(w->values(0, x->packing.offset(t) + j));
      }
      return weighted_sum(w, x);
    }
  };
  std::vector<double> seen;
  Looks model;
  model.seen = &seen;
  initialize(model, Rng(1));
  CacheFor<Looks, PackedSequence<>> cache;
  const auto x = random_sequences<float>(3, std::vector<Index>{4, 2, 0}, 4);
  model.forward({}, x, cache);
  CHECK(seen[0] == doctest::Approx(1));
  CHECK(seen[1] == doctest::Approx(1));
  CHECK(seen[2] == 0);
}

TEST_CASE("calls of one part, in whatever number, do not move another one's masks" * doctest::test_suite("bits")) {
  struct Twice : Composite<Twice> {
    Recurrent<Lstm<>> turn{Lstm{3, 3}};
    Dropout<> drop{0.5};
    bool again = false;
    UNROLL_PARTS(turn, drop)
    auto operator()(Wiring& run, Node<PackedSequence<>> x) const {
      if (again) run(turn, x);
      return run(drop, x);
    }
  };
  const auto x = random_sequences<float>(3, std::vector<Index>{4, 2}, 4);
  Twice model;
  CacheFor<Twice, PackedSequence<>> cache;
  const Context context{.training = true, .seed = 1};
  const Matrix<float> once = model.forward(context, x, cache).values;
  model.again = true;
  CHECK(model.forward(context, x, cache).values == once);
  CHECK((once.array() == 0).any());
}

TEST_CASE("what nobody wants is not gone through") {
  Attentive<float> model;
  initialize(model, Rng(1));
  const TokenBatch x = tokens();
  CacheFor<Attentive<float>, TokenBatch> cache;
  auto gradient = zeros_like(model);
  freeze(model, "embed.*");
  freeze(model, "read.*");
  freeze(model, "pool.*");
  Matrix<float> dy = model.forward({}, x, cache);
  model.backward(x, dy, cache, gradient);
  CHECK(global_norm(gradient.read) == 0);
  CHECK(global_norm(gradient.head) > 0);

  thaw(model, "embed.*");  // what is frozen passes on what something below it learns from
  freeze(model, "head.*");
  dy = model.forward({}, x, cache);
  set_zero(gradient);
  model.backward(x, dy, cache, gradient);
  CHECK(global_norm(gradient.embed) > 0);
  CHECK(global_norm(gradient.read) == 0);
}

TEST_CASE("a state is carried from window to window, and starts a call where it is told to") {
  Deep<double> model(2);
  randomize(model, Rng(1));
  using In = PackedSequence<double>;
  const In whole = series(3, {6, 6}),
           first{whole.values.leftCols(6), Packing::from_lengths(std::vector<Index>{3, 3}, 3)},
           second{whole.values.rightCols(6), first.packing};
  CacheFor<Deep<double>, In> cache;
  const Matrix<double> expected = model.forward({}, whole, cache).values;
  Deep<double>::State state;
  CHECK(model.forward({}, first, cache, {nullptr, &state}).values == expected.leftCols(6));
  CHECK(model.forward({}, second, cache, {&state, &state}).values.isApprox(expected.rightCols(6), 1e-14));
  std::vector<std::string> names;
  visit_state([&](const Path& path, const auto&) { names.push_back(path.str()); }, state);
  CHECK(names == std::vector<std::string>{"layers.0.h", "layers.1.h"});

  // The first call starts from what was carried in, and the last call's state is carried out.
  Loop<double> loop;
  randomize(loop, Rng(2));
  Loop<double>::State start, end;
  CacheFor<Loop<double>, In> loop_cache;
  loop.forward({}, series(3, {1, 1}), loop_cache, {nullptr, &start});
  const In x = series(3, {2, 2});
  loop.forward({}, x, loop_cache, {&start, &end});
  CacheFor<Recurrent<Lstm<double>>, In> turn_cache;
  Recurrent<Lstm<double>>::State h = std::get<0>(start.parts);
  const In first_turn = loop.turn.forward({}, x, turn_cache, {&h, &h});
  loop.turn.forward({}, first_turn, turn_cache, {&h, &h});
  CHECK(std::get<0>(end.parts).fields[0] == h.fields[0]);
  CHECK(std::get<0>(end.parts).fields[1] == h.fields[1]);
}

TEST_CASE("errors name the part, and what is no part, or of another batch, is refused") {
  struct Wrong : Composite<Wrong> {
    Dense<> in{3, 5};
    AttentionPool<> pool{4, 2};
    UNROLL_PARTS(in, pool)
    auto operator()(Wiring& run, Node<PackedSequence<>> x) const { return run(pool, run(in, x)); }
  };
  const auto x = random_sequences<float>(3, std::vector<Index>{4, 2}, 4);
  CacheFor<Wrong, PackedSequence<>> wrong_cache;
  CHECK(message_of([&] { Wrong().forward({}, x, wrong_cache); }) ==
        "layer pool.hidden: Dense: input has 5 features, expected 4");

  struct Copies : Composite<Copies> {
    Dense<> in{3, 5};
    UNROLL_PARTS(in)
    auto operator()(Wiring& run, Node<PackedSequence<>> y) const {
      const auto mine = in;
      return run(mine, y);
    }
  };
  CacheFor<Copies, PackedSequence<>> copies_cache;
  CHECK(message_of([&] { Copies().forward({}, x, copies_cache); }) ==
        "run: Dense 3 -> 5 is not one of the model's parts (UNROLL_PARTS), or a copy of one");

  Deep<float> model(2), longer(3);
  CacheFor<Deep<float>, PackedSequence<>> cache;
  auto gradient = zeros_like(model), wrong_gradient = zeros_like(longer);
  PackedSequence<> dy = random_sequences<float>(2, std::vector<Index>{4, 2}, 4);
  const std::string unready =
      "Composite: backward without a forward pass of the same batch, the very same object, before it";
  CHECK(message_of([&] { model.backward(x, dy, cache, gradient); }) == unready);
  model.forward({}, x, cache);
  const auto copy = x;
  CHECK(message_of([&] { model.backward(copy, dy, cache, gradient); }) == unready);
  CHECK(message_of([&] { longer.backward(x, dy, cache, longer); }) == unready);
  CHECK(message_of([&] { model.backward(x, dy, cache, wrong_gradient); }) ==
        "Composite: another model has 3 parts in a list, expected 2");
  dy.values.resize(3, 6);
  CHECK(message_of([&] { model.backward(x, dy, cache, gradient); }).find("layer out: Dense: dy is 3 x 6") == 0);
  Deep<float>::State state;
  longer.forward({}, x, cache, {nullptr, &state});
  CHECK(message_of([&] { model.forward({}, x, cache, {&state, nullptr}); }) ==
        "Composite: the state has 3 parts in a list, expected 2");
}

namespace {
/// Turns that pass through a layer which gives what it was given; some outputs are kept until the end.
struct Turns : Composite<Turns> {
  Recurrent<Lstm<>> turn{Lstm{3, 3}};
  Dropout<> drop{0.5};
  Dense<> squash{3, 3};
  Index every = 1'000'000;
  UNROLL_PARTS(turn, drop, squash)
  auto operator()(Wiring& run, Node<PackedSequence<>> x) const {
    auto h = run(turn, x);
    auto passed = run(drop, run(squash, h));
    std::vector<Node<PackedSequence<>>> kept{passed};
    for (Index t = 1; t < x->packing.steps(); ++t) {
      h = run(turn, passed, from(h.state));
      passed = run(drop, run(squash, h - passed));
      if (t % every == 0) kept.push_back(passed);
    }
    for (const auto& one : kept) passed = passed + one;
    return mean_over_time(passed);
  }
};
}  // namespace

TEST_CASE("inference keeps nothing from turn to turn of a loop, but what is still to be read") {
  Turns model;
  randomize(model, Rng(4));
  const auto series = [](Index steps) {
    return random_sequences<float>(3, std::vector<Index>{steps, 2, steps}, steps);
  };
  const Context inference{.gradients = false};
  CacheFor<Turns, PackedSequence<>> cache, kept;
  const auto check = [&](Index steps) {
    const auto x = series(steps);
    const Matrix<> expected = model.forward({}, x, kept);
    CHECK(model.forward(inference, x, cache) == expected);
    // Also with the records of a pass that kept them all.
    CHECK(model.forward(inference, x, kept) == expected);
    CHECK(output_of<PackedSequence<>>(cache, model.turn).values ==
          output_of<PackedSequence<>>(kept, model.turn).values);
  };
  check(6);
  const std::size_t few = cache.tape.size();
  CHECK(few < 16);
  check(60);
  CHECK(cache.tape.size() == few);
  model.every = 10;
  check(60);
  CHECK(cache.tape.size() > few);
  CHECK(cache.tape.size() < few + 40);

  const auto x = series(4);
  model.forward(inference, x, cache);
  auto gradient = zeros_like(model);
  CHECK(message_of([&] { model.backward(x, Matrix<>(Matrix<>::Zero(3, 3)), cache, gradient); }) ==
        "Composite: backward without a forward pass before it that kept its gradients (Context::gradients)");
  model.forward({}, x, cache);
  CHECK_NOTHROW(model.backward(x, Matrix<>(Matrix<>::Zero(3, 3)), cache, gradient));
}

namespace {
struct Two {
  Matrix<> first, second;
};
struct Join {
  template <class A, class B> using Output = Two;
  template <class A, class B> struct Cache {
    Two y;
  };
  const Two& forward(const Matrix<>& a, const Matrix<>& b, Cache<Matrix<>, Matrix<>>& c) const {
    c.y.first = a, c.y.second = b;
    return c.y;
  }
  Nothing backward(const Matrix<>&, const Matrix<>&, const Two&, Cache<Matrix<>, Matrix<>>&) const { return {}; }
};
struct Second {
  template <class X> using Output = Matrix<>;
  template <class X> struct Cache {};
  const Matrix<>& forward(const Two& x, Cache<Two>&) const { return x.second; }
  Nothing backward(const Two&, const Matrix<>&, Cache<Two>&) const { return {}; }
};
struct Taken : Composite<Taken> {
  Dense<> a{3, 3};
  mutable Node<Matrix<>> kept;
  UNROLL_PARTS(a)
  auto operator()(Wiring& run, Node<Matrix<>> x) const {
    const auto second = [&](const Node<Matrix<>>& v) { return apply(Second{}, apply(Join{}, v, run(a, v))); };
    const auto one = second(x), other = second(one);
    kept = one;
    return one + other;
  }
};
}  // namespace

TEST_CASE("what a function gives of its input as it is stays in inference; a node may outlive the cache") {
  Taken model;
  randomize(model, Rng(4));
  const Matrix<> x = Matrix<>(Eigen::MatrixXf::Random(3, 4));
  for (int k = 0; k < 2; ++k) {
    CacheFor<Taken, Matrix<>> cache, kept;
    const Matrix<> expected = model.forward({}, x, kept);
    CHECK(model.forward({.gradients = false}, x, cache) == expected);
  }
}
