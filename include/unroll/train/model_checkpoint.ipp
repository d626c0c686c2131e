// Bodies of train/model_checkpoint.hpp.
#pragma once

#include <unroll/core/range.hpp>
#include <unroll/train/model_checkpoint.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void ModelCheckpoint::on_train_begin(Run& run) {
  require(save_model != nullptr, "ModelCheckpoint: save_model is empty");
  detail::require_at_least("ModelCheckpoint", "every", every, 1);
  if (best_only) detail::check_monitor("ModelCheckpoint", run, monitor);
  best = {};
}
UNROLL_FUNCTION void ModelCheckpoint::on_epoch_end(Run& run) {
  if (run.epoch() % every != 0) return;
  if (best_only) {
    const double value = detail::monitored("ModelCheckpoint", run, monitor);
    if (!detail::improved(value, best, detail::goal_of(monitor, goal), 0)) return;
    best = value;
  }
  save_model(run);
}
UNROLL_FUNCTION void ModelCheckpoint::save(Record& record) const { detail::save_optional(record, "best", best); }
UNROLL_FUNCTION void ModelCheckpoint::load(const Record& record) { best = detail::load_optional(record, "best"); }

}  // namespace unroll::inline UNROLL_ABI
