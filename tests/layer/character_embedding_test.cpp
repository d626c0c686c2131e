// Words by their characters: what a step is, what it depends on, its gradient and its mistakes.
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/layer/character_embedding.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/functions.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/testing/check_gradient.hpp>

namespace {

using namespace unroll;
using Reader = CharacterEmbedding<Gru<double>>;
using Texts = std::vector<std::string>;

TokenBatch pack_ids(const std::vector<std::vector<std::int32_t>>& ids) {
  const std::vector<std::span<const std::int32_t>> spans(ids.begin(), ids.end());
  TokenBatch x;
  pack_tokens(spans, x);
  return x;
}
/// Letters as 1, 2, ..; a '.' ends each word.
TokenBatch letters(const Texts& sentences) {
  std::vector<std::vector<std::int32_t>> ids;
  for (const std::string& sentence : sentences) {
    auto& to = ids.emplace_back();
    for (const char c : sentence) to.push_back(c == '.' ? 0 : c - 'a' + 1);
  }
  return pack_ids(ids);
}
/// Ragged, with an empty sentence, one of a single character, words without characters, and words that are there twice.
Texts ragged_sentences() { return {"a.", "abc.b..abc.cab.", "", ".", "b.abc.aaaa."}; }
Reader random_layer(std::uint64_t seed) {
  Reader layer(5, Gru<double>{3, 2});
  randomize(layer, Rng(seed));
  return layer;
}
PackedSequence<double> words_of(const Reader& layer, const TokenBatch& x) {
  CacheFor<Reader, TokenBatch> cache;
  return layer.forward(Context{}, x, cache);
}
/// What a tagger reads.
struct WordsAndCharacters : Composite<WordsAndCharacters, double> {
  Embedding<double> words{3, 2};
  Reader characters{5, Gru<double>{3, 2}};
  UNROLL_PARTS(words, characters)
  auto operator()(Wiring& run, Node<TokenBatch> word, Node<TokenBatch> letters) const {
    return concat_rows(run(words, word), run(characters, letters));
  }
};

}  // namespace

TEST_CASE("backward of a character embedding is the gradient, of sentences of all kinds") {
  for (const Texts& sentences : {ragged_sentences(), Texts{"", ""}, Texts{"..", "."}, Texts{"ab."}}) {
    const auto report = check_gradient(random_layer(3), letters(sentences), {.initial_state = false});
    INFO(report.str());
    CHECK(report.passed());
  }
}

TEST_CASE("a word's vector is the final states of its characters alone, wherever it stands") {
  const Reader layer = random_layer(4);
  const PackedSequence<double> y = words_of(layer, letters(ragged_sentences()));
  CHECK(y.packing == Packing::from_lengths(std::vector<Index>{1, 5, 0, 1, 3}, 5));
  CHECK(y.values.rows() == layer.outputs());
  // Sorted: "abc b _ abc cab", "b abc aaaa", "a", "_", "".
  const auto at = [&](Index t, Index j) { return y.values.col(y.packing.offset(t) + j); };
  CHECK(at(0, 0) == at(3, 0));
  CHECK(at(0, 0) == at(1, 1));
  CHECK(at(1, 0) == at(0, 1));
  CHECK(at(0, 0) != at(4, 0));  // the same letters in another order
  CHECK(at(2, 0).isZero(0));
  CHECK(at(0, 3).isZero(0));
  using Place = std::tuple<std::string, Index, Index>;
  for (const auto& [word, t, j] : {Place{"abc", 0, 0}, Place{"cab", 4, 0}, Place{"aaaa", 2, 1}, Place{"a", 0, 2}}) {
    CAPTURE(word);
    Sequential by_hand{layer.embed, layer.read};
    CacheFor<decltype(by_hand), TokenBatch> cache;
    CHECK(at(t, j).isApprox(by_hand.forward(Context{}, letters({word}), cache).col(0), 1e-14));
  }
}

TEST_CASE("equal words of a batch are read once" * doctest::test_suite("bits")) {
  const Reader layer = random_layer(5);
  CacheFor<Reader, TokenBatch> cache;
  layer.forward(Context{}, letters(ragged_sentences()), cache);
  CHECK(cache.words.distinct() == 6);
  CHECK(cache.words.characters.ids.size() == 3 + 1 + 3 + 4 + 1);
}

TEST_CASE("a character embedding gives the same bits for any number of threads" * doctest::test_suite("bits")) {
  Texts sentences;
  for (int k = 0; k < 40; ++k) {
    std::string& sentence = sentences.emplace_back();
    for (int n = 0; n < 5 + k; ++n)
      sentence += std::string{char('a' + k * n % 4), char('a' + k % 3)} + (n % 3 == 0 ? "." : "d.");
  }
  const TokenBatch x = letters(sentences);
  const Reader layer = random_layer(6);
  const auto run = [&](int threads) {
    set_threads(threads);
    CacheFor<Reader, TokenBatch> cache;
    const PackedSequence<double> y = layer.forward(Context{}, x, cache);
    Reader gradient = zeros_like(layer);
    layer.backward(x, y, cache, gradient);
    set_threads(0);
    std::vector<Matrix<double>> all{y.values};
    visit([&](const Path&, const auto& p) { all.push_back(Matrix<double>(p)); }, gradient);
    return all;
  };
  const auto one = run(1);
  for (const int threads : {2, 5}) CHECK(run(threads) == one);
}

TEST_CASE("a frozen table of characters gets no gradient, and the layer behind it does") {
  Reader layer = random_layer(7);
  freeze(layer, "embed.*");
  const auto report = check_gradient(layer, letters(ragged_sentences()), {.initial_state = false});
  INFO(report.str());
  CHECK(report.passed());
  CHECK(report.elements > 0);
}

TEST_CASE("a character embedding names its parts and says what is wrong") {
  const Reader layer = random_layer(8);
  std::string names;
  visit([&](const Path& path, const auto&) { names += path.str() + " "; }, layer);
  CHECK(names.starts_with("embed.weight read.weight_ih_l0 "));
  CHECK(layer.describe() == "CharacterEmbedding (embed: Embedding 5 x 3, read: " + layer.read.describe() + ")");

  CacheFor<Reader, TokenBatch> cache;
  const auto forward = [&](const TokenBatch& x) { layer.forward(Context{}, x, cache); };
  CHECK_THROWS_WITH_AS(forward(letters({"a.", "b.a", ""})),
                       "CharacterEmbedding: sequence 1 ends within a word, expected the id 0 behind each of its words",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(forward(letters({"a.", "ae."})),
                       "CharacterEmbedding: character 5 of sequence 1 at step 1, expected 0 to 4",
                       std::invalid_argument);
  TokenBatch x = letters({"a.b.", "c."});
  x.ids.pop_back();
  CHECK_THROWS_WITH_AS(forward(x), "CharacterEmbedding: input has 5 ids, its packing 6", std::invalid_argument);

  x = letters({"a.b.", "c."});
  forward(x);
  Reader gradient = zeros_like(layer);
  PackedSequence<double> dy = cache.y;
  dy.values.resize(3, 3);
  CHECK_THROWS_WITH_AS(layer.backward(x, dy, cache, gradient), "CharacterEmbedding: dy is 3 x 3, expected 4 x 3",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(layer.backward(letters({"a."}), cache.y, cache, gradient),
                       "CharacterEmbedding: backward without a forward pass of the same batch before it",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Reader(5, Gru<double>{3, 2}, {.end_of_word = 5}),
                       "CharacterEmbedding: end_of_word 5, expected 0 to 4", std::invalid_argument);
  CHECK_THROWS_AS(Reader(0, Gru<double>{3, 2}), std::invalid_argument);
}

TEST_CASE("words stand beside their characters, and the gradient goes into both") {
  WordsAndCharacters model;
  randomize(model, Rng(9));
  const auto report =
      check_gradient(model,
                     Inputs<TokenBatch, TokenBatch>{
                         {pack_ids({{0}, {2, 1, 0, 0, 1}, {}, {2}, {1, 0, 1}}), letters(ragged_sentences())}},
                     {.initial_state = false});
  INFO(report.str());
  CHECK(report.passed());
  Inputs<TokenBatch, TokenBatch> x{{pack_ids({{0, 1}}), letters({"a."})}};
  CacheFor<WordsAndCharacters, Inputs<TokenBatch, TokenBatch>> cache;
  CHECK_THROWS_AS(model.forward(Context{}, x, cache), std::invalid_argument);
}
