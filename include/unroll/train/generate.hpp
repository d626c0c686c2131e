// What a language model writes, token after token, and how likely it finds a text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/train/sampling.hpp>
#include <unroll/train/token_stepper.hpp>

namespace unroll::inline UNROLL_ABI {

struct GenerateOptions {
  Index max_tokens = 100;
  SamplingOptions sampling{};
  std::vector<std::int32_t> stop{};  ///< the text ends with one of these, which is its last token
  std::uint64_t seed = 0;            ///< the same text for the same seed, whatever the number of threads
};

struct GeneratedTokens {
  std::vector<std::int32_t> ids;  ///< without the prompt
  double log_probability = 0;     ///< of them after the prompt, under the model as it is; natural logarithm
  bool stopped = false;           ///< by a stop token, or by `on_token`
};

namespace detail {
struct NoTokenCallback {
  void operator()(std::int32_t) const {}
};
}  // namespace detail

/// Reads the prompt, which has one token at least, then what it has chosen itself. The model is a language model: a
/// TokenBatch in, logits over the tokens or a SoftmaxClassifier out, for every step, and nothing bidirectional.
/// `on_token(id)` is called for each as it comes; where it gives a bool, false ends the text. Memory does not grow with
/// the text but by its ids. All that the model remembers is its state: one that looks over its sequence, as attention
/// does, sees the tokens of one call alone. Throws std::invalid_argument for an empty prompt, ids outside the
/// vocabulary, options out of range, and logits that are no numbers.
template <class M, class F = detail::NoTokenCallback>
GeneratedTokens generate(const M& model, std::span<const std::int32_t> prompt, const GenerateOptions& options = {},
                         F&& on_token = {}) {
  GeneratedTokens text;
  if constexpr (detail::assert_language_model<M>()) {
    require(!prompt.empty(), "generate: an empty prompt, expected one token at least: <BOS>, or a line's end");
    require(options.max_tokens >= 0, "generate: max_tokens is ", options.max_tokens, ", expected 0 or more");
    detail::check_sampling("generate", options.sampling);
    detail::TokenStepper<M> stepper("generate", model);
    detail::Sampling sampling;
    Rng rng(options.seed);
    std::vector<double> logits, log_p;
    std::vector<std::int32_t> so_far(prompt.begin(), prompt.end());
    std::span<const std::int32_t> next = prompt;
    while (std::ssize(text.ids) < options.max_tokens && !text.stopped) {
      const auto& given = stepper.read_all(next);
      detail::copy_logits(given, given.cols() - 1, logits);
      detail::check_tokens("generate", "stop", options.stop, given.rows());
      const std::int32_t id = sampling.choose(logits, so_far, options.sampling, rng);
      detail::log_softmax(logits, log_p);
      text.log_probability += log_p[static_cast<std::size_t>(id)];
      text.ids.push_back(id);
      so_far.push_back(id);
      next = std::span(text.ids).last(1);
      text.stopped = std::ranges::find(options.stop, id) != options.stop.end();
      using Answer = std::invoke_result_t<F&, std::int32_t>;
      static_assert(std::is_same_v<Answer, bool> || std::is_void_v<Answer>,
                    "unroll::generate: on_token gives nothing, or a bool: false ends the text.");
      if constexpr (std::is_same_v<Answer, bool>)
        text.stopped = !on_token(id) || text.stopped;
      else
        on_token(id);
    }
  }
  return text;
}

/// The natural logarithm of the probability of each token after the first, given those before it: ids.size() - 1
/// numbers. Their negative mean is the loss, its exponential the text's perplexity. In windows of at most 256 tokens,
/// so that memory does not grow with the text. Throws std::invalid_argument for a text without a token.
template <class M> std::vector<double> log_probabilities(const M& model, std::span<const std::int32_t> ids) {
  std::vector<double> all;
  if constexpr (detail::assert_language_model<M>()) {
    require(!ids.empty(), "log_probabilities: a text without a token");
    detail::TokenStepper<M> stepper("log_probabilities", model);
    constexpr std::size_t window = detail::TokenStepper<M>::window;
    std::vector<double> logits, log_p;
    for (std::size_t first = 0; first + 1 < ids.size(); first += window) {
      const std::size_t n = (std::min)(window, ids.size() - 1 - first);
      const auto& given = stepper.read(ids.subspan(first, n));
      for (std::size_t t = 0; t < n; ++t) {
        const std::int32_t id = ids[first + t + 1];
        require(id >= 0 && id < given.rows(), "log_probabilities: token ", id, ", expected 0 to ", given.rows() - 1);
        detail::copy_logits(given, static_cast<Index>(t), logits);
        detail::log_softmax(logits, log_p);
        all.push_back(log_p[static_cast<std::size_t>(id)]);
      }
    }
  }
  return all;
}

/// exp of the mean loss per token; of one token alone 1.
template <class M> double perplexity(const M& model, std::span<const std::int32_t> ids) {
  const std::vector<double> all = log_probabilities(model, ids);
  double sum = 0;
  for (const double log_p : all) sum += log_p;
  return all.empty() ? 1 : std::exp(-sum / static_cast<double>(all.size()));
}

}  // namespace unroll::inline UNROLL_ABI
