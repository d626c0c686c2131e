// Learning rates that change in training.
#pragma once

#include <unroll/train/early_stopping.hpp>

namespace unroll::inline UNROLL_ABI {

/// Lowers the rate when a metric has stopped improving. Who may lower it, by how much and when is the schedule's to
/// say: `ReduceLROnPlateau{.schedule = {.rule = PlateauRule::keras, .factor = 0.5, .patience = 2}}`. Its goal is that
/// of the metric, unless `goal` names one.
struct ReduceLROnPlateau {
  std::string monitor = "val_loss";
  ReduceOnPlateau schedule = {};
  std::optional<Goal> goal = {};

  void on_train_begin(Run& run) {
    schedule.check();
    detail::check_monitor("ReduceLROnPlateau", run, monitor);
    schedule.goal = detail::goal_of(monitor, goal);
    schedule.best = {}, schedule.bad_epochs = 0, schedule.cooldown_left = 0;
  }
  void on_epoch_end(Run& run) {
    run.set_rate(schedule.update(detail::monitored("ReduceLROnPlateau", run, monitor), run.rate()));
  }
  void save(Record& record) const {
    detail::save_optional(record, "best", schedule.best);
    record.set("bad_epochs", schedule.bad_epochs);
    record.set("cooldown_left", schedule.cooldown_left);
  }
  void load(const Record& record) {
    schedule.best = detail::load_optional(record, "best");
    schedule.bad_epochs = static_cast<int>(record.integer("bad_epochs", 0, detail::most_epochs));
    schedule.cooldown_left = static_cast<int>(record.integer("cooldown_left", 0, schedule.cooldown));
  }
};

enum class Every { epoch, step };

/// Sets the rate by a schedule of the epochs or of the steps done: `RateSchedule{WarmUp{500}, Every::step}`. The base
/// is the optimizer's rate when training begins.
template <Schedule S> struct RateSchedule {
  S schedule;
  Every every = Every::epoch;
  double base = 0;  ///< state

  explicit RateSchedule(S of, Every when = Every::epoch) : schedule(std::move(of)), every(when) {}

  void on_train_begin(Run& run) { base = run.rate(); }
  void on_epoch_begin(Run& run) {
    run.set_rate(schedule.rate(base, every == Every::epoch ? run.epoch() - 1 : run.step()));
  }
  void on_batch_end(Run& run) {
    if (every == Every::step) run.set_rate(schedule.rate(base, run.step()));
  }
  void save(Record& record) const { record.set("base", base); }
  void load(const Record& record) {
    base = record.numbers("base", 1).front();
    record.check(base >= 0, "RateSchedule: the base rate is ", base, ", expected 0 or more");
  }
};

}  // namespace unroll::inline UNROLL_ABI
