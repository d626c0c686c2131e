// The loop under fit, in three pieces: add_gradient, apply_gradient, and train_step, which is both.
#pragma once

#include <unroll/core/context.hpp>
#include <unroll/core/denormals.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/model_ref.hpp>
#include <unroll/core/parameters.hpp>
#include <unroll/data/targets.hpp>
#include <unroll/head/head_loss.hpp>
#include <unroll/layer/layer.hpp>
#include <unroll/loss/loss.hpp>
#include <unroll/optim/clip.hpp>
#include <unroll/optim/optimizer.hpp>
#include <unroll/train/load_batch.hpp>
#include <unroll/train/step_result.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// A parameter that was thawed gets a gradient; tables get room for all that a batch may touch. Throws for a gradient
/// of another model.
struct CompleteGradient {
  template <class P> void operator()(const Path& path, const P& p, P& g) const {
    if (!p.trainable) return;
    complete(path, p, g);
    if constexpr (is_table<P>) reserve(g);
  }
  template <class T> static void complete(const Path& path, const Matrix<T>& p, Matrix<T>& g) {
    if (g.size() == 0) {
      g.resize(p.rows(), p.cols());
      set_zero(g);
    }
    require_gradient_shape(path, g.rows(), g.cols(), p.rows(), p.cols());
  }
  template <class T> static void reserve(Table<T>& g) {
    const auto columns = static_cast<std::size_t>(g.cols());
    g.touched.reserve(columns);
    if (g.marked.size() != columns) g.marked.assign(columns, 0);
  }
  UNROLL_API static void require_gradient_shape(const Path& path, Index rows, Index cols, Index expected_rows,
                                                Index expected_cols);
};
template <class M> void complete_gradient(const M& model, M& gradient) { visit(CompleteGradient(), model, gradient); }
}  // namespace detail

/// All that a training loop keeps between steps. After one batch at least as large, steps allocate nothing.
template <class M, class In> struct Workspace {
  CacheFor<M, In> cache;  ///< holds the output until the next forward pass
  M gradient;
  typename M::template Output<In> d_output;
  HeadScratch<M> head;  ///< what the model's head needs, if it has one

  explicit Workspace(const M& model) : gradient(zeros_like(model)) {
    detail::complete_gradient(model, gradient);
    if constexpr (requires { cache.want_dx; }) cache.want_dx = false;  // nobody reads the gradient of data
  }
};

namespace detail {
UNROLL_API void check_backward(const Context& context, double whole_weight);
UNROLL_API void check_limits(const char* who, const ClipLimits& clip);
template <class T> UNROLL_API void scale_gradient(Matrix<T>& d, T factor);
template <class T> void scale_gradient(Matrix<T>& d, T factor) {
  for (Index k = 0; k < d.size(); ++k) d.data()[k] *= factor;
}

/// f(targets) of a batch x: labels or values, whichever there are and the loss takes, or the batch itself.
template <class L, class In, class Output, class Targets, class F>
StepResult with_targets(const L& loss, const In& x, const Output& output, const Targets& targets, const F& f) {
  if constexpr (takes_batch<L, Output, In>) {
    return f(x);
  } else if constexpr (!is_batch_targets<Targets>) {
    if constexpr (requires { x.packing.total(); } && !(is_packed<Output> && takes_whole<L, Output, Targets>))
      check_columns_of(x.packing, output, targets);
    return f(targets);
  } else {
    require_kind("the data set", kinds_of<L, Output>, targets.are_labels);
    if constexpr (takes_labels<L, Output>)
      if (targets.are_labels) return with_targets(loss, x, output, targets.labels, f);
    if constexpr (takes_numbers<L, Output>)
      if (!targets.are_labels) return with_targets(loss, x, output, targets.values, f);
    return {};
  }
}
template <class Targets> std::span<const double> sample_weights(const Targets& targets) {
  if constexpr (is_batch_targets<Targets>) return targets.sample_weights;
  return {};
}
template <class L, class Output, class Targets>
void count_correct(const L& loss, const Output& output, const Targets& targets, StepResult& result) {
  if constexpr (counts_right<L, Output, Targets>) {
    result.correct = count_right(loss, output, targets);
    result.count = loss.count(targets);
  }
}
}  // namespace detail

namespace detail {
/// A model of a user's own need not take a carry.
template <class M, class In, class Cache>
const auto& forward(const M& model, const Context& context, const In& x, Cache& cache,
                    Carry<typename StateOf<M>::type> carry) {
  if constexpr (requires { model.forward(context, x, cache, carry); })
    return model.forward(context, x, cache, carry);
  else
    return model.forward(context, x, cache);
}
}  // namespace detail

/// Forward, loss, backward: gradient +=. `targets` is what the loss takes (labels, a matrix, a type of its own) or a
/// data set's BatchTargets; a loss that takes the batch x as its targets (NextToken) gets that. The loss of a model
/// that ends in a head is HeadLoss{}. Throws for a workspace of another model, and what the model and the loss do not
/// take; a parameter that was thawed since gets its gradient here.
/// @param whole_weight  the loss's weight of the whole batch (see LossResult) where `x` is only a part of it, so that
///   the parts' gradients add up to the whole batch's; 0: x is all of it. `context.first_row` then says which part,
///   `context.share` how much of it.
/// @param carry  states in and out, for truncated backpropagation: the gradient stops at the border.
template <class M, class L, class In, class Targets> requires Model<M, In>
StepResult add_gradient(const M& model, const L& loss, const In& x, const Targets& targets, Workspace<M, In>& work,
                        const Context& context, double whole_weight = 0,
                        Carry<typename detail::StateOf<M>::type> carry = {}) {
  using T = ScalarOf<typename M::template Output<In>>;
  if constexpr (detail::assert_loss_of<M, L>()) {
    detail::check_backward(context, whole_weight);
    detail::complete_gradient(model, work.gradient);
    const auto& output = detail::forward(model, context, x, work.cache, carry);
    if constexpr (detail::is_head_loss<L>) detail::check_head_is_last(model, work.cache, output);
    decltype(auto) bound = detail::bind_loss(loss, model, &work.gradient, work.head, whole_weight);
    const StepResult result = detail::with_targets(bound, x, output, targets, [&](const auto& of) {
      const LossResult value = compute_loss(bound, output, of, work.d_output, detail::sample_weights(targets));
      StepResult r{.loss = value.loss, .weight = value.weight, .finite = detail::has_finite_bits(value.loss)};
      detail::count_correct(bound, output, of, r);
      return r;
    });
    if (whole_weight > 0 && !detail::is_head_loss<L>) {  // a head has done so
      detail::scale_gradient(values(work.d_output), static_cast<T>(result.weight / whole_weight));
    }
    model.backward(x, work.d_output, work.cache, work.gradient);
    return result;
  } else {
    return {};
  }
}

namespace detail {
/// What is found goes into `result`.
template <class M> UNROLL_API void clip_gradient(M& gradient, const ClipLimits& clip, StepResult& result) {
  if constexpr (is_erasable<M>) {
    ErasedModel<typename M::Scalar> erased(gradient);
    clip_gradient(erased, clip, result);
  } else {
    result.gradient_norm = clip.norm > 0        ? clip_by_global_norm(gradient, clip.norm, {.epsilon = clip.epsilon})
                           : clip.each_norm > 0 ? clip_each_by_norm(gradient, clip.each_norm)
                                                : global_norm(gradient);
    result.finite = result.finite && has_finite_bits(result.gradient_norm);
    if (!result.finite) return;
    if (clip.norm > 0) {
      result.clipped = result.gradient_norm > clip.norm;
    } else if (clip.each_norm > 0) {
      result.clipped = global_norm(gradient) < result.gradient_norm;
    } else if (clip.value > 0) {
      clip_by_value(gradient, clip.value);
      result.clipped = global_norm(gradient) < result.gradient_norm;
    }
  }
}
}  // namespace detail

/// Clips the gradient, updates the model and sets the gradient to zero. Where the gradient's norm is no finite number
/// nothing is updated. Denormals count as zero meanwhile. Throws for a limit that is negative or no finite number, and
/// what `optimizer` does not take, before anything has changed.
template <class M, class O>
StepResult apply_gradient(M& model, O& optimizer, M& gradient, const ClipLimits& clip = {}, StepResult result = {}) {
  detail::check_limits("apply_gradient", clip);
  if constexpr (requires { optimizer.check(model, gradient); }) optimizer.check(model, gradient);
  const FlushDenormals flush;
  detail::clip_gradient(gradient, clip, result);
  if (result.finite) optimizer.step(model, gradient);
  set_zero(gradient);
  return result;
}

/// One step of training:
/// ```
/// Workspace<decltype(model), TokenBatch> work(model);
/// Optimizer optimizer(model, Adam{.rate = 1e-3});
/// for (std::uint64_t step = 0; step < steps; ++step)
///   train_step(model, CrossEntropy{}, optimizer, batch, labels, work, {.training = true, .seed = 7, .step = step},
///              {.norm = 1});
/// ```
/// Truncated backpropagation carries the state: `.., {.norm = 1}, {first ? nullptr : &state, &state})`.
template <class M, class L, class O, class In, class Targets> requires Model<M, In>
StepResult train_step(M& model, const L& loss, O& optimizer, const In& x, const Targets& targets,
                      Workspace<M, In>& work, const Context& context, const ClipLimits& clip = {},
                      Carry<typename detail::StateOf<M>::type> carry = {}) {
  const StepResult found = add_gradient(model, loss, x, targets, work, context, 0, carry);
  return apply_gradient(model, optimizer, work.gradient, clip, found);
}

namespace detail {
struct TouchAll {
  template <class P> void operator()(const Path&, P& g) const {
    if constexpr (is_table<P>)
      for (Index column = 0; column < g.cols(); ++column) g.touch(column);
  }
};
/// All columns of a gradient's tables count as touched from then on.
template <class M> UNROLL_API void touch_tables_of(M& gradient) {
  if constexpr (is_erasable<M>) {
    ErasedModel<typename M::Scalar> erased(gradient);
    touch_tables_of(erased);
  } else {
    visit(TouchAll(), gradient);
  }
}
}  // namespace detail

#define UNROLL_TRAIN_STEP_INSTANCES(DECLARE, T)                  \
  DECLARE void detail::touch_tables_of(detail::ErasedModel<T>&); \
  DECLARE void detail::scale_gradient(Matrix<T>&, T);            \
  DECLARE void detail::clip_gradient(detail::ErasedModel<T>&, const ClipLimits&, StepResult&);
#if !UNROLL_HEADER_ONLY
UNROLL_TRAIN_STEP_INSTANCES(extern template, float)
UNROLL_TRAIN_STEP_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/train_step.ipp>
#endif
