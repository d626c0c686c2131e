// The gradient of an update on its way from the batch to the optimizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <unroll/core/function_ref.hpp>
#include <unroll/core/model_ref.hpp>
#include <unroll/train/step_result.hpp>

namespace unroll::inline UNROLL_ABI {

/// What FitOptions::on_gradient is given: the gradient of the whole batch of an update, before it is clipped and the
/// model changes. Several machines, each with a part of the batch and the same weights, add up theirs here:
/// `.on_gradient = [&](BatchGradient& batch) { batch.add_up([&](auto numbers) { .. }); }`.
class BatchGradient {
 public:
  std::int64_t step;  ///< updates before this one
  // Sums over the batch. What a hook leaves here goes into the history.
  double loss;    ///< where it is no finite number the run ends without this update
  double weight;  ///< what `loss` was divided by for the mean, whose gradient this is
  Index correct;  ///< of `count` decisions
  Index count;

  /// Makes this the gradient of the batches of all machines together: `sum(numbers)` replaces each of a
  /// std::span<float> or std::span<double> by its sum over the machines, all of which call it equally often and in the
  /// same order. Parts of a batch may differ in size.
  template <class F> void add_up(const F& sum) {
    scale(weight);  // of the sum of the losses, which can be added
    visit([&](const Path&, auto numbers) { sum(numbers); });
    double sums[] = {loss, weight, static_cast<double>(correct), static_cast<double>(count)};
    sum(std::span<double>(sums));
    loss = sums[0], weight = sums[1];
    correct = static_cast<Index>(sums[2]), count = static_cast<Index>(sums[3]);
    if (weight > 0) scale(1 / weight);
  }

  /// f(path, std::span<T>), for float as well as double, for the gradient of every parameter that is trained, column by
  /// column. It may write to any number, so a table counts as touched in all columns afterwards.
  template <class F> void visit(const F& f) {
    touch_tables_();
    gradient_.visit([&](const Path& path, const detail::ParameterRef& any) {
      any.with([&]<class T>(Parameter<T>& g) { f(path, std::span<T>(g.data(), static_cast<std::size_t>(g.size()))); });
    });
  }
  /// f(path, std::span<const T>), which changes nothing.
  template <class F> void visit(const F& f) const {
    gradient_.visit([&](const Path& path, const detail::ParameterRef& any) {
      any.with([&]<class T>(const Parameter<T>& g) {
        f(path, std::span<const T>(g.data(), static_cast<std::size_t>(g.size())));
      });
    });
  }
  UNROLL_API void scale(double factor);

  /// For `fit`: `found` has the sum of the losses, `touch_tables` lives as long as this.
  BatchGradient(detail::ModelRef gradient, FunctionRef<> touch_tables, std::int64_t updates, const StepResult& found)
      : step(updates),
        loss(found.loss),
        weight(found.weight),
        correct(found.correct),
        count(found.count),
        gradient_(gradient),
        touch_tables_(touch_tables) {}

 private:
  detail::ModelRef gradient_;
  FunctionRef<> touch_tables_;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/batch_gradient.ipp>
#endif
