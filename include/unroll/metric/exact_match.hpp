// The share of answers that are right as a whole.
#pragma once

#include <cstddef>
#include <vector>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// The share, 0 to 1, of hypotheses that equal their reference. A sentence is a string or a vector of tokens. Throws
/// where the numbers of sentences differ and where there is none.
template <class Sentence>
double exact_match(const std::vector<Sentence>& hypotheses, const std::vector<Sentence>& references) {
  require(hypotheses.size() == references.size(), "exact_match: ", hypotheses.size(), " hypotheses and ",
          references.size(), " references, expected as many");
  require(!hypotheses.empty(), "exact_match: no hypothesis, expected at least one");
  std::size_t equal = 0;
  for (std::size_t n = 0; n < hypotheses.size(); ++n) equal += hypotheses[n] == references[n] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(hypotheses.size());
}

}  // namespace unroll::inline UNROLL_ABI
