// Bodies of train/sampling.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/train/sampling.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION void check_sampling(const char* who, const SamplingOptions& options) {
  require(has_finite_bits(options.temperature) && options.temperature >= 0, who, ": temperature is ",
          options.temperature, ", expected 0 or more");
  require(options.top_k >= 0, who, ": top_k is ", options.top_k, ", expected 0 or more");
  require(has_finite_bits(options.top_p) && options.top_p > 0 && options.top_p <= 1, who, ": top_p is ", options.top_p,
          ", expected above 0, at most 1");
  require(has_finite_bits(options.repetition_penalty) && options.repetition_penalty >= 0.01 &&
              options.repetition_penalty <= 100,
          who, ": repetition_penalty is ", options.repetition_penalty, ", expected 0.01 to 100");
}
UNROLL_FUNCTION void check_tokens(const char* who, const char* what, std::span<const std::int32_t> ids, Index V) {
  for (const std::int32_t id : ids)
    require(id >= 0 && id < V, who, ": ", what, " token ", id, ", expected 0 to ", V - 1);
}

UNROLL_FUNCTION void check_logits(std::span<const double> logits) {
  for (std::size_t k = 0; k < logits.size(); ++k)
    require(has_finite_bits(logits[k]), "a language model's logit of token ", k, " is ", logits[k]);
}
UNROLL_FUNCTION void log_softmax(std::span<const double> logits, std::vector<double>& to) {
  check_logits(logits);
  const double most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit - most);
  const double whole = most + std::log(sum);
  to.resize(logits.size());
  for (std::size_t k = 0; k < logits.size(); ++k) to[k] = logits[k] - whole;
}

UNROLL_FUNCTION std::int32_t Sampling::choose(std::span<const double> logits, std::span<const std::int32_t> so_far,
                                              const SamplingOptions& options, Rng& rng) {
  check_sampling("generate", options);
  check_tokens("generate", "forbidden", options.forbidden, static_cast<Index>(logits.size()));
  check_logits(logits);
  logits_.assign(logits.begin(), logits.end());
  if (options.repetition_penalty != 1) {
    marked_.assign(logits.size(), false);
    for (const std::int32_t id : so_far) {
      const auto k = static_cast<std::size_t>(id);
      if (id < 0 || k >= logits.size() || marked_[k]) continue;
      marked_[k] = true;
      logits_[k] = logits_[k] > 0 ? logits_[k] / options.repetition_penalty : logits_[k] * options.repetition_penalty;
    }
  }
  marked_.assign(logits.size(), false);
  for (const std::int32_t id : options.forbidden) marked_[static_cast<std::size_t>(id)] = true;
  ids_.clear();
  for (std::size_t k = 0; k < logits_.size(); ++k)
    if (!marked_[k]) ids_.push_back(static_cast<std::int32_t>(k));
  require(!ids_.empty(), "generate: every token is forbidden");

  const auto logit = [this](std::int32_t id) { return logits_[static_cast<std::size_t>(id)]; };
  const auto less_likely = [&](std::int32_t a, std::int32_t b) {
    return logit(a) != logit(b) ? logit(a) < logit(b) : a > b;
  };
  const std::int32_t best = *std::max_element(ids_.begin(), ids_.end(), less_likely);
  if (options.temperature == 0) return best;
  const double most = logit(best);
  double sum = 0;
  for (const std::int32_t id : ids_)
    sum += logits_[static_cast<std::size_t>(id)] = std::exp((logit(id) - most) / options.temperature);

  const auto k = static_cast<std::ptrdiff_t>(options.top_k);
  if (k > 0 && k < std::ssize(ids_)) {
    const auto more_likely = [&](std::int32_t a, std::int32_t b) { return less_likely(b, a); };
    std::nth_element(ids_.begin(), ids_.begin() + k, ids_.end(), more_likely);
    ids_.resize(static_cast<std::size_t>(k));
    std::ranges::sort(ids_);  // sums are no matter of how ids were found
    sum = 0;
    for (const std::int32_t id : ids_) sum += logit(id);
  }
  if (options.top_p < 1) {
    std::make_heap(ids_.begin(), ids_.end(), less_likely);
    auto first = ids_.end();  // of those that are taken
    double part = 0;
    while (first != ids_.begin() && part < options.top_p * sum) {
      std::pop_heap(ids_.begin(), first, less_likely);
      part += logit(*--first);
    }
    ids_.erase(ids_.begin(), first);
    sum = part;
  }
  std::ranges::sort(ids_);  // nor is what is drawn
  double place = rng.uniform() * sum;
  for (const std::int32_t id : ids_)
    if ((place -= logit(id)) < 0) return id;
  return ids_.back();  // rounding
}

}  // namespace unroll::inline UNROLL_ABI::detail
