// Bodies of train/rate_callbacks.hpp.
#pragma once

#include <unroll/train/rate_callbacks.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void ReduceLROnPlateau::on_train_begin(Run& run) {
  schedule.check();
  detail::check_monitor("ReduceLROnPlateau", run, monitor);
  schedule.goal = detail::goal_of(monitor, goal);
  schedule.best = {}, schedule.bad_epochs = 0, schedule.cooldown_left = 0;
}
UNROLL_FUNCTION void ReduceLROnPlateau::on_epoch_end(Run& run) {
  run.set_rate(schedule.update(detail::monitored("ReduceLROnPlateau", run, monitor), run.rate()));
}
UNROLL_FUNCTION void ReduceLROnPlateau::save(Record& record) const {
  detail::save_optional(record, "best", schedule.best);
  record.set("bad_epochs", schedule.bad_epochs);
  record.set("cooldown_left", schedule.cooldown_left);
}
UNROLL_FUNCTION void ReduceLROnPlateau::load(const Record& record) {
  schedule.best = detail::load_optional(record, "best");
  schedule.bad_epochs = static_cast<int>(record.integer("bad_epochs", 0, detail::most_epochs));
  schedule.cooldown_left = static_cast<int>(record.integer("cooldown_left", 0, schedule.cooldown));
}

namespace detail {
UNROLL_FUNCTION double load_base_rate(const Record& record) {
  const double base = record.numbers("base", 1).front();
  record.check(base >= 0, "RateSchedule: the base rate is ", base, ", expected 0 or more");
  return base;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
