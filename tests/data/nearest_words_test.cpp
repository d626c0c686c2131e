#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/nearest_words.hpp>

#include "../support/not_finite.hpp"

namespace nearest {
using unroll::WordVectors;

WordVectors compass() {
  unroll::Matrix<float> at(2, 5);
  at << 1, 2, 0, -1, 0,  //
      0, 2, 3, 0, 0;
  return WordVectors({"east", "northeast", "north", "west", "nowhere"}, at);
}
std::vector<std::string> neighbors(const std::vector<unroll::Neighbor>& of) {
  std::vector<std::string> all;
  for (const auto& neighbor : of) all.push_back(neighbor.word);
  return all;
}
using Words = std::vector<std::string>;
}  // namespace nearest

TEST_CASE("the nearest words are those in the same direction, however long their vectors are") {
  using namespace nearest;
  const auto of = unroll::nearest_words(compass(), "east", 9);
  CHECK(neighbors(of) == Words{"northeast", "north", "nowhere", "west"});
  CHECK(of[0].cosine == doctest::Approx(std::sqrt(0.5)));
  CHECK(of[1].cosine == 0);
  CHECK(of[3].cosine == -1);
  CHECK(neighbors(unroll::nearest_words(compass(), "east", 2)) == Words{"northeast", "north"});
  CHECK(neighbors(unroll::nearest_words(compass(), Eigen::Vector2f(0.1f, 0), 2)) == Words{"east", "northeast"});
  CHECK(neighbors(unroll::nearest_words(compass(), Eigen::Vector2f(0, 0), 2)) == Words{"east", "northeast"});
}

TEST_CASE("the largest floats have cosines, too") {
  using namespace nearest;
  constexpr float most = std::numeric_limits<float>::max();
  unroll::Matrix<float> at(2, 2);
  at << most, most,  //
      most, -most;
  const auto of = unroll::nearest_words(WordVectors({"up", "down"}, at), Eigen::Vector2f(most, most));
  CHECK(of[0].cosine == doctest::Approx(1));
  CHECK(of[1].cosine == doctest::Approx(0));
}

TEST_CASE("an analogy goes from one word as far as between two others") {
  using namespace nearest;
  unroll::Matrix<float> at(3, 5);
  at << 1, 1, 0, 0, 1,   // male
      0, 0, 1, 1, 0,     // female
      0, 4, 0, 4, 0.1f;  // royal
  const WordVectors vectors({"man", "king", "woman", "queen", "boy"}, at);
  CHECK(neighbors(unroll::analogy(vectors, "man", "king", "woman", 1)) == Words{"queen"});
  CHECK(neighbors(unroll::analogy(vectors, "king", "man", "queen")) == Words{"boy", "woman"});
}

TEST_CASE("words that are not there have no neighbors, nor has what is no vector") {
  using namespace nearest;
  const auto of = compass();
  CHECK_THROWS_WITH_AS(unroll::nearest_words(of, "East"), "WordVectors: there is no word 'East'",
                       std::invalid_argument);
  CHECK_THROWS_AS(unroll::analogy(of, "east", "west", "south"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(unroll::nearest_words(of, Eigen::Vector3f(1, 2, 3)),
                       "nearest_words: a vector of 3 numbers, expected 2", std::invalid_argument);
  CHECK_THROWS_AS(unroll::nearest_words(of, Eigen::Vector2f(1, not_finite::nan<float>())), std::invalid_argument);
  CHECK_THROWS_AS(unroll::nearest_words(of, "east", 0), std::invalid_argument);
}
