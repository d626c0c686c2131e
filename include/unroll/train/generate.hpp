// What a language model writes, token after token, and how likely it finds a text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/parallel.hpp>
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

UNROLL_API void check_generate(const GenerateOptions& options);

/// A text that is being written, without the model.
class TextWriter {
 public:
  /// Throws for an empty prompt and what check_generate refuses.
  UNROLL_API TextWriter(std::span<const std::int32_t> prompt, const GenerateOptions& options, Rng rng);
  /// Draws the token that follows from its logits (V, ..), which are in column j.
  template <class T> std::int32_t add(const Matrix<T>& logits, Index j) {
    copy_logits(logits, j, logits_);
    return add();
  }
  bool ended() const { return text.stopped || std::ssize(text.ids) >= options_.max_tokens; }

  GeneratedTokens text;

 private:
  UNROLL_API std::int32_t add();

  const GenerateOptions& options_;
  Rng rng_;
  std::vector<std::int32_t> so_far_;
  Sampling sampling_;
  std::vector<double> logits_, scratch_;
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
  if constexpr (detail::assert_language_model<M>()) {
    detail::TextWriter writer(prompt, options, Rng(options.seed));
    detail::TokenStepper<M> stepper("generate", model);
    std::span<const std::int32_t> next = prompt;
    while (!writer.ended()) {
      const auto& given = stepper.read_all(next);
      const std::int32_t id = writer.add(given, given.cols() - 1);
      next = std::span(writer.text.ids).last(1);
      using Answer = std::invoke_result_t<F&, std::int32_t>;
      static_assert(std::is_same_v<Answer, bool> || std::is_void_v<Answer>,
                    "unroll::generate: on_token gives nothing, or a bool: false ends the text.");
      if constexpr (std::is_same_v<Answer, bool>)
        writer.text.stopped = !on_token(id) || writer.text.stopped;
      else
        on_token(id);
    }
    return std::move(writer.text);
  } else {
    return {};
  }
}

/// A text for each of several prompts, side by side in one batch, which takes less time than one after the other. What
/// is drawn for prompt k depends on the seed and k alone: the text is that of the prompt alone with the seed
/// `Rng(seed).child(k).seed()`. Throws as above, before a text is begun for any prompt that is empty.
template <class M>
std::vector<GeneratedTokens> generate(const M& model, std::span<const std::vector<std::int32_t>> prompts,
                                      const GenerateOptions& options = {}) {
  std::vector<GeneratedTokens> texts(prompts.size());
  if constexpr (detail::assert_language_model<M>()) {
    detail::check_generate(options);
    std::vector<detail::TextWriter> writers;
    std::vector<std::span<const std::int32_t>> starts(prompts.begin(), prompts.end());
    for (std::size_t k = 0; k < prompts.size(); ++k)
      writers.emplace_back(starts[k], options, Rng(options.seed).child(k));
    detail::TokenStepper<M> stepper("generate", model);
    std::vector<std::size_t> live;  // the texts that the model follows, in the order of its columns
    std::vector<std::int32_t> next;
    std::vector<Index> rows;
    for (std::size_t k = 0; k < prompts.size() && options.max_tokens > 0; ++k) live.push_back(k);
    while (!live.empty()) {
      const auto& given = next.empty() ? stepper.read_texts(starts) : stepper.step(next);
      next.assign(live.size(), 0);
      parallel_ranges(std::ssize(live), 1, [&](Index first, Index last) {
        for (Index j = first; j < last; ++j)
          next[static_cast<std::size_t>(j)] = writers[live[static_cast<std::size_t>(j)]].add(given, j);
      });
      rows.clear();
      for (std::size_t j = 0; j < live.size(); ++j)
        if (!writers[live[j]].ended()) rows.push_back(static_cast<Index>(j));
      if (rows.size() == live.size()) continue;
      for (std::size_t j = 0; j < rows.size(); ++j) {
        live[j] = live[static_cast<std::size_t>(rows[j])];
        next[j] = next[static_cast<std::size_t>(rows[j])];
      }
      live.resize(rows.size());
      next.resize(rows.size());
      if (!rows.empty()) stepper.select(rows);
    }
    for (std::size_t k = 0; k < texts.size(); ++k) texts[k] = std::move(writers[k].text);
  }
  return texts;
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
    std::vector<double> logits, scratch;
    for (std::size_t first = 0; first + 1 < ids.size(); first += window) {
      const std::size_t n = (std::min)(window, ids.size() - 1 - first);
      const auto& given = stepper.read(ids.subspan(first, n));
      for (std::size_t t = 0; t < n; ++t) {
        const std::int32_t id = ids[first + t + 1];
        require(id >= 0 && id < given.rows(), "log_probabilities: token ", id, ", expected 0 to ", given.rows() - 1);
        detail::copy_logits(given, static_cast<Index>(t), logits);
        detail::check_logits(logits);
        all.push_back(logits[static_cast<std::size_t>(id)] - detail::log_sum_exp(logits, scratch));
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

#if UNROLL_HEADER_ONLY
#include <unroll/train/generate.ipp>
#endif
