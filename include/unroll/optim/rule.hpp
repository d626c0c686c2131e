// What an update rule is: options with names and defaults, and the update of one run of elements.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// Where PyTorch and Keras give one name to two formulas; each rule says what it changes there.
enum class Convention { pytorch, keras };

/// What an update needs to know besides the rule: the rate and decay of the parameter's group, and the number of
/// updates of this parameter with the present one, from 1.
struct Update {
  double rate;
  double weight_decay;
  std::int64_t count;
};

/// A rule has `rate`, `weight_decay` and `lazy_tables`, names its moments (as PyTorch does) in `moments`, tells which
/// of them its options use, and updates n elements w given their gradient g and moments; those not in use are null.
/// Axiom: element by element, so that it may be called for any part of a parameter.
/// `moved_by_zero(decay)` is whether an element without gradient may change: false lets tables skip untouched columns.
template <class R>
concept Rule = std::copyable<R> && requires(R& changing, const R& rule, const Update& update, Index n, double* w,
                                            const double* g, std::array<double*, R::moments.size()> moments) {
  { R::moments[0] } -> std::convertible_to<std::string_view>;
  { changing.rate } -> std::same_as<double&>;
  { rule.weight_decay } -> std::convertible_to<double>;
  { rule.lazy_tables } -> std::convertible_to<bool>;
  { rule.uses(std::size_t{}) } -> std::same_as<bool>;
  { rule.moved_by_zero(0.0) } -> std::same_as<bool>;
  rule.check();
  rule.update(update, n, w, g, moments);
};

namespace detail {
/// Weight decay as both frameworks have it: added to the gradient (L2), or the weights shrunk first (decoupled). With
/// g + l2 * w and shrink * w every rule covers both.
struct Decay {
  double l2, shrink;
  Decay(const Update& update, bool decoupled)
      : l2(decoupled ? 0 : update.weight_decay), shrink(decoupled ? 1 - update.rate * update.weight_decay : 1) {}
};

UNROLL_API void check_options(const char* who, double rate, double weight_decay);
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/optim/rule.ipp>
#endif
