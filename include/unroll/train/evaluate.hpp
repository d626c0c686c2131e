// How good a model is.
#pragma once

#include <unroll/data/batches.hpp>
#include <unroll/train/history.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

struct EvaluateOptions {
  Index batch_size = 64;             ///< changes time and memory; outputs have the same bits whatever it is
  std::span<const Index> rows = {};  ///< of the data set; none: all
};

namespace detail {
/// Rows in batches, longest sequences first: a sequence's output does not depend on its company, its time does.
template <class D> Batches batches_by_length(const D& data, std::span<const Index> rows, Index batch_size) {
  std::vector<Index> all(rows.begin(), rows.end());
  if (rows.empty()) all = split_tail(data.size(), 0).training;
  const auto pool = static_cast<Index>(all.size());
  return Batches(std::move(all),
                 {.batch_size = batch_size, .shuffle = false, .similar_length = true, .pool = std::max<Index>(pool, 1)},
                 [&](Index row) { return data.length(row); });
}
inline constexpr Context inference{.training = false, .gradients = false};

/// With buffers of the caller's.
template <class M, class L, class D, class Cache, class T>
Evaluation evaluate(const M& model, const L& loss, const D& data, const EvaluateOptions& options, Cache& cache,
                    typename D::Batch& x, BatchTargets<T>& targets) {
  const Batches batches = batches_by_length(data, options.rows, options.batch_size);
  double sum = 0, weight = 0;
  Index correct = 0, count = 0;
  for (Index k = 0; k < batches.count(); ++k) {
    data.fill(batches[k], x);
    data.fill_targets(batches[k], x.packing, targets);
    const auto& output = model.forward(inference, x, cache);
    const StepResult result = with_targets(loss, output, targets, [&](const auto& of) {
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

/// Mean loss and accuracy over a data set, dropout off. The same bits however often it is asked.
template <class M, class L, class D> requires Model<M, typename D::Batch>
Evaluation evaluate(const M& model, const L& loss, const D& data, const EvaluateOptions& options = {}) {
  CacheFor<M, typename D::Batch> cache;
  typename D::Batch x;
  BatchTargets<ScalarOf<typename M::template Output<typename D::Batch>>> targets;
  return detail::evaluate(model, loss, data, options, cache, x, targets);
}

}  // namespace unroll::inline UNROLL_ABI
