// Bodies of train/generate.hpp.
#pragma once

#include <algorithm>

#include <unroll/core/error.hpp>
#include <unroll/train/generate.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION void check_generate(const GenerateOptions& options) {
  require(options.max_tokens >= 0, "generate: max_tokens is ", options.max_tokens, ", expected 0 or more");
  check_sampling("generate", options.sampling);
}
UNROLL_FUNCTION TextWriter::TextWriter(std::span<const std::int32_t> prompt, const GenerateOptions& options, Rng rng)
    : options_(options), rng_(rng), so_far_(prompt.begin(), prompt.end()) {
  require(!prompt.empty(), "generate: an empty prompt, expected one token at least: <BOS>, or a line's end");
  check_generate(options);
}

UNROLL_FUNCTION std::int32_t TextWriter::add() {
  check_tokens("generate", "stop", options_.stop, std::ssize(logits_));
  const std::int32_t id = sampling_.choose(logits_, so_far_, options_.sampling, rng_);
  text.log_probability += logits_[static_cast<std::size_t>(id)] - log_sum_exp(logits_, scratch_);
  text.ids.push_back(id);
  so_far_.push_back(id);
  text.stopped = std::ranges::find(options_.stop, id) != options_.stop.end();
  return id;
}

}  // namespace unroll::inline UNROLL_ABI::detail
