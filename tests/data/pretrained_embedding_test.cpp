#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/encode.hpp>
#include <unroll/data/pretrained_embedding.hpp>

namespace pretrained {
using unroll::Embedding;
using unroll::Index;
using unroll::Vocabulary;
using unroll::WordVectors;

const Vocabulary vocabulary = Vocabulary::from_tokens({"<PAD>", "<OOV>", "the", "The", "ÉTÉ", "zzz", "yyy"});
WordVectors vectors() {
  unroll::Matrix<float> of(2, 3);
  of << 1, 3, 5,  //
      10, 10, 10;
  return WordVectors({"the", "été", "other"}, of);
}
}  // namespace pretrained

TEST_CASE("an embedding's rows are the vectors of their words, or of their lower case") {
  using namespace pretrained;
  Embedding<double> embedding(7, 2, {.padding = 0});
  const auto coverage = unroll::fill_embedding(embedding, vocabulary, vectors());
  CHECK(embedding.weight.col(2) == Eigen::Vector2d(1, 10));
  CHECK(embedding.weight.col(3) == Eigen::Vector2d(1, 10));
  CHECK(embedding.weight.col(4) == Eigen::Vector2d(3, 10));
  CHECK(embedding.weight.trainable);
  CHECK(coverage.found.words == 1);
  CHECK(coverage.lower_case.words == 2);
  CHECK(coverage.missing.words == 2);
  CHECK(coverage.share_of_words() == doctest::Approx(0.6));
  CHECK(coverage.share_of_tokens() == 0);

  const auto strict = unroll::fill_embedding(embedding, vocabulary, vectors(), {.lower_case = false});
  CHECK(strict.lower_case.words == 0);
  CHECK(strict.missing.words == 4);
}

TEST_CASE("padding is zero where the embedding has one, and other rows without a vector are drawn by seed and id") {
  using namespace pretrained;
  Embedding<float> embedding(7, 2, {.padding = 0}), ordinary(7, 2), again(7, 2), other(7, 2);
  unroll::fill_embedding(embedding, vocabulary, vectors());
  unroll::fill_embedding(ordinary, vocabulary, vectors());
  unroll::fill_embedding(again, vocabulary, vectors());
  unroll::fill_embedding(other, vocabulary, vectors(), {.seed = 1});
  CHECK(embedding.weight.col(0).isZero(0));
  CHECK(ordinary.weight(0, 0) != 0);
  CHECK(ordinary.weight == again.weight);
  CHECK(ordinary.weight.col(5) == embedding.weight.col(5));
  CHECK(ordinary.weight.col(5) != other.weight.col(5));
  CHECK(ordinary.weight.col(5) != ordinary.weight.col(6));
  CHECK(ordinary.weight.col(1) != ordinary.weight.col(5));
  CHECK(ordinary.weight.row(1).isConstant(10));  // where the vectors are all the same, so is what is drawn

  const auto with_unknown =
      Vocabulary::from_tokens({"<PAD>", "<unk>", "the"}, unroll::WhitespaceTokenizer{}, "", "<unk>");
  Embedding<float> small(3, 1);
  unroll::fill_embedding(small, with_unknown,
                         WordVectors({"<unk>", "the"}, unroll::Matrix<float>(Eigen::RowVector2f(7, 8))));
  CHECK(small.weight(0, 1) == 7);
}

TEST_CASE("what is drawn has the mean and the deviation of the vectors, dimension by dimension") {
  using namespace pretrained;
  std::vector<std::string> tokens{"<PAD>", "<OOV>"};
  while (tokens.size() < 4000) tokens.push_back("w" + std::to_string(tokens.size()));
  const auto many = Vocabulary::from_tokens(tokens);
  unroll::Matrix<float> of(2, 2);
  of << 1, 3,  //
      -40, 40;
  Embedding<double> embedding(4000, 2);
  unroll::fill_embedding(embedding, many, WordVectors({"a", "b"}, of));
  const Eigen::VectorXd mean = embedding.weight.rowwise().mean();
  const Eigen::VectorXd variance = (embedding.weight.colwise() - mean).array().square().rowwise().mean();
  CHECK(mean(0) == doctest::Approx(2).epsilon(0.05));
  CHECK(std::abs(mean(1)) < 2);
  CHECK(std::sqrt(variance(0)) == doctest::Approx(1).epsilon(0.05));
  CHECK(std::sqrt(variance(1)) == doctest::Approx(40).epsilon(0.05));
}

TEST_CASE("coverage counts words and how often they occur, and names the most frequent missing ones") {
  using namespace pretrained;
  const unroll::TokenDataset data({{2, 2, 2, 3, 5, 1}, {}, {6, 6, 4, 2, 0}});
  const auto counts = unroll::token_counts(data, vocabulary.size());
  CHECK(counts == std::vector<Index>{1, 1, 4, 1, 1, 1, 2});
  Embedding<float> embedding(7, 2, {.padding = 0});
  const auto coverage = unroll::fill_embedding(embedding, vocabulary, vectors(), {.counts = counts});
  CHECK(coverage.found.tokens == 4);
  CHECK(coverage.lower_case.tokens == 2);
  CHECK(coverage.missing.tokens == 3);
  CHECK(coverage.share_of_tokens() == doctest::Approx(6.0 / 9));
  CHECK(coverage.missing_words == std::vector<std::pair<std::string, Index>>{{"yyy", 2}, {"zzz", 1}});
  CHECK(coverage.str() ==
        "                    words                 tokens\n"
        "found                   1   20.0 %             4   44.4 %\n"
        "in lower case           2   40.0 %             2   22.2 %\n"
        "missing                 2   40.0 %             3   33.3 %\n"
        "most frequent missing: yyy (2), zzz (1)\n");
  const auto one = unroll::fill_embedding(embedding, vocabulary, vectors(), {.missing_words = 1});
  CHECK(one.str() ==
        "                    words\n"
        "found                   1   20.0 %\n"
        "in lower case           2   40.0 %\n"
        "missing                 2   40.0 %\n"
        "missing: zzz, ..\n");
}

TEST_CASE("an embedding that does not fit the vectors or the vocabulary stays as it is") {
  using namespace pretrained;
  Embedding<float> wide(7, 3), small(6, 2), fits(7, 2);
  CHECK_THROWS_WITH_AS(unroll::fill_embedding(wide, vocabulary, vectors()),
                       "fill_embedding: the embedding has 3 features, the vectors have 2 numbers",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(unroll::fill_embedding(small, vocabulary, vectors()),
                       "fill_embedding: the embedding has 6 tokens, the vocabulary has 7", std::invalid_argument);
  CHECK_THROWS_AS(unroll::fill_embedding(fits, vocabulary, WordVectors()), std::invalid_argument);
  CHECK_THROWS_AS(unroll::fill_embedding(fits, vocabulary, vectors(), {.counts = {1, 2}}), std::invalid_argument);
  CHECK_THROWS_AS(unroll::fill_embedding(fits, vocabulary, vectors(), {.counts = {1, 1, 1, 1, 1, 1, -1}}),
                  std::invalid_argument);
  CHECK_THROWS_AS(unroll::fill_embedding(fits, vocabulary, vectors(), {.missing_words = -1}), std::invalid_argument);
  CHECK(fits.weight.isZero(0));
  CHECK_THROWS_AS(
      static_cast<void>(unroll::token_counts(unroll::TokenDataset(std::vector<std::vector<std::int32_t>>{{7}}), 7)),
      std::invalid_argument);
}
