// Bodies of loss/loss.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void check_columns_of_steps(const Packing& packing, Index columns, Index targets) {
  require(columns == packing.total(), "loss: the output has ", columns, " columns, its packing ", packing.total(),
          " steps");
  if (targets == packing.batch() && targets != packing.total())
    fail("loss: ", targets, " targets for an output of ", packing.total(), " columns, one for each step of the ",
         targets, " sequences; is a FinalState missing in the model, or was a target for each step meant?");
}
UNROLL_FUNCTION void check_columns_of_sequences(const Packing& packing, Index columns, Index targets) {
  if (targets == packing.total() && columns == packing.batch() && targets != columns)
    fail("loss: ", targets, " targets, one for each step, for an output of ", columns,
         " columns, one for each sequence; is a FinalState in the model that should not be there, or was a target for "
         "each sequence meant?");
}

UNROLL_FUNCTION void check_columns(const char* who, Index columns, Index targets) {
  require(columns == targets, who, ": ", targets, " targets for an output of ", columns, " columns");
}
UNROLL_FUNCTION void check_labels(const char* who, Labels labels, Index classes, Index ignored) {
  for (Index n = 0; n < labels.size(); ++n)
    if (const Index y = labels[n]; !((y >= 0 && y < classes) || y == ignored)) [[unlikely]] {
      require(classes > 0, who, ": label ", n, " is ", y, ", but the output has no rows, which are the classes");
      fail(who, ": label ", n, " is ", y, ", expected 0 to ", classes - 1, " or ", ignored, " to ignore it");
    }
}
UNROLL_FUNCTION Index count_labels(Labels labels, Index ignored) {
  Index n = 0;
  for (Index k = 0; k < labels.size(); ++k) n += labels[k] != ignored ? 1 : 0;
  return n;
}
UNROLL_FUNCTION void check_weights(const char* who, const char* what, std::span<const double> weights) {
  for (std::size_t k = 0; k < weights.size(); ++k)
    if (!(has_finite_bits(weights[k]) && weights[k] >= 0)) [[unlikely]]
      require_not_negative(who, concat_text(what, " ", k), weights[k]);
}
UNROLL_FUNCTION void check_sample_weights(const char* who, Index columns, std::span<const double> weights) {
  require(weights.empty() || static_cast<Index>(weights.size()) == columns, who, ": ", weights.size(),
          " sample weights for an output of ", columns, " columns");
  check_weights(who, "sample weight", weights);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
