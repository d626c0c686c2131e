// The loss of a model's own head, in the place of a loss.
#pragma once

#include <unroll/head/head.hpp>
#include <unroll/loss/loss.hpp>
#include <unroll/loss/next_token.hpp>

namespace unroll::inline UNROLL_ABI {

/// "The model's head says what the loss is": what `fit`, `evaluate`, `train_step` and `add_gradient` are given as the
/// loss of a model that ends in a head. `NextToken{HeadLoss{}}` gives the head the tokens that follow.
struct HeadLoss {};

namespace detail {
template <class L> inline constexpr bool is_head_loss = std::same_as<L, HeadLoss>;
template <class L> inline constexpr bool is_head_loss<NextToken<L>> = is_head_loss<L>;

/// A head as a loss: with the place for the gradient of its parameters and its buffers.
template <class H> struct BoundHead {
  const H& head;
  H* gradient;  ///< null where no gradient is wanted
  typename H::Scratch& scratch;
  double whole_weight = 0;
  Index ignore_index = ignored_by(head);
  mutable HeadResult found{};

  template <class Z, class Targets> requires requires(const H& h, const Z& z, const Targets& of, typename H::Scratch& s,
                                                      Z& dz, H& g) { h.loss(z, of, dz, g, s); }
  LossResult operator()(const Z& z, const Targets& of, Z& dz, std::span<const double> sample_weights = {}) const {
    found = head.loss(z, of, dz, *gradient, scratch, sample_weights, whole_weight);
    return {found.loss, found.weight};
  }
  template <class Z, class Targets>
  requires requires(const H& h, const Z& z, const Targets& of, typename H::Scratch& s) { h.loss(z, of, s); }
  LossResult operator()(const Z& z, const Targets& of) const {
    found = head.loss(z, of, scratch);
    return {found.loss, found.weight};
  }
  template <class Targets> requires requires(const H& h, const Targets& of) { h.weight_of(of); }
  double weight(const Targets& of) const {
    return head.weight_of(of);
  }
  /// Of the columns whose loss was asked for last.
  template <class Z, class Targets> Index correct(const Z&, const Targets&) const { return found.correct; }
  template <class Targets> Index count(const Targets&) const { return found.count; }
  /// The class that the head decides for in each column, if it decides for classes, and how many there are.
  template <class Z> requires requires(const H& h, const Z& z, typename H::Scratch& s) {
    { h.decode(z, s) } -> std::same_as<const std::vector<Index>&>;
  }
  void decide(const Z& z, std::vector<Index>& decided) const {
    decided = head.decode(z, scratch);
  }
  Index classes() const requires requires(const H& h) { h.classes(); }
  {
    return head.classes();
  }

 private:
  static Index ignored_by(const H& h) {
    if constexpr (requires { h.options.ignore_index; })
      return h.options.ignore_index;
    else
      return -1;
  }
};

template <class M, class L> consteval bool assert_loss_of() {
  constexpr bool has_one = has_head<M> || !is_head_loss<L>;
  static_assert(has_one,
                "unroll: HeadLoss{} is the loss of a model that ends in a head (Crf, SoftmaxClassifier, ..); this one "
                "does not: give it a loss, such as CrossEntropy{}.");
  constexpr bool is_its = !has_head<M> || is_head_loss<L>;
  static_assert(
      is_its,
      "unroll: this model ends in a head, which has the loss: fit(model, Adam{}, data), evaluate(model, data), "
      "or HeadLoss{} in the place of the loss.");
  return has_one && is_its;
}

/// A loss as `compute_loss` takes it: itself, or for HeadLoss the head of the model.
template <class M, class L, class Scratch>
decltype(auto) bind_loss(const L& loss, const M& model, M* gradient, Scratch& scratch, double whole_weight = 0) {
  if constexpr (std::same_as<L, HeadLoss>) {
    const auto& head = head_of(model);
    if constexpr (requires { head.share(model, gradient, scratch); }) head.share(model, gradient, scratch);
    return BoundHead<HeadOf<M>>{head, gradient == nullptr ? nullptr : &head_of(*gradient), scratch, whole_weight};
  } else if constexpr (is_head_loss<L>) {
    return NextToken{bind_loss(loss.loss, model, gradient, scratch, whole_weight)};
  } else {
    return (loss);
  }
}
/// What `bind_loss` makes of it: its type alone.
template <class M, class L>
using BoundLoss = std::remove_cvref_t<decltype(bind_loss(std::declval<const L&>(), std::declval<const M&>(),
                                                         static_cast<M*>(nullptr), std::declval<HeadScratch<M>&>()))>;
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
