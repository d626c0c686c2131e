#include <doctest/doctest.h>

#include <unroll/cell/lstm.hpp>
#include <unroll/layer/activation_penalty.hpp>
#include <unroll/layer/attention.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/folded.hpp>
#include <unroll/layer/parallel.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/residual.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

using namespace unroll;

namespace {
ColumnWords words_of(Index columns, Index vocabulary, std::int32_t different) {
  ColumnWords words;
  words.vocabulary = vocabulary;
  for (std::int32_t j = 0; j < columns; ++j) words.ids.push_back(j * j % different);
  return words;
}
/// B sequences of T words of the first 40.
TokenBatch text(Index B, Index T) {
  std::vector<std::int32_t> ids;
  for (std::int32_t k = 0; k < B * T; ++k) ids.push_back(k * k % 41 % 40);
  return {ids, Packing::from_lengths(std::vector<Index>(static_cast<std::size_t>(B), T), T)};
}
}  // namespace

TEST_CASE("every column is the distinct word that it is said to be, and no two of those are equal, batch after batch") {
  DistinctWords distinct;
  for (const std::int32_t different : {97, 13, 50}) {
    const ColumnWords words = words_of(3000, 100, different);
    REQUIRE(distinct.find(words));
    for (Index j = 0; j < 3000; ++j)
      REQUIRE(words.ids[std::size_t(distinct.first(distinct.which(j)))] == words.ids[std::size_t(j)]);
    for (Index k = 0; k < distinct.count(); ++k) REQUIRE(distinct.which(distinct.first(k)) == k);
  }
}

TEST_CASE("where few words repeat, or there are few, nothing is found") {
  DistinctWords distinct;
  ColumnWords words;
  words.vocabulary = 5000;
  for (std::int32_t j = 0; j < 5000; ++j) words.ids.push_back(j % 4000);
  CHECK(!distinct.find(words));
  words.ids.assign(511, 0);
  CHECK(!distinct.find(words));
  words.ids.assign(512, 0);
  CHECK(distinct.find(words));
  words.ids[100] = 5000;
  CHECK_THROWS_WITH_AS(distinct.find(words), "PackedSequence::words: id 5000 of column 100, expected 0 to 4999",
                       std::invalid_argument);
}

TEST_CASE("a copy of an embedding's output, which may be changed, does not say which words it is of") {
  const Embedding<> embed(40, 3);
  CacheFor<Embedding<>, TokenBatch> cache;
  const TokenBatch batch = text(2, 3);
  const PackedSequence<>& y = embed.forward({}, batch, cache);
  CHECK(y.words.ids == batch.ids);
  CHECK(y.words.vocabulary == 40);
  PackedSequence<> copy = y;
  CHECK(copy.words.ids.empty());
  PackedSequence<> moved = std::move(cache.y);
  CHECK(moved.words.ids.empty());
  cache.y.words.ids.assign(6, 1);
  cache.y = copy;
  CHECK(cache.y.words.ids.empty());
}

TEST_CASE("words that repeat change no bit, forward and backward") {
  const auto check = [](auto layer) {
    Embedding<> embed(40, 9);
    randomize(embed, Rng(1));
    randomize(layer, Rng(2));
    const TokenBatch batch = text(16, 50);
    CacheFor<Embedding<>, TokenBatch> embedded;
    const PackedSequence<>& x = embed.forward({}, batch, embedded);
    const PackedSequence<> vectors = x;
    CacheFor<decltype(layer), PackedSequence<>> one, other;
    auto gradient = zeros_like(layer), expected = gradient;
    const auto dy = layer.forward({}, x, one);
    CHECK(values(dy) == values(layer.forward({}, vectors, other)));
    CHECK(values(layer.backward(x, dy, one, gradient)) == values(layer.backward(vectors, dy, other, expected)));
    CHECK(gradient.weight_ih == expected.weight_ih);
  };
  check(Recurrent{Lstm{9, 12}});
  check(Recurrent{Lstm{9, 12}, {.reverse = true, .recompute_every = 7}});
}

namespace {
/// An embedding of one's own that says wrongly which words its columns are.
struct Liar : Embedding<> {
  using Embedding<>::Embedding;
  template <Tokens In>
  const PackedSequence<>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    Embedding<>::forward(context, x, c, carry);
    c.y.words.ids.back() = 77;
    return c.y;
  }
  template <Tokens In>
  Nothing backward(const In& x, const PackedSequence<>& dy, Cache<In>& c, Liar& gradient, Carry<State> d = {}) const {
    return Embedding<>::backward(x, dy, c, gradient, d);
  }
};
}  // namespace

TEST_CASE("words that are not those of the columns are refused") {
  CHECK_THROWS_WITH_AS(fold_embedding(Sequential{Liar{40, 3}, Recurrent{Lstm{3, 4}}}),
                       doctest::Contains("PackedSequence::words: id 77 of column 0, expected 0 to 39"),
                       std::invalid_argument);

  const Recurrent layer{Lstm{3, 4}};
  CacheFor<Recurrent<Lstm<>>, PackedSequence<>> cache;
  PackedSequence<> x = random_sequences<float>(3, ragged_lengths(), 6);
  x.words.ids = {1, 2};
  x.words.vocabulary = 3;
  CHECK_THROWS_WITH_AS(layer.forward({}, x, cache),
                       doctest::Contains(concat_text("PackedSequence::words: 2 ids for ", x.values.cols()).c_str()),
                       std::invalid_argument);
}

namespace {
/// Its first layer reads the words, and so do two others; the attention reads their vectors.
struct Wired : Composite<Wired> {
  Embedding<> embed{1500, 5};
  Bidirectional<Lstm<>> read{Lstm{5, 4}};
  Recurrent<Lstm<>> again{Lstm{5, 3}};
  AttentionPool<> pool{5, 6};
  Dense<> head{8 + 3 + 5, 2};
  UNROLL_PARTS(embed, read, again, pool, head)
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto e = run(embed, x);
    return run(head, concat_rows(concat_rows(final_output(run(read, e)), final_output(run(again, e))), run(pool, e)));
  }
};
}  // namespace

TEST_CASE("a model of any wiring folds: every recurrent layer that reads an embedding, in one pass over the words") {
  Wired model;
  randomize(model, Rng(3));
  const Context inference{.training = false, .gradients = false};
  CacheFor<Wired, TokenBatch> cache;
  const Matrix<> expected = model.forward(inference, text(5, 9), cache);
  const Folded folded = fold_embedding(model);
  const Folded copy = folded;  // NOLINT: shares the tables
  CacheFor<Folded<Wired>, TokenBatch> folded_cache;
  CHECK((folded.forward(inference, text(5, 9), folded_cache) - expected).cwiseAbs().maxCoeff() < 1e-6);
  CHECK((copy.forward(inference.child(3), text(5, 9), folded_cache) - expected).cwiseAbs().maxCoeff() < 1e-6);
  // Where the tables are read: the weights that they were made of are not.
  TokenBatch late = text(1, 4);
  late.ids = {1499, 1100, 0, 1023};
  CHECK((folded.forward(inference, late, folded_cache) - model.forward(inference, late, cache)).cwiseAbs().maxCoeff() <
        1e-6);
}

TEST_CASE("where something reads the vectors, too, a folded model makes them") {
  const auto check = [](auto model) {
    randomize(model, Rng(3));
    const Context inference{.gradients = false};
    CacheFor<decltype(model), TokenBatch> cache;
    const Folded folded = fold_embedding(model);
    CacheFor<Folded<decltype(model)>, TokenBatch> folded_cache;
    for (const Index steps : {9, 60})
      CHECK((values(folded.forward(inference, text(12, steps), folded_cache)) -
             values(model.forward(inference, text(12, steps), cache)))
                .cwiseAbs()
                .maxCoeff() < 1e-5);
  };
  check(Sequential{Embedding{50, 8}, Dropout{0.5}, Recurrent{Lstm{8, 8}}});
  check(Sequential{Embedding{50, 8}, ActivationPenalty{{.temporal = 1}}, Recurrent{Lstm{8, 8}}});
  check(Sequential{Embedding{50, 8}, FinalState{Stack{Bidirectional{Lstm{8, 4}}, Recurrent{Lstm{8, 3}}}}});
  check(Sequential{Embedding{50, 8}, Residual{Recurrent{Lstm{8, 8}}}});
  check(Sequential{Embedding{50, 8}, Parallel{Recurrent{Lstm{8, 8}}, Dense{8, 4}}});
}

namespace {
/// The same layer reads the vectors of one embedding, and in long texts also those of another.
struct TwoTables : Composite<TwoTables> {
  Embedding<> first{40, 5}, second{40, 5}, more{90, 5};
  Recurrent<Lstm<>> read{Lstm{5, 4}}, other{Lstm{5, 4}};
  UNROLL_PARTS(first, second, more, read, other)
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const bool is_long = x->packing.steps() > 1;
    return final_output(run(read, is_long ? run(second, x) : run(first, x))) + final_output(run(other, run(more, x)));
  }
};
}  // namespace

TEST_CASE("a table is not read for other words than those it was made of") {
  TwoTables model;
  randomize(model, Rng(3));
  const Context inference{.gradients = false};
  CacheFor<TwoTables, TokenBatch> cache;
  CacheFor<Folded<TwoTables>, TokenBatch> folded_cache;
  const Folded folded = fold_embedding(model);
  for (const Index steps : {1, 20})
    CHECK((folded.forward(inference, text(3, steps), folded_cache) - model.forward(inference, text(3, steps), cache))
              .cwiseAbs()
              .maxCoeff() < 1e-5);
}

TEST_CASE("a model without a recurrent layer at its embedding does not fold") {
  const Sequential model{Embedding{9, 3}, FinalState{Stack{Recurrent{Lstm{3, 5}}}}};
  CHECK_NOTHROW(fold_embedding(model));
  const Sequential tagger{Embedding{9, 3}, Dense{3, 2}};
  CHECK_THROWS_WITH_AS(fold_embedding(tagger), doctest::Contains("fold_embedding: no recurrent layer of"),
                       std::invalid_argument);
}
