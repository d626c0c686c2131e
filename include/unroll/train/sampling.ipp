// Bodies of train/sampling.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/kernel/softmax.hpp>
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
  const Index k = find_not_finite(logits.data(), std::ssize(logits));
  if (k >= 0) fail("a language model's logit of token ", k, " is ", logits[static_cast<std::size_t>(k)]);
}

/// The largest x; x becomes exp(x - largest x), and `sum` the sum of that, where it is not null.
inline double exponentiate(std::vector<double>& x, double* sum) {
  const Index n = std::ssize(x);
  double largest = 0, sum_of_x = 0;
  dispatch<SoftmaxColumns>(SoftmaxBlock<double>{View<double>{x.data(), n, 1, n}, &largest, sum, &sum_of_x});
  return largest;
}
UNROLL_FUNCTION double log_sum_exp(std::span<const double> logits, std::vector<double>& scratch) {
  scratch.assign(logits.begin(), logits.end());
  double sum = 0;
  const double most = exponentiate(scratch, &sum);
  return most + std::log(sum);
}
UNROLL_FUNCTION void log_softmax(std::span<const double> logits, std::vector<double>& to) {
  check_logits(logits);
  const double whole = log_sum_exp(logits, to);
  for (std::size_t k = 0; k < logits.size(); ++k) to[k] = logits[k] - whole;
}

UNROLL_FUNCTION std::int32_t Sampling::choose(std::span<const double> logits, std::span<const std::int32_t> so_far,
                                              const SamplingOptions& options, Rng& rng) {
  check_sampling("generate", options);
  check_tokens("generate", "forbidden", options.forbidden, std::ssize(logits));
  check_logits(logits);
  weights_.assign(logits.begin(), logits.end());  // and become probabilities but for a factor
  if (options.repetition_penalty != 1) {
    marked_.assign(logits.size(), false);
    for (const std::int32_t id : so_far) {
      const auto k = static_cast<std::size_t>(id);
      if (id < 0 || k >= logits.size() || marked_[k]) continue;
      marked_[k] = true;
      weights_[k] =
          weights_[k] > 0 ? weights_[k] / options.repetition_penalty : weights_[k] * options.repetition_penalty;
    }
  }
  constexpr double none = std::numeric_limits<double>::lowest();  // its exponential beside others is 0
  for (const std::int32_t id : options.forbidden) weights_[static_cast<std::size_t>(id)] = none;
  if (options.temperature != 1) {
    const double most = exponentiate(weights_, nullptr);
    require(most > none, "generate: every token is forbidden");
    if (options.temperature == 0)
      return static_cast<std::int32_t>(std::ranges::find(weights_, most) - weights_.begin());
    for (double& x : weights_) x = x > none ? (x - most) / options.temperature : none;
  }
  double sum = 0;
  require(exponentiate(weights_, &sum) > none, "generate: every token is forbidden");
  if (options.top_k > 0 || options.top_p < 1) sum = keep_likeliest(options, sum);
  double place = rng.uniform() * sum;
  std::int32_t last = 0;
  for (std::int32_t id = 0; id < std::ssize(weights_); ++id) {
    if (weights_[static_cast<std::size_t>(id)] <= 0) continue;
    last = id;
    if ((place -= weights_[static_cast<std::size_t>(id)]) < 0) break;
  }
  return last;  // where rounding let none be drawn, the last that might be
}

UNROLL_FUNCTION double Sampling::keep_likeliest(const SamplingOptions& options, double sum) {
  ids_.clear();
  for (std::size_t k = 0; k < weights_.size(); ++k)
    if (weights_[k] > 0) ids_.push_back(static_cast<std::int32_t>(k));
  const auto weight = [this](std::int32_t id) { return weights_[static_cast<std::size_t>(id)]; };
  const auto less_likely = [&](std::int32_t a, std::int32_t b) {
    return weight(a) != weight(b) ? weight(a) < weight(b) : a > b;
  };
  const auto k = static_cast<std::ptrdiff_t>(options.top_k);
  if (k > 0 && k < std::ssize(ids_)) {
    const auto more_likely = [&](std::int32_t a, std::int32_t b) { return less_likely(b, a); };
    std::nth_element(ids_.begin(), ids_.begin() + k, ids_.end(), more_likely);
    ids_.resize(static_cast<std::size_t>(k));
    std::ranges::sort(ids_);  // sums are no matter of how ids were found
    sum = 0;
    for (const std::int32_t id : ids_) sum += weight(id);
  }
  if (options.top_p < 1) {
    std::make_heap(ids_.begin(), ids_.end(), less_likely);
    auto first = ids_.end();  // of those that are taken
    double part = 0;
    while (first != ids_.begin() && part < options.top_p * sum) {
      std::pop_heap(ids_.begin(), first, less_likely);
      part += weight(*--first);
    }
    ids_.erase(ids_.begin(), first);
    sum = part;
  }
  marked_.assign(weights_.size(), false);
  for (const std::int32_t id : ids_) marked_[static_cast<std::size_t>(id)] = true;
  for (std::size_t id = 0; id < weights_.size(); ++id)
    if (!marked_[id]) weights_[id] = 0;
  return sum;
}

}  // namespace unroll::inline UNROLL_ABI::detail
