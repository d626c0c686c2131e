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
#include <unroll/train/dynamic_update.hpp>
#include <unroll/train/sampling.hpp>
#include <unroll/train/token_stepper.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class T> struct AddSquare {
  T share;
  template <class V> UNROLL_INLINE void operator()(const V& g, V& mean) const { mean = fma(V(share) * g, g, mean); }
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
/// it has predicted them, by DynamicUpdate: Krause et al. 2018, "Dynamic Evaluation of Neural Sequence Models". Frozen
/// parameters stay; nothing is dropped out. The state goes on from window to window, the gradient ends at its
/// border. Memory: four models, whatever the length of the text; time: about 3 forward passes, and a sweep over all
/// parameters for each window.
template <class M> class DynamicEvaluation {
 public:
  using T = typename M::Scalar;

  /// @param mean_squares  what mean_squared_gradient gives of the same model, if it shall count.
  explicit DynamicEvaluation(M model, const DynamicEvaluationOptions& options = {},
                             const std::optional<M>& mean_squares = {})
      : model_(std::move(model)), options_(options), update_(model_, options, mean_squares), work_(model_) {
    if constexpr (detail::assert_language_model<M>()) {
      constexpr std::int32_t any = 0;
      vocabulary_ = detail::TokenStepper<M>("DynamicEvaluation", model_).step(std::span(&any, 1)).rows();
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
    update_.share = static_cast<double>(next.size()) / static_cast<double>(options_.window);
    const StepResult result =
        train_step(model_, detail::LossOfLanguageModel<M>{}, update_, x_, targets_, work_, {},
                   {.norm = options_.clip_norm}, Carry<State>{has_read_ ? &state_ : nullptr, &next_state_});
    if (result.finite) std::swap(state_, next_state_), has_read_ = true;
    require<std::runtime_error>(result.finite,
                                "DynamicEvaluation: the loss or the gradient of a window is no finite "
                                "number; a lower rate may help");
    return result.loss;
  }

  M model_;
  DynamicEvaluationOptions options_;
  DynamicUpdate<M> update_;
  Workspace<M, TokenBatch> work_;
  State state_{}, next_state_{};
  TokenBatch x_;
  std::vector<Index> targets_;
  Index vocabulary_ = 0;
  std::int32_t last_ = 0;
  bool has_last_ = false, has_read_ = false;
};

}  // namespace unroll::inline UNROLL_ABI
