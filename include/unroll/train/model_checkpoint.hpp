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

  UNROLL_API void on_train_begin(Run& run);
  UNROLL_API void on_epoch_end(Run& run);
  UNROLL_API void save(Record& record) const;
  UNROLL_API void load(const Record& record);
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/model_checkpoint.ipp>
#endif
