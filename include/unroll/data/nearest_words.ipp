// Bodies of data/nearest_words.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <span>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/range.hpp>
#include <unroll/data/nearest_words.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// In double, where no square of a float overflows.
inline std::vector<Neighbor> nearest_words_but(const WordVectors& vectors, const Eigen::VectorXd& to, Index n,
                                               std::initializer_list<Index> left_out) {
  require_at_least("nearest_words", "n", n, 1);
  struct Scored {
    double cosine;
    Index column;
  };
  std::vector<Scored> scored;
  scored.reserve(static_cast<std::size_t>(vectors.size()));
  const double norm = to.norm();
  for (Index k = 0; k < vectors.size(); ++k) {
    if (std::ranges::find(left_out, k) != left_out.end()) continue;
    const auto vector = vectors.vectors().col(k).cast<double>();
    const double norms = norm * vector.norm();
    scored.push_back({norms > 0 ? vector.dot(to) / norms : 0, k});
  }
  const auto count = (std::min<Index>)(std::ssize(scored), n);
  std::ranges::partial_sort(scored, scored.begin() + count, [](const Scored& a, const Scored& b) {
    return a.cosine != b.cosine ? a.cosine > b.cosine : a.column < b.column;
  });
  std::vector<Neighbor> nearest;
  for (const Scored& s : std::span(scored).first(static_cast<std::size_t>(count)))
    nearest.push_back({std::string(vectors.word(s.column)), (std::clamp)(s.cosine, -1.0, 1.0)});
  return nearest;
}

}  // namespace detail

UNROLL_FUNCTION std::vector<Neighbor> nearest_words(const WordVectors& vectors,
                                                    const Eigen::Ref<const Eigen::VectorXf>& vector, Index n) {
  require(vector.size() == vectors.width(), "nearest_words: a vector of ", vector.size(), " numbers, expected ",
          vectors.width());
  const Index bad = detail::find_not_finite(vector.data(), vector.size());
  require(bad < 0, "nearest_words: number ", bad + 1, " of the vector is not finite");
  return detail::nearest_words_but(vectors, vector.cast<double>(), n, {});
}
UNROLL_FUNCTION std::vector<Neighbor> nearest_words(const WordVectors& vectors, std::string_view word, Index n) {
  return detail::nearest_words_but(vectors, vectors[word].cast<double>(), n, {vectors.find(word)});
}
UNROLL_FUNCTION std::vector<Neighbor> analogy(const WordVectors& vectors, std::string_view a, std::string_view b,
                                              std::string_view c, Index n) {
  const auto unit = [&](std::string_view word) -> Eigen::VectorXd {
    const Eigen::VectorXd vector = vectors[word].cast<double>();
    return vector / (vector.norm() > 0 ? vector.norm() : 1);
  };
  return detail::nearest_words_but(vectors, unit(b) - unit(a) + unit(c), n,
                                   {vectors.find(a), vectors.find(b), vectors.find(c)});
}

}  // namespace unroll::inline UNROLL_ABI
