// "The bank by the river was flooded": what a word means may be clear only from what comes after it.
#include <doctest/doctest.h>

#include <unroll/cell/lstm.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/train/fit.hpp>

using unroll::Index;

namespace {

constexpr std::int32_t bank = 1, river = 2, money = 3, filler = 4, words = 10;
constexpr Index no_label = -100;

/// Sentences of fillers with a `bank` somewhere and, one to five words further right, what kind of bank it is. Only the
/// step of `bank` has a label.
unroll::TokenDataset sentences(Index n, std::uint64_t seed) {
  unroll::Rng rng(seed);
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::vector<Index>> labels;
  for (Index k = 0; k < n; ++k) {
    const auto before = static_cast<std::size_t>(rng.below(5)), between = static_cast<std::size_t>(rng.below(5)),
               after = static_cast<std::size_t>(rng.below(3));
    const auto kind = static_cast<Index>(rng.below(2));
    auto& sentence = ids.emplace_back(before + between + after + 2);
    for (auto& id : sentence) id = filler + static_cast<std::int32_t>(rng.below(words - filler));
    sentence[before] = bank;
    sentence[before + 1 + between] = kind == 0 ? river : money;
    labels.emplace_back(sentence.size(), no_label)[before] = kind;
  }
  return unroll::TokenDataset(ids, labels);
}

/// Accuracy on sentences it has not seen.
template <class Layer> double accuracy(Layer layer, Index outputs) {
  unroll::Sequential tagger{unroll::Embedding{words, 8}, std::move(layer), unroll::Dense{outputs, 2}};
  unroll::initialize(tagger, unroll::Rng(1));
  const unroll::CrossEntropy loss{.ignore_index = no_label};
  unroll::fit(tagger, loss, unroll::Adam{.rate = 1e-2}, sentences(800, 1),
              {.epochs = 12, .batch_size = 32, .clip_norm = 1});
  const auto result = unroll::evaluate(tagger, loss, sentences(400, 2));
  CHECK(result.count == 400);
  const auto probabilities = unroll::predict(tagger, std::vector<std::int32_t>{filler, bank, river});
  CHECK(probabilities.rows() == 2);
  CHECK(probabilities.cols() == 3);
  CHECK(probabilities.col(1).sum() == doctest::Approx(1));
  return result.accuracy;
}

}  // namespace

TEST_CASE("bank: a bidirectional tagger learns what only the right-hand side tells, a forward one stays at chance") {
  CHECK(accuracy(unroll::Bidirectional{unroll::Lstm{8, 12}}, 24) == 1.0);
  const double forward = accuracy(unroll::Recurrent{unroll::Lstm{8, 24}}, 24);
  CHECK(forward > 0.4);
  CHECK(forward < 0.6);
}
