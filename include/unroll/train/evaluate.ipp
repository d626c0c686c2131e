// Bodies of train/evaluate.hpp.
#pragma once

#include <unroll/train/evaluate.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION Evaluation evaluate_batches(RowBatches& batches, FunctionRef<std::span<const Index>, StepResult&> of) {
  double sum = 0, weight = 0;
  Index correct = 0, count = 0;
  for (Index k = 0; k < batches.count(); ++k) {
    StepResult result;
    of(batches.rows(k), result);
    sum += result.loss * result.weight;
    weight += result.weight;
    correct += result.correct;
    count += result.count;
  }
  return {weight > 0 ? sum / weight : 0, count > 0 ? static_cast<double>(correct) / static_cast<double>(count) : 0,
          count};
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
