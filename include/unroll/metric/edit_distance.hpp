// How many edits lie between what was written and what is right.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ranges>
#include <vector>

#include <unroll/core/config.hpp>
#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// The least number of tokens to be replaced, left out and put in so that a becomes b (Levenshtein 1966). Any two
/// containers whose elements compare: labels, words, the bytes of a string. Time is O(size of a * size of b), memory
/// O(size of b).
template <std::ranges::random_access_range A, std::ranges::random_access_range B>
Index edit_distance(const A& a, const B& b) {
  const auto n = static_cast<Index>(std::ranges::size(b));
  std::vector<Index> distance(static_cast<std::size_t>(n) + 1);  // from the beginning of a to so much of b
  for (Index j = 0; j <= n; ++j) distance[static_cast<std::size_t>(j)] = j;
  for (const auto& token : a) {
    Index diagonal = distance[0]++;
    for (Index j = 0; j < n; ++j) {
      Index& here = distance[static_cast<std::size_t>(j) + 1];
      const Index replaced = diagonal + (token == std::ranges::begin(b)[j] ? 0 : 1);
      diagonal = here;
      here = (std::min)({replaced, here + 1, distance[static_cast<std::size_t>(j)] + 1});
    }
  }
  return distance.back();
}

/// Edits per token of the references, added up over sentences: the label, character or word error rate, by what the
/// tokens are. Above 1 where much too much was written.
struct ErrorRate {
  Index edits = 0, tokens = 0;

  template <class Sentence, class Reference> void add(const Sentence& hypothesis, const Reference& reference) {
    edits += edit_distance(hypothesis, reference);
    tokens += static_cast<Index>(std::ranges::size(reference));
  }
  ErrorRate& operator+=(const ErrorRate& other) {
    edits += other.edits, tokens += other.tokens;
    return *this;
  }
  /// Throws where the references have no token.
  double rate() const {
    require(tokens > 0, "ErrorRate: the references have no token, a rate needs at least one");
    return static_cast<double>(edits) / static_cast<double>(tokens);
  }
  bool operator==(const ErrorRate&) const = default;
};

/// The error rate of all hypotheses together. Throws where the numbers of sentences differ, and where no reference has
/// a token.
template <class Sentence>
double error_rate(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references) {
  require(hypotheses.size() == references.size(), "error_rate: ", hypotheses.size(), " hypotheses and ",
          references.size(), " references, expected as many");
  ErrorRate errors;
  for (std::size_t n = 0; n < hypotheses.size(); ++n) errors.add(hypotheses[n], references[n]);
  return errors.rate();
}

}  // namespace unroll::inline UNROLL_ABI
