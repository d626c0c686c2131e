// Learning-rate schedules: values that answer rate(base, k) for the k-th step or epoch, whichever the caller counts,
// from 0.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numbers>
#include <optional>

#include <unroll/core/range.hpp>

namespace unroll::inline UNROLL_ABI {

/// A function of the base rate and the count, without state. Those below throw for an option outside of its range, a
/// base that is negative or no finite number, and a count below 0.
template <class S>
concept Schedule = requires(const S& schedule, double base, std::int64_t k) {
  { schedule.rate(base, k) } -> std::same_as<double>;
};

namespace detail {
inline void check_schedule(const char* who, double base, std::int64_t k) {
  require_not_negative(who, "the base rate", base);
  require_at_least(who, "the count", k, 0);
}
}  // namespace detail

struct ConstantRate {
  double rate(double base, std::int64_t k) const {
    detail::check_schedule("ConstantRate", base, k);
    return base;
  }
};

/// base * factor^floor(k / every). PyTorch's StepLR.
struct StepDecay {
  std::int64_t every = 10;
  double factor = 0.1;
  double rate(double base, std::int64_t k) const {
    detail::check_schedule("StepDecay", base, k);
    detail::require_at_least("StepDecay", "every", every, 1);
    detail::require_not_negative("StepDecay", "factor", factor);
    return base * std::pow(factor, static_cast<double>(k / every));
  }
};

/// base * factor^(k / every). Keras's ExponentialDecay; with every = 1 PyTorch's ExponentialLR.
struct ExponentialDecay {
  double factor = 0.95;
  std::int64_t every = 1;
  double rate(double base, std::int64_t k) const {
    detail::check_schedule("ExponentialDecay", base, k);
    detail::require_at_least("ExponentialDecay", "every", every, 1);
    detail::require_not_negative("ExponentialDecay", "factor", factor);
    return base * std::pow(factor, static_cast<double>(k) / static_cast<double>(every));
  }
};

/// Half a cosine from base to minimum in `steps`, minimum from then on:
/// minimum + (base - minimum) * (1 + cos(pi * k / steps)) / 2. Loshchilov and Hutter 2017, without restarts.
struct CosineDecay {
  std::int64_t steps = 1;
  double minimum = 0;
  double rate(double base, std::int64_t k) const {
    detail::check_schedule("CosineDecay", base, k);
    detail::require_at_least("CosineDecay", "steps", steps, 1);
    detail::require_not_negative("CosineDecay", "minimum", minimum);
    const double done = static_cast<double>((std::min)(k, steps)) / static_cast<double>(steps);
    return minimum + (base - minimum) * (1 + std::cos(std::numbers::pi * done)) / 2;
  }
};

/// base / steps, 2 base / steps, .. base in `steps` counts, then the other schedule from its own 0. PyTorch's
/// LinearLR(start_factor=1/steps, total_iters=steps-1), in a SequentialLR with the milestone `steps`.
template <Schedule Then = ConstantRate> struct WarmUp {
  std::int64_t steps = 0;
  Then then{};
  double rate(double base, std::int64_t k) const {
    detail::check_schedule("WarmUp", base, k);
    detail::require_at_least("WarmUp", "steps", steps, 0);
    return k < steps ? base * static_cast<double>(k + 1) / static_cast<double>(steps) : then.rate(base, k - steps);
  }
};
template <class Steps> WarmUp(Steps) -> WarmUp<>;
template <class Steps, class Then> WarmUp(Steps, Then) -> WarmUp<Then>;

/// The two frameworks' ReduceLROnPlateau: what counts as an improvement, and when patience is over.
enum class PlateauRule { keras, pytorch };
enum class Goal { minimize, maximize };

/// Multiplies the rate by `factor` when a metric has stopped improving. The last three members are its state: copy the
/// value, or save those three, and it goes on from there.
///   keras:   better means better than best by the absolute threshold; acts at the patience-th bad epoch in a row;
///            epochs of a cooldown do not count, its last one does.
///   pytorch: better means better than best by the relative threshold; acts at the bad epoch after `patience` ones;
///            changes below `smallest_change` are not made.
/// A metric that is not a number is no improvement.
struct ReduceOnPlateau {
  PlateauRule rule = PlateauRule::keras;
  double factor = 0.1;
  int patience = 10;
  double threshold = 1e-4;          ///< Keras's min_delta
  bool absolute_threshold = false;  ///< pytorch: its threshold_mode='abs'
  int cooldown = 0;                 ///< epochs after a reduction in which none follows
  double minimum_rate = 0;
  Goal goal = Goal::minimize;
  double smallest_change = 1e-8;  ///< pytorch: its eps

  std::optional<double> best{};
  int bad_epochs = 0;
  int cooldown_left = 0;

  /// Throws for an option outside of its range.
  void check() const {
    constexpr const char* who = "ReduceOnPlateau";
    detail::require_fraction(who, "factor", factor);
    detail::require_at_least(who, "patience", patience, 0);
    detail::require_not_negative(who, "threshold", threshold);
    detail::require_at_least(who, "cooldown", cooldown, 0);
    detail::require_not_negative(who, "minimum_rate", minimum_rate);
    detail::require_not_negative(who, "smallest_change", smallest_change);
  }

  /// To be called once an epoch: the rate from now on. Throws as `check` does.
  double update(double metric, double rate) {
    check();
    detail::require_not_negative("ReduceOnPlateau", "the rate", rate);
    return rule == PlateauRule::keras ? keras(metric, rate) : pytorch(metric, rate);
  }

 private:
  bool improved(double metric) const {
    constexpr double huge = (std::numeric_limits<double>::max)();
    const bool down = goal == Goal::minimize;
    if (!best) return down ? metric < huge : metric > -huge;
    const bool relative = rule == PlateauRule::pytorch && !absolute_threshold;
    const double margin = relative ? threshold * *best : threshold;
    return down ? metric < *best - margin : metric > *best + margin;
  }
  double keras(double metric, double rate) {
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
  double pytorch(double metric, double rate) {
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
};

}  // namespace unroll::inline UNROLL_ABI
