// Bodies of train/early_stopping.hpp.
#pragma once

#include <cmath>

#include <unroll/core/finite.hpp>
#include <unroll/core/range.hpp>
#include <unroll/train/early_stopping.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION Goal goal_of(std::string_view monitor, std::optional<Goal> goal) {
  if (goal) return *goal;
  for (const std::string_view name : {"accuracy", "precision", "recall", "f1", "roc_auc", "matthews", "r2"})
    if (monitor.ends_with(name)) return Goal::maximize;
  monitor = MonitoredName::of(monitor).metric;
  for (const std::string_view name : {"precision_", "recall_", "f1_", "span_f1_"})
    if (monitor.starts_with(name)) return Goal::maximize;
  return Goal::minimize;
}
UNROLL_FUNCTION bool improved(double value, const std::optional<double>& best, Goal goal, double min_delta) {
  if (!has_finite_bits(value)) return false;
  if (!best) return true;
  const double margin = std::abs(min_delta);
  return goal == Goal::minimize ? value < *best - margin : value > *best + margin;
}
UNROLL_FUNCTION void save_optional(Record& record, std::string_view name, const std::optional<double>& value) {
  if (value) record.set(name, *value);
}
UNROLL_FUNCTION std::optional<double> load_optional(const Record& record, std::string_view name) {
  return record.contains(name) ? std::optional(record.numbers(name, 1).front()) : std::nullopt;
}
}  // namespace detail

UNROLL_FUNCTION void EarlyStopping::on_train_begin(Run& run) {
  detail::require_at_least("EarlyStopping", "patience", patience, 0);
  detail::require_at_least("EarlyStopping", "skip_epochs", skip_epochs, 0);
  require(detail::has_finite_bits(min_delta), "EarlyStopping: min_delta is ", min_delta, ", expected a finite number");
  detail::check_monitor("EarlyStopping", run, monitor);
  best = {}, best_epoch = 0, wait = 0, best_weights = {};
}
UNROLL_FUNCTION void EarlyStopping::on_epoch_end(Run& run) {
  const double value = detail::monitored("EarlyStopping", run, monitor);
  if (run.epoch() <= skip_epochs) return;
  ++wait;
  if (detail::improved(value, best, detail::goal_of(monitor, goal), min_delta)) {
    best = value, best_epoch = run.epoch(), wait = 0;
    if (restore_best) best_weights = run.weights();
  } else if (wait >= patience) {
    run.stop(best ? concat_text("EarlyStopping: ", monitor, " was best in epoch ", best_epoch, " (", *best,
                                ") and has not improved since")
                  : concat_text("EarlyStopping: ", monitor, " has never been a finite number"));
  }
}
UNROLL_FUNCTION void EarlyStopping::on_train_end(Run& run) {
  if (!best_weights.empty()) run.set_weights(best_weights);
}
UNROLL_FUNCTION void EarlyStopping::save(Record& record) const {
  detail::save_optional(record, "best", best);
  record.set("best_epoch", best_epoch);
  record.set("wait", wait);
  record.insert("best_weights", best_weights);
}
UNROLL_FUNCTION void EarlyStopping::load(const Record& record) {
  best = detail::load_optional(record, "best");
  best_epoch = detail::as<Index>(record.integer("best_epoch", 0, detail::most_epochs));
  wait = static_cast<int>(record.integer("wait", 0, detail::most_epochs));
  best_weights = record.part("best_weights");
  record.check(best.has_value() == (best_epoch > 0), "EarlyStopping: epoch ", best_epoch, " was the best, of ",
               best ? "1 or more" : "none");
}
UNROLL_FUNCTION void EarlyStopping::load(const Record& record, const Run& run) {
  load(record);
  const Index done = run.epoch() - 1;
  record.check(best_epoch <= done && wait <= done, "EarlyStopping: epoch ", best_epoch, " was the best and ", wait,
               " since were not, of ", done, " that are done");
  record.check(!restore_best || !best || !best_weights.empty(), "EarlyStopping: no weights of the best epoch");
  if (!best_weights.empty()) best_weights.check_like(run.weights());
}

}  // namespace unroll::inline UNROLL_ABI
