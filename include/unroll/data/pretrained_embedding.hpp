// An embedding that begins with word vectors.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/data/word_vectors.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/text/vocabulary.hpp>

namespace unroll::inline UNROLL_ABI {

/// How much of a vocabulary has vectors. Its two special tokens are not words, and count nowhere.
struct WordCoverage {
  struct Part {
    Index words = 0;
    Index tokens = 0;  ///< how often these occur, where counts were given
  };
  Part found;                                                ///< as they stand
  Part lower_case;                                           ///< in lower case only
  Part missing;                                              ///< not at all
  std::vector<std::pair<std::string, Index>> missing_words;  ///< the most frequent, and how often each occurs

  Index words() const { return found.words + lower_case.words + missing.words; }
  Index tokens() const { return found.tokens + lower_case.tokens + missing.tokens; }
  /// Of the words and of the tokens those with a vector, 0 to 1; of none 0.
  UNROLL_API double share_of_words() const;
  UNROLL_API double share_of_tokens() const;
  /// A table, and the missing words in a line.
  UNROLL_API std::string str() const;
};

struct PretrainedOptions {
  bool lower_case = true;       ///< a word without a vector gets that of its lower case
  std::vector<Index> counts{};  ///< how often each id occurs, as `token_counts` gives it; none: nobody knows
  Index missing_words = 10;     ///< at most so many are named
  std::uint64_t seed = 0;       ///< of what is drawn
};

namespace detail {
UNROLL_API Matrix<float> pretrained_table(const Vocabulary& vocabulary, const WordVectors& vectors, Index rows,
                                          Index columns, std::int32_t padding, const PretrainedOptions& options,
                                          WordCoverage& coverage);
}

/// Gives each row of an embedding's table, (D, V), the vector of its word: of the word as it stands, else of its lower
/// case. A row without one is drawn: each number from a normal distribution with the mean and the deviation that all
/// `vectors` have there, so that it looks like one of them. So are those of the special tokens unless they have vectors
/// ("<unk>" may); the row of `EmbeddingOptions::padding` is zero. What is drawn for a word depends on the seed and its
/// id alone.
///
/// Call it after `initialize`, which would overwrite the table. Throws std::invalid_argument where the embedding is of
/// another width than the vectors or not of the vocabulary's size, or counts are not V numbers of 0 or more; the
/// embedding is then as it was.
template <class T>
WordCoverage fill_embedding(Embedding<T>& embedding, const Vocabulary& vocabulary, const WordVectors& vectors,
                            const PretrainedOptions& options = {}) {
  WordCoverage coverage;
  embedding.weight = detail::pretrained_table(vocabulary, vectors, embedding.weight.rows(), embedding.weight.cols(),
                                              embedding.options.padding, options, coverage)
                         .template cast<T>();
  return coverage;
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/pretrained_embedding.ipp>
#endif
