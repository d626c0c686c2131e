#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/functions_over_time.hpp>
#include <unroll/layer/ngram_embedding.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/wiring.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

namespace {

using namespace unroll;

/// Ragged, with an empty sequence and one of length 1.
TokenBatch ragged_tokens() {
  const Packing p = Packing::from_lengths(ragged_lengths(), 6);
  std::vector<std::int32_t> ids;
  for (Index n = 0; n < p.total(); ++n) ids.push_back(static_cast<std::int32_t>(n * n % 7));
  return {ids, p};
}
TokenBatch one_text(const std::vector<std::int32_t>& text) {
  const auto T = static_cast<Index>(text.size());
  return {text, Packing::from_lengths(std::vector{T}, T)};
}
template <class L> Matrix<double> vectors_of(const L& layer, const TokenBatch& x, Carry<typename L::State> carry = {}) {
  CacheFor<L, TokenBatch> cache;
  return layer.forward(Context{}, x, cache, carry).values;
}

struct Judge : Composite<Judge, double> {
  Embedding<double> embed{7, 3};
  NgramEmbedding<double> groups{50, 3, {.longest = 3}};
  Recurrent<Gru<double>> read{Gru<double>{3, 4}};
  Dense<double> head{7, 2};
  UNROLL_PARTS(embed, groups, read, head)
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto e = run(embed, x) + run(groups, x);
    return run(head, concat_rows(mean_over_time(e), mean_over_time(run(read, e))));
  }
};

}  // namespace

TEST_CASE("backward of an n-gram embedding is the gradient, alone and beside an embedding") {
  for (const Index longest : {2, 4}) {
    Sequential layer{NgramEmbedding<double>(30, 4, {.longest = longest})};
    randomize(layer, Rng(3));
    const auto report = check_gradient(layer, ragged_tokens(), {.initial_state = false});
    INFO(report.str());
    CHECK(report.passed());
  }
  Judge model;
  randomize(model, Rng(4));
  const auto report = check_gradient(model, ragged_tokens(), {.initial_state = false});
  INFO(report.str());
  CHECK(report.passed());
}

TEST_CASE("a step's vector is the sum of its groups', which depend on the tokens and their order alone") {
  NgramEmbedding<double> pairs(1000, 2), triples(1000, 2, {.longest = 3});
  randomize(pairs, Rng(5));
  triples.weight = pairs.weight;
  const Matrix<double> y = vectors_of(pairs, one_text({4, 9, 4, 9, 9, 4}));
  CHECK(y.col(0).isZero(0));
  CHECK(y.col(1) == y.col(3));
  CHECK(y.col(2) == y.col(5));
  CHECK(y.col(1) != y.col(2));
  const Matrix<double> z = vectors_of(triples, one_text({4, 9, 4, 9, 9, 4}));
  CHECK(z.leftCols(2) == y.leftCols(2));
  CHECK(z.col(2) != y.col(2));
  // "9 9 4" here and there
  CHECK(vectors_of(triples, one_text({9, 9, 4})).col(2) == z.col(5));
}

TEST_CASE("an n-gram embedding goes on where a text was left, window by window and token by token") {
  NgramEmbedding<double> layer(1000, 3, {.longest = 4});
  randomize(layer, Rng(6));
  const std::vector<std::int32_t> ids{3, 1, 4, 1, 5, 9, 2, 6, 5};
  const Matrix<double> whole = vectors_of(layer, one_text(ids));
  for (const std::size_t window : {1u, 2u, 5u}) {
    NgramState<double> state{Matrix<double>::Zero(3, 1)};
    for (std::size_t first = 0; first < ids.size(); first += window) {
      const std::vector<std::int32_t> part(
          ids.begin() + static_cast<std::ptrdiff_t>(first),
          ids.begin() + static_cast<std::ptrdiff_t>(std::min(first + window, ids.size())));
      const auto y = vectors_of(layer, one_text(part), {&state, &state});
      CHECK(y == whole.middleCols(static_cast<Index>(first), static_cast<Index>(part.size())));
    }
  }
  // States are in the user's order, and those of a sequence that has no step stay as they are.
  const TokenBatch x = ragged_tokens();
  NgramState<double> state{Matrix<double>::NullaryExpr(3, 4, [](Index k, Index b) { return 1.0 + double(3 * b + k); })};
  const NgramState<double> before = state;
  vectors_of(layer, x, {&state, &state});
  CHECK(state.ids.col(2) == before.ids.col(2));
  CHECK(state.ids(0, 0) == x.ids[static_cast<std::size_t>(x.packing.offset(0) + 2)] + 1);
  CHECK(state.ids(1, 0) == before.ids(0, 0));
  CHECK(state.ids.col(1) != before.ids.col(1));
}

TEST_CASE("an n-gram embedding gives the same bits for any number of threads") {
  std::vector<std::int32_t> ids;
  for (std::int32_t n = 0; n < 2000; ++n) ids.push_back(n * n % 97);
  const TokenBatch x = one_text(ids);
  NgramEmbedding<double> layer(500, 70);
  randomize(layer, Rng(7));
  const auto run = [&](int threads) {
    set_threads(threads);
    CacheFor<decltype(layer), TokenBatch> cache;
    PackedSequence<double> y = layer.forward(Context{}, x, cache);
    auto gradient = zeros_like(layer);
    layer.backward(x, y, cache, gradient);
    set_threads(0);
    return std::pair{y.values, Matrix<double>(gradient.weight)};
  };
  CHECK(run(1) == run(3));
}

TEST_CASE("an n-gram embedding says what is wrong with what it is given") {
  CHECK_THROWS_WITH_AS(NgramEmbedding<>(0, 3), doctest::Contains("NgramEmbedding"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(NgramEmbedding<>(10, 3, {.longest = 1}), doctest::Contains("expected 2 to 16"),
                       std::invalid_argument);
  NgramEmbedding<double> layer(10, 3);
  CHECK_THROWS_WITH_AS(vectors_of(layer, one_text({1, -2})), doctest::Contains("token id -2 of sequence 0 at step 1"),
                       std::invalid_argument);
  NgramState<double> state{Matrix<double>::Zero(2, 1)};
  CHECK_THROWS_WITH_AS(vectors_of(layer, one_text({1, 2}), {&state, nullptr}), doctest::Contains("expected 1 x 1"),
                       std::invalid_argument);
}
