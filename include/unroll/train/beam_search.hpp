// The likeliest texts of a language model, searched for side by side.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <unroll/train/sampling.hpp>
#include <unroll/train/token_stepper.hpp>

namespace unroll::inline UNROLL_ABI {

struct BeamOptions {
  Index width = 5;                        ///< texts that are followed at once
  Index n_best = 1;                       ///< texts that are given, at most
  Index max_tokens = 100;                 ///< a text that has so many ends there
  double length_penalty = 0;              ///< a of score = log p / ((5 + tokens) / 6)^a, Wu et al. 2016; 0: log p alone
  std::vector<std::int32_t> stop{};       ///< a text ends with one of these, which is its last token
  std::vector<std::int32_t> forbidden{};  ///< never in a text
};

/// A text that a beam search found.
struct Hypothesis {
  std::vector<std::int32_t> ids;  ///< without the prompt
  double log_probability = 0;     ///< of them after the prompt, natural logarithm
  double score = 0;
  bool stopped = false;  ///< by a stop token, not by max_tokens
  /// How much each of the ids looked at each step of the source. Only `translate` fills it, where it is asked to.
  std::vector<std::vector<double>> alignment{};
  bool operator==(const Hypothesis&) const = default;
};

namespace detail {

/// What a search does with the weights of a decoder's attention.
struct LookedAt {
  double coverage_penalty = 0;  ///< b: a score has + b sum_i log min(sum_j p_ij, 1), Wu et al. 2016
  bool keeps = false;           ///< as alignments
  bool counts() const { return coverage_penalty != 0 || keeps; }
};
/// The texts of a search and where they go on, without the model.
class Beam {
 public:
  /// `who` is whom errors name.
  UNROLL_API Beam(const char* who, BeamOptions options, const LookedAt& looked_at = {});
  /// `log_p` (V, live texts), after the last token of each; where it counts what each has looked at meanwhile. Chooses
  /// what is followed; false: the search is over.
  UNROLL_API bool extend(const std::vector<std::vector<double>>& log_p,
                         const std::vector<std::vector<double>>& looked = {});
  /// Of the texts that are followed now: their last tokens, and which of those before each goes on.
  const std::vector<std::int32_t>& tokens() const { return tokens_; }
  const std::vector<Index>& rows() const { return rows_; }
  /// The best first.
  UNROLL_API std::vector<Hypothesis> best();

 private:
  void finish(Hypothesis text);
  double score(double log_probability, Index tokens) const;
  double coverage(const std::vector<std::vector<double>>& looked) const;

  const char* who_;
  BeamOptions options_;
  LookedAt looked_at_;
  std::vector<Hypothesis> live_, finished_;
  std::vector<std::int32_t> tokens_;
  std::vector<Index> rows_;
};

}  // namespace detail

/// Follows the `width` likeliest beginnings of texts after the prompt, all in one batch, and gives the `n_best` ended
/// texts of the best scores, the best first; of equal ones that whose tokens have the lesser ids. It ends when no
/// text that is followed can reach a better score. A model as `generate` takes it. Throws std::invalid_argument for an
/// empty prompt, ids outside the vocabulary, options out of range, a width above the vocabulary's size among them, and
/// where every token is forbidden.
template <class M>
std::vector<Hypothesis> beam_search(const M& model, std::span<const std::int32_t> prompt,
                                    const BeamOptions& options = {}) {
  if constexpr (detail::assert_language_model<M>()) {
    require(!prompt.empty(), "beam_search: an empty prompt, expected one token at least: <BOS>, or a line's end");
    detail::Beam beam("beam_search", options);
    detail::TokenStepper<M> stepper("beam_search", model);
    const auto* given = &stepper.read_all(prompt);
    std::vector<std::vector<double>> log_p(1);
    std::vector<double> logits;
    for (Index first = given->cols() - 1;; first = 0) {
      log_p.resize(static_cast<std::size_t>(given->cols() - first));
      for (std::size_t j = 0; j < log_p.size(); ++j) {
        detail::copy_logits(*given, first + static_cast<Index>(j), logits);
        detail::log_softmax(logits, log_p[j]);
      }
      if (!beam.extend(log_p)) break;
      stepper.select(beam.rows());
      given = &stepper.step(beam.tokens());
    }
    return beam.best();
  } else {
    return {};
  }
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/beam_search.ipp>
#endif
