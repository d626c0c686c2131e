// Bodies of optim/optimizer_state.hpp.
#pragma once

#include <limits>

#include <unroll/core/error.hpp>
#include <unroll/core/parameters.hpp>
#include <unroll/core/range.hpp>
#include <unroll/optim/optimizer_state.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

UNROLL_FUNCTION OptimizerState::OptimizerState(std::size_t of_each) : moment_count(of_each) {}
UNROLL_FUNCTION OptimizerState::OptimizerState(const OptimizerState& other) = default;
UNROLL_FUNCTION OptimizerState::OptimizerState(OptimizerState&& other) noexcept = default;
UNROLL_FUNCTION OptimizerState& OptimizerState::operator=(const OptimizerState& other) = default;
UNROLL_FUNCTION OptimizerState& OptimizerState::operator=(OptimizerState&& other) noexcept = default;
UNROLL_FUNCTION OptimizerState::~OptimizerState() = default;

UNROLL_FUNCTION void OptimizerState::check_parameter(std::size_t parameter) const {
  require(parameter < paths.size(), "Optimizer: the model has more parameters than the ", paths.size(),
          " that the optimizer was made for");
}
UNROLL_FUNCTION void OptimizerState::group(std::string_view pattern, const GroupOptions& options) {
  require_not_negative("Optimizer::group", "rate_scale", options.rate_scale);
  require_not_negative("Optimizer::group", "weight_decay", options.weight_decay.value_or(0));
  bool any = false;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!matches(pattern, paths[i])) continue;
    any = true;
    if (!settings[i]) settings[i] = options;
  }
  require(any, "Optimizer::group: no parameter matches '", pattern, "'");
}

UNROLL_FUNCTION void check_step_shape(std::string_view what, const Path& path, Index rows, Index cols,
                                      Index expected_rows, Index expected_cols) {
  if (rows != expected_rows || cols != expected_cols)
    fail("Optimizer::step: ", what, " of ", path.str(), " is ", rows, " x ", cols, ", expected ", expected_rows, " x ",
         expected_cols);
}

UNROLL_FUNCTION void CheckGradients::check(const Path& path, Index rows, Index cols, Index g_rows, Index g_cols,
                                           const std::vector<Index>* touched) const {
  if (g_rows * g_cols == 0)
    fail("Optimizer::step: ", path.str(),
         " is trainable but has no gradient; if it was thawed since, make the gradient anew by zeros_like");
  check_step_shape("the gradient", path, g_rows, g_cols, rows, cols);
  check_touched("Optimizer::step", path, g_cols, touched);
  if (count >= state.counts.size()) return;
  if (const std::int64_t n = state.counts[count]; n < 0 || n == (std::numeric_limits<std::int64_t>::max)())
    fail("Optimizer::step: ", path.str(), " has been updated ", n, " times, expected 0 or more");
}
UNROLL_FUNCTION void CheckGradients::finish() const {
  require(count == state.paths.size(), "Optimizer::step: the model has ", count,
          " parameters, the optimizer was made for ", state.paths.size());
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
