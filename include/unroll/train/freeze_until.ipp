// Bodies of train/freeze_until.hpp.
#pragma once

#include <unroll/core/range.hpp>
#include <unroll/train/freeze_until.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void FreezeUntil::on_train_begin(Run& run) const {
  detail::require_at_least("FreezeUntil", "epoch", epoch, 1);
  if (epoch > 1) run.freeze(pattern);
}
// A checkpoint holds what is frozen, so one that is resumed needs no state of this.
UNROLL_FUNCTION void FreezeUntil::on_epoch_begin(Run& run) const {
  if (run.epoch() == epoch) run.thaw(pattern);
}

}  // namespace unroll::inline UNROLL_ABI
