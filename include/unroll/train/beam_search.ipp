// Bodies of train/beam_search.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/train/beam_search.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION Beam::Beam(const char* who, BeamOptions options, const LookedAt& looked_at)
    : who_(who), options_(std::move(options)), looked_at_(looked_at), live_(1) {
  for (const auto& [name, value] : {std::pair{"width", options_.width}, std::pair{"n_best", options_.n_best},
                                    std::pair{"max_tokens", options_.max_tokens}})
    require(value >= 1, who, ": ", name, " is ", value, ", expected 1 or more");
  require(options_.n_best <= options_.width, who, ": n_best is ", options_.n_best, ", expected at most the width, ",
          options_.width);
  require(has_finite_bits(options_.length_penalty) && options_.length_penalty >= 0, who, ": length_penalty is ",
          options_.length_penalty, ", expected 0 or more");
}

UNROLL_FUNCTION double Beam::score(double log_probability, Index tokens) const {
  return log_probability / std::pow((5 + static_cast<double>(tokens)) / 6, options_.length_penalty);
}

/// 0 at best, where each step of the source was looked at as much as a token can look.
UNROLL_FUNCTION double Beam::coverage(const std::vector<std::vector<double>>& looked) const {
  double sum = 0;
  for (std::size_t i = 0; i < looked.front().size(); ++i) {
    double covered = 0;
    for (const std::vector<double>& of_token : looked) covered += of_token[i];
    sum += std::log(std::clamp(covered, (std::numeric_limits<double>::min)(), 1.0));
  }
  return looked_at_.coverage_penalty * sum;
}

/// The better first.
inline bool is_better(const Hypothesis& a, const Hypothesis& b) {
  return a.score != b.score ? a.score > b.score : a.ids < b.ids;
}

UNROLL_FUNCTION void Beam::finish(Hypothesis text) {
  text.score = score(text.log_probability, static_cast<Index>(text.ids.size()));
  if (looked_at_.coverage_penalty != 0) text.score += coverage(text.alignment);
  if (!looked_at_.keeps) text.alignment.clear();
  finished_.insert(std::ranges::upper_bound(finished_, text, is_better), std::move(text));
  if (std::ssize(finished_) > options_.n_best) finished_.pop_back();
}

/// The first from k on that is `least` or more beside `so_far`: most of the time of a search over many tokens.
inline std::size_t next_of(const std::vector<double>& log_p, std::size_t k, double so_far, double least) {
  const double* const p = log_p.data();
  const std::size_t size = log_p.size();
  while (k < size && so_far + p[k] < least) ++k;
  return k;
}

UNROLL_FUNCTION bool Beam::extend(const std::vector<std::vector<double>>& log_p,
                                  const std::vector<std::vector<double>>& looked) {
  const auto V = static_cast<Index>(log_p.front().size());
  require(options_.width <= V, who_, ": a width of ", options_.width, ", expected at most the vocabulary's ", V);
  check_tokens(who_, "forbidden", options_.forbidden, V);
  check_tokens(who_, "stop", options_.stop, V);
  std::vector<bool> forbidden(static_cast<std::size_t>(V)), stops(forbidden);
  for (const std::int32_t id : options_.forbidden) forbidden[static_cast<std::size_t>(id)] = true;
  for (const std::int32_t id : options_.stop) stops[static_cast<std::size_t>(id)] = true;

  struct Candidate {
    double log_probability;
    std::size_t text;
    std::int32_t id;
  };
  const auto better = [this](const Candidate& a, const Candidate& b) {
    if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
    const auto &x = live_[a.text].ids, &y = live_[b.text].ids;
    return x != y ? x < y : a.id < b.id;
  };
  // Ended texts leave the beam, so that of each text as many tokens are wanted as the beam is wide, and the stops.
  const std::size_t most = static_cast<std::size_t>(options_.width) + options_.stop.size();
  std::vector<Candidate> all, of_one;
  for (std::size_t j = 0; j < live_.size(); ++j) {
    of_one.clear();
    double least = std::numeric_limits<double>::lowest();  // of those that are wanted: nearly all ids fall short
    const double so_far = live_[j].log_probability;
    for (std::size_t k = next_of(log_p[j], 0, so_far, least); k < log_p[j].size();
         k = next_of(log_p[j], k + 1, so_far, least)) {
      const Candidate one{so_far + log_p[j][k], j, static_cast<std::int32_t>(k)};
      if (forbidden[k]) continue;
      if (of_one.size() == most && !better(one, of_one.back())) continue;
      if (of_one.size() == most) of_one.pop_back();
      of_one.insert(std::ranges::upper_bound(of_one, one, better), one);
      if (of_one.size() == most) least = of_one.back().log_probability;
    }
    require(!of_one.empty(), who_, ": every token is forbidden");
    all.insert(all.end(), of_one.begin(), of_one.end());
  }
  std::ranges::sort(all, better);

  std::vector<Hypothesis> next;
  tokens_.clear();
  rows_.clear();
  for (const Candidate& c : all) {
    if (std::ssize(next) == options_.width) break;
    Hypothesis text = live_[c.text];
    text.ids.push_back(c.id);
    text.log_probability = c.log_probability;
    if (looked_at_.counts()) text.alignment.push_back(looked[c.text]);
    text.stopped = stops[static_cast<std::size_t>(c.id)];
    if (text.stopped || std::ssize(text.ids) == options_.max_tokens) {
      finish(std::move(text));
    } else {
      next.push_back(std::move(text));
      tokens_.push_back(c.id);
      rows_.push_back(static_cast<Index>(c.text));
    }
  }
  live_ = std::move(next);
  if (live_.empty()) return false;
  // What a text that goes on can reach at best: no more is lost, the length counts in full, and all is covered.
  const double reach = score(live_.front().log_probability, options_.max_tokens);
  return std::ssize(finished_) < options_.n_best || finished_.back().score <= reach;
}

UNROLL_FUNCTION std::vector<Hypothesis> Beam::best() { return std::move(finished_); }

}  // namespace unroll::inline UNROLL_ABI::detail
