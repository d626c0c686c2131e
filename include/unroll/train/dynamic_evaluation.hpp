// Dynamic evaluation: a language model that goes on learning from the text that it is tested on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/data/contiguous_batches.hpp>
#include <unroll/kernel/sweep.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/train/sampling.hpp>
#include <unroll/train/token_stepper.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

struct DynamicEvaluationOptions {
  Index window = 5;      ///< K: so many tokens are predicted, and then learned from
  double rate = 2e-4;    ///< eta; without mean squares about 0.1 is of use
  double decay = 1e-3;   ///< lambda: the way back to the trained weights, of their distance, at each window
  double epsilon = 0.1;  ///< beside the root of a mean square, as a share of their mean
  double clip_norm = 0;  ///< largest global norm of a window's gradient; 0: none
};

namespace detail {
UNROLL_API void check_dynamic_evaluation(const DynamicEvaluationOptions& options);

template <class T> struct AddSquare {
  T share;
  template <class V> UNROLL_INLINE void operator()(const V& g, V& mean) const { mean = fma(V(share) * g, g, mean); }
};
template <class T> struct RootOfShare {
  T share;
  template <class V> UNROLL_INLINE void operator()(V& x) const { x = sqrt(V(share) * x); }
};
/// w += -rate g + decay (start - w)
template <class T> struct DynamicUpdate {
  T rate, decay;
  template <class V> UNROLL_INLINE void operator()(const V& g, const V& start, V& w) const {
    w = fma(V(-rate), g, fma(V(decay), start - w, w));
  }
};
/// w += -rate g / (r + epsilon) + min(1, decay r) (start - w)
template <class T> struct ScaledDynamicUpdate {
  T rate, decay, epsilon;
  template <class V> UNROLL_INLINE void operator()(const V& g, const V& r, const V& start, V& w) const {
    const V back = clamp(V(decay) * r, V(T(0)), V(T(1)));
    w = fma(V(-rate), g / (r + V(epsilon)), fma(back, start - w, w));
  }
};
template <class M> using LossOfLanguageModel = std::conditional_t<has_head<M>, HeadLoss, CrossEntropy>;
}  // namespace detail

/// How much one token usually moves each parameter, MS: N times the square of the gradient of the mean loss of a window
/// of N tokens, its mean over the windows of a text; whatever N, so that windows may be as large as is fast. One pass,
/// forward and backward, over the text that the model was trained on, or a part of it.
template <class M> M mean_squared_gradient(const M& model, const TokenStreams& text) {
  using T = typename M::Scalar;
  M mean = zeros_like(model);
  if constexpr (detail::assert_language_model<M>()) {
    Workspace<M, TokenBatch> work(model);
    typename M::State state;
    TokenBatch x;
    std::vector<Index> next;
    const double share = 1 / static_cast<double>(text.count());
    for (Index window = 0; window < text.count(); ++window) {
      text.fill(window, x, next);
      add_gradient(model, detail::LossOfLanguageModel<M>{}, x, next, work, {}, 0,
                   {window > 0 ? &state : nullptr, &state});
      const detail::AddSquare<T> add{static_cast<T>(share * static_cast<double>(next.size()))};
      visit(
          [&](const Path&, auto& ms, const auto& g) {
            if (ms.size() > 0) detail::sweep(ms.size(), add, g.data(), ms.data());
          },
          mean, work.gradient);
      set_zero(work.gradient);
    }
  }
  return mean;
}

/// A language model that reads a text once, says how likely it finds it, and learns from each window of K tokens after
/// it has predicted them: Krause et al. 2018, "Dynamic Evaluation of Neural Sequence Models". With g the gradient of
/// the window's mean loss and w_0 the weights that the model came with,
///   w += -eta g + lambda (w_0 - w)                                             without mean squares
///   w += -eta g / (r + epsilon mean(r)) + min(1, lambda r / mean(r)) (w_0 - w) with r = sqrt(MS / K)
/// Frozen parameters stay; nothing is dropped out. The state goes on from window to window, the gradient ends at its
/// border. Memory: four models, whatever the length of the text; time: about 3 forward passes, and a sweep over all
/// parameters for each window.
template <class M> class DynamicEvaluation {
 public:
  using T = typename M::Scalar;

  /// @param mean_squares  what mean_squared_gradient gives of the same model, if it shall count.
  explicit DynamicEvaluation(M model, const DynamicEvaluationOptions& options = {},
                             const std::optional<M>& mean_squares = {})
      : start_(std::move(model)), model_(start_), options_(options), roots_(mean_squares), work_(start_) {
    if constexpr (detail::assert_language_model<M>()) {
      detail::check_dynamic_evaluation(options_);
      constexpr std::int32_t any = 0;
      vocabulary_ = detail::TokenStepper<M>("DynamicEvaluation", start_).step(std::span(&any, 1)).rows();
      if (roots_) take_roots();
    }
  }

  /// Reads on. The mean of -log p, natural logarithm, over the tokens that were predicted, and their number: all but
  /// the first of a text. A shorter window, at the end of `ids`, moves the weights the less. Throws for ids outside the
  /// vocabulary, before anything is read, and std::runtime_error where a gradient is no finite number: weights and
  /// state are as before this window then.
  LossResult read(std::span<const std::int32_t> ids) {
    detail::check_tokens("DynamicEvaluation", "read", ids, vocabulary_);
    double sum = 0;
    Index count = 0;
    std::size_t at = 0;
    if (!has_last_ && !ids.empty()) last_ = ids[at++], has_last_ = true;
    while (at < ids.size()) {
      const std::span<const std::int32_t> next =
          ids.subspan(at, (std::min)(ids.size() - at, std::size_t(options_.window)));
      sum += predict(next) * static_cast<double>(next.size());
      count += std::ssize(next);
      at += next.size();
      last_ = next.back();
    }
    return {.loss = count > 0 ? sum / static_cast<double>(count) : 0, .weight = static_cast<double>(count)};
  }

  /// As it is now.
  const M& model() const { return model_; }

 private:
  using State = typename M::State;

  /// The mean loss of these, before the weights move.
  double predict(std::span<const std::int32_t> next) {
    x_.ids.assign(1, last_);
    x_.ids.insert(x_.ids.end(), next.begin(), next.end() - 1);
    targets_.assign(next.begin(), next.end());
    const std::vector<Index> lengths{std::ssize(next)};
    x_.packing = Packing::from_lengths(lengths, lengths[0]);
    StepResult result = add_gradient(model_, detail::LossOfLanguageModel<M>{}, x_, targets_, work_, {}, 0,
                                     Carry<State>{has_read_ ? &state_ : nullptr, &next_state_});
    detail::clip_gradient(work_.gradient, {.norm = options_.clip_norm}, result);
    if (result.finite) update(static_cast<double>(next.size()) / static_cast<double>(options_.window));
    set_zero(work_.gradient);
    if (result.finite) std::swap(state_, next_state_), has_read_ = true;
    require<std::runtime_error>(result.finite,
                                "DynamicEvaluation: the loss or the gradient of a window is no finite "
                                "number; a lower rate may help");
    return result.loss;
  }
  void update(double share) {
    const auto rate = static_cast<T>(options_.rate * share), decay = static_cast<T>(options_.decay * share);
    if (roots_) {
      const detail::ScaledDynamicUpdate<T> formula{rate, static_cast<T>(options_.decay * share / mean_root_),
                                                   static_cast<T>(options_.epsilon * mean_root_)};
      visit(
          [&](const Path&, auto& w, const auto& start, const auto& g, const auto& r) {
            if (w.trainable) detail::sweep(w.size(), formula, g.data(), r.data(), start.data(), w.data());
          },
          model_, start_, work_.gradient, *roots_);
    } else {
      visit(
          [&](const Path&, auto& w, const auto& start, const auto& g) {
            if (w.trainable)
              detail::sweep(w.size(), detail::DynamicUpdate<T>{rate, decay}, g.data(), start.data(), w.data());
          },
          model_, start_, work_.gradient);
    }
  }
  void take_roots() {
    double sum = 0, count = 0;
    visit(
        [&](const Path& path, const auto& w, auto& r) {
          if (!w.trainable) return;
          require(r.rows() == w.rows() && r.cols() == w.cols(), "DynamicEvaluation: the mean squares of ", path.str(),
                  " are ", r.rows(), " x ", r.cols(), ", expected ", w.rows(), " x ", w.cols());
          require(r.size() == 0 || r.minCoeff() >= 0, "DynamicEvaluation: a mean square of ", path.str(),
                  " is below 0");
          detail::sweep(r.size(), detail::RootOfShare<T>{static_cast<T>(1 / static_cast<double>(options_.window))},
                        r.data());
          sum += r.template cast<double>().sum();
          count += static_cast<double>(r.size());
        },
        start_, *roots_);
    mean_root_ = sum / count;
    require(mean_root_ > 0 && detail::has_finite_bits(mean_root_),
            "DynamicEvaluation: the mean of the roots of the "
            "mean squares is ",
            mean_root_, ", expected a finite number above 0");
  }

  M start_, model_;
  DynamicEvaluationOptions options_;
  std::optional<M> roots_;
  double mean_root_ = 0;
  Workspace<M, TokenBatch> work_;
  State state_{}, next_state_{};
  TokenBatch x_;
  std::vector<Index> targets_;
  Index vocabulary_ = 0;
  std::int32_t last_ = 0;
  bool has_last_ = false, has_read_ = false;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/dynamic_evaluation.ipp>
#endif
