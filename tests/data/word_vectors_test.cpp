#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/word_vectors.hpp>

#include "../support/not_finite.hpp"

namespace word_vectors {
using unroll::Matrix;
using unroll::WordVectors;

Matrix<float> ones(unroll::Index rows, unroll::Index cols) { return Matrix<float>::Ones(rows, cols); }
}  // namespace word_vectors

TEST_CASE("a word's vector is the column with its name") {
  using namespace word_vectors;
  Matrix<float> of = ones(2, 3);
  of.col(1) << 5, 6;
  const WordVectors vectors({"a", "B", "c"}, of);
  CHECK(vectors.size() == 3);
  CHECK(vectors.width() == 2);
  CHECK(vectors["B"] == Eigen::Vector2f(5, 6));
  CHECK(vectors.find("c") == 2);
  CHECK(vectors.word(2) == "c");
  CHECK(vectors.contains("B"));
  CHECK_FALSE(vectors.contains("b"));
  CHECK(vectors.find("b") == WordVectors::not_found);
  CHECK_THROWS_WITH_AS(static_cast<void>(vectors["b"]), "WordVectors: there is no word 'b'", std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(vectors.word(3)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(vectors.word(-1)), std::invalid_argument);
  const WordVectors none;
  CHECK(none.size() == 0);
  CHECK_FALSE(none.contains(""));
}

TEST_CASE("words and vectors that do not fit each other are refused") {
  using namespace word_vectors;
  using Words = std::vector<std::string>;
  CHECK_THROWS_WITH_AS(WordVectors({"a", "b"}, ones(2, 3)), "WordVectors: 2 words for 3 vectors",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(WordVectors({"a", "b\n\xFF", "b\n\xFF"}, ones(2, 3)),
                       "WordVectors: the word 'b?\xEF\xBF\xBD' is there twice", std::invalid_argument);
  CHECK_THROWS_WITH_AS(WordVectors({"a", ""}, ones(2, 2)), "WordVectors: a word is empty", std::invalid_argument);
  CHECK_THROWS_AS(WordVectors(Words{}, ones(2, 0)), std::invalid_argument);
  CHECK_THROWS_AS(WordVectors({"a", "b"}, ones(0, 2)), std::invalid_argument);
  Matrix<float> bad = ones(2, 2);
  bad(1, 1) = not_finite::nan<float>();
  CHECK_THROWS_WITH_AS(WordVectors({"a", "b"}, bad), "WordVectors: number 2 of 'b' is not finite",
                       std::invalid_argument);
}
