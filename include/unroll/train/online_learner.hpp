// Learning while streaming: a model that answers step after step, and goes on learning from what it is told.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/denormals.hpp>
#include <unroll/train/online_window.hpp>
#include <unroll/train/token_stepper.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

struct OnlineOptions {
  Index window = 20;  ///< K: steps that an update goes back; there the gradient ends
  Index stride = 0;   ///< truths from one update to the next; 0: as many as the window has steps
  ClipLimits clip{};  ///< of the gradient
};

namespace detail {
UNROLL_API void check_online_options(const OnlineOptions& options);
/// Whether there is a prediction that the truth is about, and no truth yet if it is to be learned.
UNROLL_API void check_told(const char* who, Index steps, bool is_known);
UNROLL_API void require_finite_step(bool finite, const char* what);
/// Of one column.
template <class T> void check_step(const char* who, const char* what, const Matrix<T>& x) {
  require(x.cols() == 1, who, ": ", x.cols(), " columns, expected one step");
  if (const Index k = find_not_finite(x.data(), x.size()); k >= 0)
    fail(who, ": ", what, " ", k, " is ", x.data()[k], ", expected a finite number");
}
/// A step out of a number, an Eigen vector, or anything contiguous.
template <class T, class X> void assign_step(const X& x, Matrix<T>& to) {
  if constexpr (std::floating_point<X>) {
    to.resize(1, 1);
    to(0, 0) = static_cast<T>(x);
  } else if constexpr (requires { x.derived(); }) {
    to = x;
  } else {
    const std::span<const T> numbers(x);
    to = Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, 1>>(numbers.data(), std::ssize(numbers));
  }
}

template <class M, class R> struct OptimizerOf {
  using type = R;
};
template <class M, class R> requires Rule<R>
struct OptimizerOf<M, R> {
  using type = Optimizer<M, R>;
};
template <class M, class R> typename OptimizerOf<M, R>::type make_optimizer(const M& model, const R& rule) {
  if constexpr (Rule<R>)
    return Optimizer<M, R>(model, rule);
  else
    return rule;
}
template <class M>
using InputOfSteps =
    std::conditional_t<Accepts<M, PackedSequence<typename M::Scalar>>, PackedSequence<typename M::Scalar>, TokenBatch>;
template <class M, class In>
concept GivesSteps = Accepts<M, In> && requires { requires is_packed<typename M::template Output<In>>; };
template <class M, class L, class In> consteval bool assert_online() {
  constexpr bool gives_steps = GivesSteps<M, In>;
  static_assert(gives_steps,
                "unroll: OnlineLearner needs a model that takes a sequence and gives an output for every step: no "
                "FinalState, no LastValue.");
  constexpr bool reads_forward = !gives_steps || !any_reads_back<M>();
  static_assert(reads_forward, "unroll: OnlineLearner: a bidirectional layer needs to know what comes.");
  constexpr bool has_loss = !has_head<M> && Loss<L, typename M::Scalar>;
  static_assert(has_loss,
                "unroll: OnlineLearner needs a loss of single steps, such as MeanSquaredError{}, and a model without a "
                "head.");
  return gives_steps && reads_forward && has_loss;
}
}  // namespace detail

/// A model that answers step after step and, told what would have been right, goes on learning: every `stride` truths
/// backpropagation through time over the last K steps, BPTT(h; h') of Williams and Peng 1990 with h = window and
/// h' = stride.
/// ```
/// OnlineLearner learner(model, MeanSquaredError{}, Adam{.rate = 1e-3}, {.window = 20, .stride = 5});
/// for (;;) {
///   learner.step(x);            // what to expect
///   .. = learner.learn(truth);  // how far off that was
/// }
/// ```
/// The first update is made when there are K steps. A window starts from the state that the stream had there, with the
/// weights of then, and the stream's state goes on as it is: with stride = window and a truth for every step all is as
/// in `fit` on streams of that window. Nothing is dropped out. A step that is told no truth counts for the state, not
/// for the loss. What a model knows of steps before the window, and of those before the present one, is what its State
/// says.
///
/// Memory: the model, its gradient and what the optimizer keeps, and K steps of inputs, truths, states and of the cache
/// for backpropagation, however long the stream. After the first update nothing allocates. Time: a forward pass a step,
/// and K / stride forward and backward passes a truth.
///
/// @tparam R   a rule such as Adam, or an optimizer with `step(model, gradient)`
/// @tparam In  PackedSequence, or TokenBatch where a step is an id
template <class M, class L, class R, class In = detail::InputOfSteps<M>> class OnlineLearner {
 public:
  using T = typename M::Scalar;
  using Updater = typename detail::OptimizerOf<M, R>::type;

  /// Throws for options without meaning, and for a layer that reads from the end.
  OnlineLearner(M model, L loss, const R& rule, const OnlineOptions& options = {})
      : model_(std::move(model)),
        loss_(std::move(loss)),
        optimizer_(detail::make_optimizer(model_, rule)),
        options_(options),
        work_(model_),
        kept_(checked(options).window) {
    if constexpr (detail::assert_online<M, L, In>()) {
      detail::require_forward("OnlineLearner", model_);
      if (options_.stride == 0) options_.stride = options_.window;
      truths_.sample_weights.reserve(static_cast<std::size_t>(options_.window));
      x_.packing.assign(1, 1, [](Index, Index) { return true; });
      window_.packing.assign(1, options_.window, [](Index, Index) { return true; });
      if constexpr (has_ids) x_.ids.resize(1);
    }
  }

  /// The next step of the stream: D numbers (a span, a vector, an Eigen column; one may stand by itself), or an id.
  /// Returns the model's output for it, (outputs, 1), which lives until the next step. Throws for what is no finite
  /// number and what the model does not take, and std::runtime_error where the output is no finite number: the state is
  /// as before this step then.
  template <class X> const Matrix<T>& step(const X& x) {
    if constexpr (has_ids) {
      x_.ids[0] = x;
    } else {
      constexpr bool is_numbers = !std::integral<X>;
      static_assert(is_numbers, "unroll: OnlineLearner::step: a step of this model is numbers, 1.0f and not 1.");
      if constexpr (is_numbers) detail::assign_step(x, x_.values);
      detail::check_step("OnlineLearner::step", "feature", x_.values);
    }
    const FlushDenormals flush;
    Context context = detail::inference;
    context.same_weights = std::exchange(same_weights_, false);
    const auto& y =
        detail::forward(model_, context, x_, cache_, Carry<State>{kept_.steps() > 0 ? &state_ : nullptr, &next_});
    detail::require_finite_step(detail::find_not_finite(y.values.data(), y.values.size()) < 0, "output");
    same_weights_ = true;
    kept_.push(x_, state_, next_);
    return y.values;
  }

  /// The loss of the last output if this is the truth (numbers as for `step`, or a label where the loss takes labels),
  /// and nothing else: with GaussianNll or StudentTNll how unlikely it was. Throws for what is no finite number, what
  /// the loss does not take, and before the first step.
  template <class Y> double loss(const Y& truth) {
    detail::check_told("OnlineLearner::loss", kept_.steps(), false);
    return loss_of(truth);
  }
  /// The same, and learns: the truth is kept for as long as its step is in the window, and the update is made when it
  /// is due. Throws as `loss` does, and where the step's truth is known, before anything has changed; and
  /// std::runtime_error where the gradient is no finite number: weights and state are as before then, and the window
  /// is forgotten.
  template <class Y> double learn(const Y& truth) {
    detail::check_told("OnlineLearner::learn", kept_.steps(), kept_.is_known());
    const double found = loss_of(truth);
    kept_.tell(truth_);
    ++news_;
    if (kept_.steps() - begin_ >= options_.window && news_ >= options_.stride) update();
    return found;
  }
  /// A stream begins anew: no state, no window. Weights and optimizer stay.
  void reset() {
    kept_.clear();
    begin_ = news_ = 0;
  }

  /// As it is now.
  const M& model() const { return model_; }
  /// For its rate and its groups.
  Updater& optimizer() { return optimizer_; }
  std::int64_t updates() const { return updates_; }
  /// What the last one has found.
  const StepResult& last_update() const { return found_; }

 private:
  using State = typename detail::StateOf<M>::type;
  static constexpr bool has_ids = std::same_as<In, TokenBatch>;

  static const OnlineOptions& checked(const OnlineOptions& options) {
    detail::check_online_options(options);
    return options;
  }
  template <class Y> double loss_of(const Y& truth) {
    truth_.are_labels = std::integral<Y>;
    if constexpr (std::integral<Y>) {
      truth_.labels.assign(1, detail::to_label(truth));
    } else {
      detail::assign_step(truth, truth_.values);
      detail::check_step("OnlineLearner", "target", truth_.values);
    }
    const auto& y = cache_.output();
    detail::require_kind("OnlineLearner: the step", detail::kinds_of<L, std::remove_cvref_t<decltype(y)>>,
                         truth_.are_labels);
    const double found = detail::with_targets(loss_, x_, y, truth_, [&](const auto& of) {
                           return StepResult{.loss = compute_loss(loss_, y, of).loss};
                         }).loss;
    detail::require_finite_step(detail::has_finite_bits(found), "loss");
    return found;
  }

  void update() {
    kept_.gather(window_, truths_);
    same_weights_ = false;
    news_ = 0;
    found_ =
        train_step(model_, loss_, optimizer_, window_, truths_, work_, {}, options_.clip, {kept_.start(), nullptr});
    if (found_.finite)
      ++updates_;
    else
      begin_ = kept_.steps();
    detail::require_finite_step(found_.finite, "gradient");
  }

  M model_;
  L loss_;
  Updater optimizer_;
  OnlineOptions options_;
  Workspace<M, In> work_;
  CacheFor<M, In> cache_;
  In x_, window_;
  State state_{}, next_{};
  detail::OnlineWindow<T, In, State> kept_;
  BatchTargets<T> truth_, truths_;  // of the last step, and of the window
  Index begin_ = 0, news_ = 0;      // before this step nothing is learned from; truths since the last update
  std::int64_t updates_ = 0;
  StepResult found_;
  bool same_weights_ = false;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/online_learner.ipp>
#endif
