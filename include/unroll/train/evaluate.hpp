// How good a model is.
#pragma once

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

/// With buffers of the caller's.
template <class M, class L, class D, class Cache, class T>
Evaluation evaluate(const M& model, const L& loss, const D& data, const EvaluateOptions& options, Cache& cache,
                    typename D::Batch& x, BatchTargets<T>& targets) {
  RowBatches batches("evaluate", data, options.rows, options.batch_size);
  double sum = 0, weight = 0;
  Index correct = 0, count = 0;
  for (Index k = 0; k < batches.count(); ++k) {
    load_batch(data, batches.rows(k), x, targets);
    const auto& output = model.forward(inference, x, cache);
    const StepResult result = with_targets(loss, x, output, targets, [&](const auto& of) {
      const LossResult value = compute_loss(loss, output, of);
      StepResult r{.loss = value.loss, .weight = value.weight};
      count_correct(loss, output, of, r);
      return r;
    });
    sum += result.loss * result.weight;
    weight += result.weight;
    correct += result.correct;
    count += result.count;
  }
  return {weight > 0 ? sum / weight : 0, count > 0 ? static_cast<double>(correct) / static_cast<double>(count) : 0,
          count};
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
