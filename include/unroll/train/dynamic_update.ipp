// Bodies of train/dynamic_update.hpp.
#pragma once

#include <unroll/core/range.hpp>
#include <unroll/train/dynamic_update.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void detail::check_dynamic_evaluation(const DynamicEvaluationOptions& options) {
  require_at_least("DynamicEvaluation", "window", options.window, 1);
  require_not_negative("DynamicEvaluation", "the rate", options.rate);
  require_share("DynamicEvaluation", "decay", options.decay);
  require_not_negative("DynamicEvaluation", "epsilon", options.epsilon);
  require_not_negative("DynamicEvaluation", "clip_norm", options.clip_norm);
}

}  // namespace unroll::inline UNROLL_ABI
