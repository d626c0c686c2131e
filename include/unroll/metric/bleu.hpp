// How close translations come to those of people, by the n-grams that they share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// BLEU and what it is made of; entry n - 1 of an array is that of the n-grams.
struct BleuScore {
  double score = 0;                    ///< 0 to 100: brevity penalty times the geometric mean of the precisions
  std::array<double, 4> precisions{};  ///< in percent, smoothed
  std::array<Index, 4> matches{};      ///< n-grams of the hypotheses that are in a reference, clipped
  std::array<Index, 4> totals{};       ///< n-grams of the hypotheses
  double brevity_penalty = 1;          ///< exp(1 - 1 / ratio) where the ratio is below 1
  Index hypothesis_length = 0;         ///< tokens
  Index reference_length = 0;          ///< tokens, of the reference closest in length, of two the shorter

  /// Of the lengths; 0 where the references are empty.
  double ratio() const {
    return reference_length == 0 ? 0 : static_cast<double>(hypothesis_length) / static_cast<double>(reference_length);
  }
  /// `BLEU 31.2 (63.1/37.5/24.0/15.9, brevity penalty 0.98, ratio 0.98, 12822 of 13058 tokens)`
  UNROLL_API std::string str() const;
  bool operator==(const BleuScore&) const = default;
};

struct BleuOptions {
  /// The mean is over the orders of which the hypotheses have an n-gram. Without it the score is 0 where no hypothesis
  /// has 4 tokens. Usual for the BLEU of a single sentence.
  bool effective_order = false;
};

/// BLEU of a corpus (Papineni et al. 2002), as sacreBLEU computes it by default (Post 2018), but of tokens that are
/// given: n-grams up to n = 4, each counted as often as in the reference that has most of it, and with "exp" smoothing
/// (Chen and Cherry 2014), where the k-th order without a match counts as 1 / 2^k matches.
///
/// It keeps sums over sentences, so that the score does not depend on the batches. As in sacreBLEU the hypothesis
/// stands before its references. Tokens are compared as they are: a sentence should have no marks of its end, and no
/// padding. O(n log n) for n tokens.
class UNROLL_API Bleu {
 public:
  void add(std::span<const std::int32_t> hypothesis, std::span<const std::int32_t> reference);
  /// Throws where there is no reference.
  void add(std::span<const std::int32_t> hypothesis, const std::vector<std::vector<std::int32_t>>& references);
  void add(std::span<const std::string> hypothesis, std::span<const std::string> reference);
  void add(std::span<const std::string> hypothesis, const std::vector<std::vector<std::string>>& references);
  /// The sentences of both.
  Bleu& operator+=(const Bleu& other);

  Index sentences() const { return sentences_; }
  /// Throws where no sentence was added.
  BleuScore score(const BleuOptions& options = {}) const;
  bool operator==(const Bleu&) const = default;

 private:
  void add_sentence(std::span<const std::int32_t> hypothesis,
                    std::span<const std::span<const std::int32_t>> references);
  void add_words(std::span<const std::string> hypothesis, std::span<const std::span<const std::string>> references);

  Index sentences_ = 0, hypothesis_length_ = 0, reference_length_ = 0;
  std::array<Index, 4> matches_{}, totals_{};
};

/// BLEU of hypotheses whose references are references[n]: one sentence each, or a vector of several. Tokens are
/// std::int32_t or std::string. Throws where the numbers differ, where there is no sentence, and for a sentence without
/// a reference.
template <class Token, class Reference>
BleuScore corpus_bleu(const std::vector<std::vector<Token>>& hypotheses, const std::vector<Reference>& references,
                      const BleuOptions& options = {}) {
  require(hypotheses.size() == references.size(), "corpus_bleu: ", hypotheses.size(), " hypotheses and ",
          references.size(), " references, expected as many");
  Bleu bleu;
  for (std::size_t n = 0; n < hypotheses.size(); ++n) bleu.add(hypotheses[n], references[n]);
  return bleu.score(options);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/metric/bleu.ipp>
#endif
