// Bodies of train/online_learner.hpp.
#pragma once

#include <stdexcept>

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/train/online_learner.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void check_online_options(const OnlineOptions& options) {
  require_at_least("OnlineLearner", "window", options.window, 1);
  require_at_least("OnlineLearner", "stride", options.stride, 0);
  check_limits("OnlineLearner", options.clip);
}
UNROLL_FUNCTION void check_told(const char* who, Index steps, bool is_known) {
  require(steps > 0, who, ": there is no output yet that this could be the truth of: `step` comes first");
  require(!is_known, who, ": the truth of this step is known already");
}
UNROLL_FUNCTION void require_finite_step(bool finite, const char* what) {
  require<std::runtime_error>(finite, "OnlineLearner: the ", what,
                              " is no finite number; a lower rate or a limit of the gradient may help");
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
