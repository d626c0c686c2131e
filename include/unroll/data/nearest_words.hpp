// Which words have vectors in the same direction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <Eigen/Core>

#include <unroll/core/config.hpp>
#include <unroll/data/word_vectors.hpp>

namespace unroll::inline UNROLL_ABI {

struct Neighbor {
  std::string word;
  double cosine = 0;  ///< of the angle between the vectors: 1 the same direction, 0 none in common, -1 the opposite

  bool operator==(const Neighbor&) const = default;
};

/// The n words whose vectors have the largest cosine with a vector of the same width, the largest first, among equals
/// the first column; all where there are fewer. A vector of zeros has cosine 0 with every other. Throws
/// std::invalid_argument for a vector of another width or with a number that is not finite, and for n < 1.
UNROLL_API std::vector<Neighbor> nearest_words(const WordVectors& vectors,
                                               const Eigen::Ref<const Eigen::VectorXf>& vector, Index n = 10);
/// Those nearest to a word, itself left out. Throws std::invalid_argument where it is not there.
UNROLL_API std::vector<Neighbor> nearest_words(const WordVectors& vectors, std::string_view word, Index n = 10);

/// "a is to b as c is to .." (Mikolov, Yih and Zweig 2013): those nearest to b - a + c, each of length 1; a, b and c
/// left out.
UNROLL_API std::vector<Neighbor> analogy(const WordVectors& vectors, std::string_view a, std::string_view b,
                                         std::string_view c, Index n = 10);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/nearest_words.ipp>
#endif
