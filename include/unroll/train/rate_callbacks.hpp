// Learning rates that change in training.
#pragma once

#include <unroll/train/early_stopping.hpp>

namespace unroll::inline UNROLL_ABI {

/// Lowers the rate when a metric has stopped improving. Who may lower it, by how much and when is the schedule's to
/// say: `ReduceLROnPlateau{.schedule = {.rule = PlateauRule::keras, .factor = 0.5, .patience = 2}}`. Its goal is that
/// of the metric, unless `goal` names one. `{.schedule = {.factor = 0.25, .patience = 1, .threshold = 0}}` quarters the
/// rate after every epoch that was not the best so far, as is usual where Sgd trains language models.
struct ReduceLROnPlateau {
  std::string monitor = "val_loss";
  ReduceOnPlateau schedule = {};
  std::optional<Goal> goal = {};

  UNROLL_API void on_train_begin(Run& run);
  UNROLL_API void on_epoch_end(Run& run);
  UNROLL_API void save(Record& record) const;
  UNROLL_API void load(const Record& record);
};

namespace detail {
UNROLL_API double load_base_rate(const Record& record);
}  // namespace detail

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
  void load(const Record& record) { base = detail::load_base_rate(record); }
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/rate_callbacks.ipp>
#endif
