// Learning-rate schedules: values that answer rate(base, k) for the k-th step or epoch, whichever the caller counts,
// from 0.
#pragma once

#include <concepts>
#include <cstdint>
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
UNROLL_API void check_schedule(const char* who, double base, std::int64_t k);
}  // namespace detail

struct ConstantRate {
  UNROLL_API double rate(double base, std::int64_t k) const;
};

/// base * factor^floor(k / every). PyTorch's StepLR.
struct StepDecay {
  std::int64_t every = 10;
  double factor = 0.1;
  UNROLL_API double rate(double base, std::int64_t k) const;
};

/// base * factor^(k / every). Keras's ExponentialDecay; with every = 1 PyTorch's ExponentialLR.
struct ExponentialDecay {
  double factor = 0.95;
  std::int64_t every = 1;
  UNROLL_API double rate(double base, std::int64_t k) const;
};

/// From base to minimum in `steps` equal steps, minimum from then on. With minimum = 0 PyTorch's PolynomialLR.
struct LinearDecay {
  std::int64_t steps = 1;
  double minimum = 0;
  UNROLL_API double rate(double base, std::int64_t k) const;
};

/// base * s / (s + exp(k / s)): most of base for some s log(s) counts, then none. Bengio et al. 2015, for the share of
/// references in scheduled sampling.
struct InverseSigmoidDecay {
  double s = 1000;
  UNROLL_API double rate(double base, std::int64_t k) const;
};

/// Half a cosine from base to minimum in `steps`, minimum from then on:
/// minimum + (base - minimum) * (1 + cos(pi * k / steps)) / 2. Loshchilov and Hutter 2017, without restarts.
struct CosineDecay {
  std::int64_t steps = 1;
  double minimum = 0;
  UNROLL_API double rate(double base, std::int64_t k) const;
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
  UNROLL_API void check() const;

  /// To be called once an epoch: the rate from now on. Throws as `check` does.
  UNROLL_API double update(double metric, double rate);

 private:
  bool improved(double metric) const;
  double keras(double metric, double rate);
  double pytorch(double metric, double rate);
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/optim/schedule.ipp>
#endif
