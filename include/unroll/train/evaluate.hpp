// How good a model is.
#pragma once

#include <span>

#include <unroll/core/context.hpp>
#include <unroll/core/function_ref.hpp>
#include <unroll/train/history.hpp>
#include <unroll/train/load_batch.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

struct EvaluateOptions {
  Index batch_size = 64;             ///< changes time and memory; outputs have the same bits whatever it is
  std::span<const Index> rows = {};  ///< of the data set, which may repeat; none: all
};

namespace detail {
inline constexpr Context inference{.training = false, .gradients = false};

/// The mean over all batches of what `of` finds for each.
UNROLL_API Evaluation evaluate_batches(RowBatches& batches, FunctionRef<std::span<const Index>, StepResult&> of);
/// With buffers of the caller's.
template <class M, class L, class D, class Cache, class T>
Evaluation evaluate(const M& model, const L& loss, const D& data, const EvaluateOptions& options, Cache& cache,
                    typename D::Batch& x, BatchTargets<T>& targets) {
  RowBatches batches("evaluate", data, options.rows, options.batch_size);
  return evaluate_batches(batches, [&](std::span<const Index> rows, StepResult& result) {
    load_batch(data, rows, x, targets);
    const auto& output = model.forward(inference, x, cache);
    result = with_targets(loss, x, output, targets, [&](const auto& of) {
      const LossResult value = compute_loss(loss, output, of);
      StepResult r{.loss = value.loss, .weight = value.weight};
      count_correct(loss, output, of, r);
      return r;
    });
  });
}
}  // namespace detail

/// Mean loss and accuracy over a data set, dropout off. The same bits however often it is asked. Throws where it has no
/// sequence, no targets or targets that the loss does not take, and for rows that it does not have.
template <class M, class L, class D> requires Model<M, typename D::Batch>
Evaluation evaluate(const M& model, const L& loss, const D& data, const EvaluateOptions& options = {}) {
  using T = ScalarOf<typename M::template Output<typename D::Batch>>;
  require(data.size() > 0, "evaluate: the data set has no sequence");
  detail::require_targets<Matrix<T>>("evaluate: the data set", loss, data);
  CacheFor<M, typename D::Batch> cache;
  typename D::Batch x;
  BatchTargets<T> targets;
  return detail::evaluate(model, loss, data, options, cache, x, targets);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/evaluate.ipp>
#endif
