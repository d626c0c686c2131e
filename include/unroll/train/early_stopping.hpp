// Early stopping.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <unroll/optim/schedule.hpp>
#include <unroll/train/callback.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Up is better for accuracies and for precision, recall, f1 (also of a class), roc_auc, matthews and r2, down for
/// everything else, unless somebody says so.
UNROLL_API Goal goal_of(std::string_view monitor, std::optional<Goal> goal);
/// Better than `best` by more than |min_delta|; any finite number is better than nothing.
UNROLL_API bool improved(double value, const std::optional<double>& best, Goal goal, double min_delta);
/// More than any run has.
inline constexpr std::int64_t most_epochs = 1'000'000'000;
UNROLL_API void save_optional(Record& record, std::string_view name, const std::optional<double>& value);
UNROLL_API std::optional<double> load_optional(const Record& record, std::string_view name);
}  // namespace detail

/// Ends training when a metric has not improved for `patience` epochs. With `restore_best` the model has the weights of
/// its best epoch when training ends, for whatever reason it ends: Keras 3 (Keras 2 restored only after an early stop).
struct EarlyStopping {
  std::string monitor = "val_loss";
  int patience = 0;
  double min_delta = 0;
  bool restore_best = true;       ///< costs a copy of the weights
  int skip_epochs = 0;            ///< so many at the start are neither good nor bad: Keras's start_from_epoch
  std::optional<Goal> goal = {};  ///< none: by the name, see detail::goal_of

  // Its state, which a checkpoint holds.
  std::optional<double> best = {};
  Index best_epoch = 0;  ///< from 1
  int wait = 0;
  Record best_weights = {};

  UNROLL_API void on_train_begin(Run& run);
  UNROLL_API void on_epoch_end(Run& run);
  UNROLL_API void on_train_end(Run& run);
  UNROLL_API void save(Record& record) const;
  UNROLL_API void load(const Record& record);
  UNROLL_API void load(const Record& record, const Run& run);
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/early_stopping.ipp>
#endif
