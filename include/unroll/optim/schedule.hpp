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

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI {

/// A function of the base rate and the count, without state.
template <class S>
concept Schedule = requires(const S& schedule, double base, std::int64_t k) {
  { schedule.rate(base, k) } -> std::same_as<double>;
};

struct ConstantRate {
  double rate(double base, std::int64_t) const { return base; }
};

/// base * factor^floor(k / every). PyTorch's StepLR.
struct StepDecay {
  std::int64_t every = 10;
  double factor = 0.1;
  double rate(double base, std::int64_t k) const {
    require(every > 0, "StepDecay: every is ", every, ", expected more than 0");
    return base * std::pow(factor, static_cast<double>(k / every));
  }
};

/// base * factor^(k / every). Keras's ExponentialDecay; with every = 1 PyTorch's ExponentialLR.
struct ExponentialDecay {
  double factor = 0.95;
  std::int64_t every = 1;
  double rate(double base, std::int64_t k) const {
    require(every > 0, "ExponentialDecay: every is ", every, ", expected more than 0");
    return base * std::pow(factor, static_cast<double>(k) / static_cast<double>(every));
  }
};

/// Half a cosine from base to minimum in `steps`, minimum from then on:
/// minimum + (base - minimum) * (1 + cos(pi * k / steps)) / 2. Loshchilov and Hutter 2017, without restarts.
struct CosineDecay {
  std::int64_t steps = 1;
  double minimum = 0;
  double rate(double base, std::int64_t k) const {
    require(steps > 0, "CosineDecay: steps is ", steps, ", expected more than 0");
    const double done = static_cast<double>(std::min(k, steps)) / static_cast<double>(steps);
    return minimum + (base - minimum) * (1 + std::cos(std::numbers::pi * done)) / 2;
  }
};

/// base / steps, 2 base / steps, .. base in `steps` counts, then the other schedule from its own 0. PyTorch's
/// LinearLR(start_factor=1/steps, total_iters=steps-1), in a SequentialLR with the milestone `steps`.
template <Schedule Then = ConstantRate> struct WarmUp {
  std::int64_t steps = 0;
  Then then{};
  double rate(double base, std::int64_t k) const {
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

  /// To be called once an epoch: the rate from now on.
  double update(double metric, double rate) {
    return rule == PlateauRule::keras ? keras(metric, rate) : pytorch(metric, rate);
  }

 private:
  bool improved(double metric) const {
    constexpr double huge = std::numeric_limits<double>::max();
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
      rate = std::max(rate * factor, minimum_rate);
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
      const double reduced = std::max(rate * factor, minimum_rate);
      if (rate - reduced > smallest_change) rate = reduced;
      cooldown_left = cooldown;
      bad_epochs = 0;
    }
    return rate;
  }
};

}  // namespace unroll::inline UNROLL_ABI
