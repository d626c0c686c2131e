// What a training step is told, and what it finds.
#pragma once

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

/// Limits on the gradient; 0: none. At most one of the three is used, in this order.
struct ClipLimits {
  double norm = 0;       ///< of the global norm
  double each_norm = 0;  ///< of each parameter's own norm (Keras's clipnorm)
  double value = 0;      ///< of each element
  double epsilon = 0;    ///< see ClipOptions; with `norm`
};

/// What a step, or a part of one, has found.
struct StepResult {
  double loss = 0;    ///< mean over the batch
  double weight = 0;  ///< what the mean was divided by
  Index correct = 0;  ///< of `count` decisions, where the loss decides
  Index count = 0;
  double gradient_norm = 0;  ///< before clipping
  bool clipped = false;
  bool finite = true;  ///< false: loss or gradient is no finite number, and nothing was updated
};

}  // namespace unroll::inline UNROLL_ABI
