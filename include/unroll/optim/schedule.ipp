// Bodies of optim/schedule.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <unroll/core/range.hpp>
#include <unroll/optim/schedule.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void check_schedule(const char* who, double base, std::int64_t k) {
  require_not_negative(who, "the base rate", base);
  require_at_least(who, "the count", k, 0);
}
}  // namespace detail

UNROLL_FUNCTION double ConstantRate::rate(double base, std::int64_t k) const {
  detail::check_schedule("ConstantRate", base, k);
  return base;
}
UNROLL_FUNCTION double StepDecay::rate(double base, std::int64_t k) const {
  detail::check_schedule("StepDecay", base, k);
  detail::require_at_least("StepDecay", "every", every, 1);
  detail::require_not_negative("StepDecay", "factor", factor);
  return base * std::pow(factor, static_cast<double>(k / every));
}
UNROLL_FUNCTION double ExponentialDecay::rate(double base, std::int64_t k) const {
  detail::check_schedule("ExponentialDecay", base, k);
  detail::require_at_least("ExponentialDecay", "every", every, 1);
  detail::require_not_negative("ExponentialDecay", "factor", factor);
  return base * std::pow(factor, static_cast<double>(k) / static_cast<double>(every));
}
UNROLL_FUNCTION double LinearDecay::rate(double base, std::int64_t k) const {
  detail::check_schedule("LinearDecay", base, k);
  detail::require_at_least("LinearDecay", "steps", steps, 1);
  detail::require_not_negative("LinearDecay", "minimum", minimum);
  const double done = static_cast<double>((std::min)(k, steps)) / static_cast<double>(steps);
  return minimum + (base - minimum) * (1 - done);
}
UNROLL_FUNCTION double InverseSigmoidDecay::rate(double base, std::int64_t k) const {
  detail::check_schedule("InverseSigmoidDecay", base, k);
  detail::require_positive("InverseSigmoidDecay", "s", s);
  return base * s / (s + std::exp(static_cast<double>(k) / s));
}
UNROLL_FUNCTION double CosineDecay::rate(double base, std::int64_t k) const {
  detail::check_schedule("CosineDecay", base, k);
  detail::require_at_least("CosineDecay", "steps", steps, 1);
  detail::require_not_negative("CosineDecay", "minimum", minimum);
  const double done = static_cast<double>((std::min)(k, steps)) / static_cast<double>(steps);
  return minimum + (base - minimum) * (1 + std::cos(std::numbers::pi * done)) / 2;
}
UNROLL_FUNCTION void ReduceOnPlateau::check() const {
  constexpr const char* who = "ReduceOnPlateau";
  detail::require_fraction(who, "factor", factor);
  detail::require_at_least(who, "patience", patience, 0);
  detail::require_not_negative(who, "threshold", threshold);
  detail::require_at_least(who, "cooldown", cooldown, 0);
  detail::require_not_negative(who, "minimum_rate", minimum_rate);
  detail::require_not_negative(who, "smallest_change", smallest_change);
}
UNROLL_FUNCTION double ReduceOnPlateau::update(double metric, double rate) {
  check();
  detail::require_not_negative("ReduceOnPlateau", "the rate", rate);
  return rule == PlateauRule::keras ? keras(metric, rate) : pytorch(metric, rate);
}
UNROLL_FUNCTION bool ReduceOnPlateau::improved(double metric) const {
  constexpr double huge = (std::numeric_limits<double>::max)();
  const bool down = goal == Goal::minimize;
  if (!best) return down ? metric < huge : metric > -huge;
  const bool relative = rule == PlateauRule::pytorch && !absolute_threshold;
  const double margin = relative ? threshold * *best : threshold;
  return down ? metric < *best - margin : metric > *best + margin;
}
UNROLL_FUNCTION double ReduceOnPlateau::keras(double metric, double rate) {
  if (cooldown_left > 0) {
    --cooldown_left;
    bad_epochs = 0;
  }
  if (improved(metric)) {
    best = metric;
    bad_epochs = 0;
  } else if (cooldown_left == 0 && ++bad_epochs >= patience && rate > minimum_rate) {
    rate = (std::max)(rate * factor, minimum_rate);
    cooldown_left = cooldown;
    bad_epochs = 0;
  }
  return rate;
}
UNROLL_FUNCTION double ReduceOnPlateau::pytorch(double metric, double rate) {
  if (improved(metric)) {
    best = metric;
    bad_epochs = 0;
  } else {
    ++bad_epochs;
  }
  if (cooldown_left > 0) {
    --cooldown_left;
    bad_epochs = 0;
  }
  if (bad_epochs > patience) {
    const double reduced = (std::max)(rate * factor, minimum_rate);
    if (rate - reduced > smallest_change) rate = reduced;
    cooldown_left = cooldown;
    bad_epochs = 0;
  }
  return rate;
}

}  // namespace unroll::inline UNROLL_ABI
