// Word vectors: which word has which vector.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/text/token_table.hpp>

namespace unroll::inline UNROLL_ABI {

/// Distinct words, each with a vector of D finite numbers. A value. Words are bytes, UTF-8 or not, in any case.
class WordVectors {
 public:
  static constexpr Index not_found = -1;

  /// No words of no numbers.
  WordVectors() = default;
  /// The vectors, (D, words): a column a word. Throws std::invalid_argument naming the first word that is empty or
  /// there twice or has a number that is not finite, and where there is no word, no number or another count of either.
  UNROLL_API WordVectors(const std::vector<std::string>& words, Matrix<float> vectors);
  /// The same; a table's words are distinct.
  UNROLL_API WordVectors(TokenTable words, Matrix<float> vectors);

  Index size() const { return vectors_.cols(); }
  /// D.
  Index width() const { return vectors_.rows(); }
  const Matrix<float>& vectors() const { return vectors_; }

  bool contains(std::string_view word) const { return find(word) != not_found; }
  /// The column of a word as it stands, or `not_found`.
  UNROLL_API Index find(std::string_view word) const;
  /// The word of a column, valid until the vectors are assigned to or destroyed.
  UNROLL_API std::string_view word(Index column) const;
  /// The column of a word itself. Throws std::invalid_argument where it is not there.
  auto operator[](std::string_view word) const { return vectors_.col(column(word)); }

 private:
  UNROLL_API Index column(std::string_view word) const;
  void check() const;

  TokenTable words_;
  Matrix<float> vectors_;
};

namespace detail {
/// A word for a message: short, on one line, UTF-8.
UNROLL_API std::string quote_word(std::string_view word);
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/word_vectors.ipp>
#endif
