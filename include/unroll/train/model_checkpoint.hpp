// Saving models on the way.
#pragma once

#include <unroll/train/early_stopping.hpp>

namespace unroll::inline UNROLL_ABI {

/// Calls `save` after every n-th epoch, or after every epoch that was the best so far:
/// `ModelCheckpoint{.save_model = [&](Run&) { save("best.safetensors", model, vocabulary); }}`.
/// What it saves is a model to use; to go on with a run that died, see FitOptions::checkpoint.
struct ModelCheckpoint {
  std::function<void(Run&)> save_model;
  bool best_only = true;
  std::string monitor = "val_loss";
  Index every = 1;                ///< epochs; those between are not looked at
  std::optional<Goal> goal = {};  ///< as EarlyStopping's

  std::optional<double> best = {};  ///< state

  void on_train_begin(Run& run) {
    require(save_model != nullptr, "ModelCheckpoint: save_model is empty");
    detail::require_at_least("ModelCheckpoint", "every", every, 1);
    if (best_only) detail::check_monitor("ModelCheckpoint", run, monitor);
    best = {};
  }
  void on_epoch_end(Run& run) {
    if (run.epoch() % every != 0) return;
    if (best_only) {
      const double value = detail::monitored("ModelCheckpoint", run, monitor);
      if (!detail::improved(value, best, detail::goal_of(monitor, goal), 0)) return;
      best = value;
    }
    save_model(run);
  }
  void save(Record& record) const { detail::save_optional(record, "best", best); }
  void load(const Record& record) { best = detail::load_optional(record, "best"); }
};

}  // namespace unroll::inline UNROLL_ABI
