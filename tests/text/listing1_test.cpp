// Text to a (batch, length) matrix, all of it: tokenize, count, encode, pad.
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/text/padder.hpp>
#include <unroll/text/vocabulary.hpp>

TEST_CASE("five sentences become a matrix of 5 x 50 ids") {
  const std::vector<std::string> texts{
      "The film is a joy from the first scene to the last.",
      "A dull plot, dull people, and an ending I saw coming in the first scene!",
      "I didn't expect much; it's the best film I have seen all year.",
      "Two hours of my life - gone. Don't watch it.",
      "The music alone is worth the ticket, and the actors are a joy to watch.",
  };
  const auto vocabulary = unroll::Vocabulary::build(texts, {.max_size = 10'000});
  const auto padded = unroll::Padder{.length = 50}(vocabulary.encode(texts));

  CHECK(vocabulary.size() == 46);
  CHECK(padded.view().rows() == 5);
  CHECK(padded.view().cols() == 50);
  // the film is a joy from the first scene to the last; what Python's Counter gives for the same sentences
  std::vector<std::int32_t> first{2, 5, 6, 3, 7, 14, 2, 8, 9, 10, 2, 15};
  first.resize(50, 0);
  CHECK(std::vector<std::int32_t>(padded[0].begin(), padded[0].end()) == first);
  CHECK(vocabulary.decode(padded[0]) == "the film is a joy from the first scene to the last");
}
