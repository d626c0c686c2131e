// Bodies of train/train_step.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/core/range.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void CompleteGradient::require_gradient_shape(const Path& path, Index rows, Index cols,
                                                              Index expected_rows, Index expected_cols) {
  if (rows != expected_rows || cols != expected_cols)
    fail("add_gradient: the workspace is of another model: its gradient of ", path.str(), " is ", rows, " x ", cols,
         ", expected ", expected_rows, " x ", expected_cols);
}

UNROLL_FUNCTION void check_backward(const Context& context, double whole_weight) {
  require(context.gradients, "add_gradient: context.gradients is false, so nothing is kept for the backward pass");
  require_not_negative("add_gradient", "whole_weight", whole_weight);
}
UNROLL_FUNCTION void check_limits(const char* who, const ClipLimits& clip) {
  require_not_negative(who, "clip.norm", clip.norm);
  require_not_negative(who, "clip.each_norm", clip.each_norm);
  require_not_negative(who, "clip.value", clip.value);
  require_not_negative(who, "clip.epsilon", clip.epsilon);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
