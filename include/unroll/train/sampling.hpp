// Which token comes next: a choice among the logits of a language model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <unroll/core/random.hpp>
#include <unroll/core/size.hpp>

namespace unroll::inline UNROLL_ABI {

/// The probabilities are softmax(logits / temperature) of the tokens that are left, in this order: without the
/// forbidden ones, of the `top_k` likeliest, of the likeliest that together have `top_p` at least.
struct SamplingOptions {
  double temperature = 1;         ///< less: bolder in what is likely; 0: always the likeliest, of equals the least id
  Index top_k = 0;                ///< Fan et al. 2018; 0: all
  double top_p = 1;               ///< Holtzman et al. 2020; 1: all
  double repetition_penalty = 1;  ///< 0.01 to 100; tokens that are there: a logit above 0 is divided by it, one below
                                  ///< multiplied; Keskar et al. 2019
  std::vector<std::int32_t> forbidden{};  ///< never chosen: `<PAD>` and `<OOV>`, say
};

namespace detail {

/// Throws std::invalid_argument for options out of range.
UNROLL_API void check_sampling(const char* who, const SamplingOptions& options);
/// Throws std::invalid_argument for an id outside the V tokens.
UNROLL_API void check_tokens(const char* who, const char* what, std::span<const std::int32_t> ids, Index V);

/// Throws std::invalid_argument for a logit that is no finite number.
UNROLL_API void check_logits(std::span<const double> logits);
/// log sum exp(logits), of finite ones: the logarithm of a token's probability is its logit without that.
UNROLL_API double log_sum_exp(std::span<const double> logits, std::vector<double>& scratch);
/// Logarithms of softmax, in double. Throws as `check_logits`.
UNROLL_API void log_softmax(std::span<const double> logits, std::vector<double>& to);

/// A choice with room of its own, for one text.
class Sampling {
 public:
  /// `so_far`: what the penalty is for. Throws as those above, and where all is forbidden.
  UNROLL_API std::int32_t choose(std::span<const double> logits, std::span<const std::int32_t> so_far,
                                 const SamplingOptions& options, Rng& rng);

 private:
  /// Sets the weights of all others to 0; returns the sum of those that stay.
  UNROLL_API double keep_likeliest(const SamplingOptions& options, double sum);

  std::vector<double> weights_;
  std::vector<std::int32_t> ids_;
  std::vector<bool> marked_;
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/sampling.ipp>
#endif
