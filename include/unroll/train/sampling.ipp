// Bodies of train/sampling.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/train/sampling.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION void check_sampling(const char* who, const SamplingOptions& options, Index V) {
  require(has_finite_bits(options.temperature) && options.temperature >= 0, who, ": temperature is ",
          options.temperature, ", expected 0 or more");
  require(options.top_k >= 0, who, ": top_k is ", options.top_k, ", expected 0 or more");
  require(options.top_p > 0 && options.top_p <= 1, who, ": top_p is ", options.top_p, ", expected above 0, at most 1");
  require(has_finite_bits(options.repetition_penalty) && options.repetition_penalty > 0, who,
          ": repetition_penalty is ", options.repetition_penalty, ", expected above 0");
  for (const std::int32_t id : options.forbidden)
    require(id >= 0 && (V == 0 || id < V), who, ": forbidden token ", id, ", expected 0 to ", V - 1);
}

UNROLL_FUNCTION void log_softmax(std::span<const double> logits, std::vector<double>& to) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double most = -infinity, sum = 0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    require(logits[k] < infinity, "a language model's logit of token ", k, " is ", logits[k]);
    most = (std::max)(most, logits[k]);
  }
  require(most > -infinity, "a language model gives no token a probability");
  for (const double logit : logits) sum += std::exp(logit - most);
  const double whole = most + std::log(sum);
  to.resize(logits.size());
  for (std::size_t k = 0; k < logits.size(); ++k) to[k] = logits[k] - whole;
}

UNROLL_FUNCTION std::int32_t Sampling::choose(std::span<const double> logits, std::span<const std::int32_t> so_far,
                                              const SamplingOptions& options, Rng& rng) {
  constexpr double none = -std::numeric_limits<double>::infinity();
  check_sampling("generate", options, static_cast<Index>(logits.size()));
  log_softmax(logits, logits_);  // refuses what is none
  std::copy(logits.begin(), logits.end(), logits_.begin());
  if (options.repetition_penalty != 1) {
    seen_.assign(logits.size(), false);
    for (const std::int32_t id : so_far) {
      const auto k = static_cast<std::size_t>(id);
      if (id < 0 || k >= logits.size() || seen_[k]) continue;
      seen_[k] = true;
      logits_[k] = logits_[k] > 0 ? logits_[k] / options.repetition_penalty : logits_[k] * options.repetition_penalty;
    }
  }
  for (const std::int32_t id : options.forbidden) logits_[static_cast<std::size_t>(id)] = none;
  ids_.clear();
  for (std::size_t k = 0; k < logits_.size(); ++k)
    if (logits_[k] > none) ids_.push_back(static_cast<std::int32_t>(k));
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
  std::ranges::sort(ids_);  // so that what is drawn is no matter of how they were found
  double place = rng.uniform() * sum;
  for (const std::int32_t id : ids_)
    if ((place -= logit(id)) < 0) return id;
  return ids_.back();  // rounding
}

}  // namespace unroll::inline UNROLL_ABI::detail
