// Bodies of train/evaluate.hpp.
#pragma once

#include <unroll/train/evaluate.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION WindowBatches::WindowBatches(Index count, std::span<const Index> rows) : count_(count) {
  require(rows.empty(), "evaluate: streams are read from beginning to end, rows are those of other data sets");
}
UNROLL_FUNCTION Evaluation evaluate_batches(Index batches, FunctionRef<Index, StepResult&> of) {
  double sum = 0, weight = 0;
  Index correct = 0, count = 0;
  for (Index k = 0; k < batches; ++k) {
    StepResult result;
    of(k, result);
    sum += result.loss * result.weight;
    weight += result.weight;
    correct += result.correct;
    count += result.count;
  }
  return {.loss = weight > 0 ? sum / weight : 0,
          .accuracy = count > 0 ? static_cast<double>(correct) / static_cast<double>(count) : 0,
          .count = count};
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
