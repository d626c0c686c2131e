// Bodies of train/run_store.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <unroll/train/fit_run.ipp>
#include <unroll/train/run_record.hpp>
#include <unroll/train/run_store.hpp>
#include <unroll/train/weights_record.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// What has to be the same when a run goes on: its numbers are checked, its callbacks counted.
inline std::vector<std::int64_t> lasting_settings(const FitSettings& options, std::size_t rows, std::size_t callbacks) {
  const std::size_t own = options.progress != nullptr ? 1 : 0;
  return {static_cast<std::int64_t>(options.seed),   options.batch_size, options.accumulate,
          static_cast<std::int64_t>(rows),           options.shuffle,    options.similar_length,
          static_cast<std::int64_t>(callbacks - own)};
}

UNROLL_FUNCTION void Resume::save(const FitRun& run, RunStore& to) {
  Record record;
  record.insert("fit",
                run.at_.record(lasting_settings(run.options_, run.split_.training.size(), run.callbacks_.size())));
  record.insert("model", run.weights());
  record.insert("optimizer", optimizer_record(run.job_));
  for (std::size_t k = 0; k < run.callbacks_.size(); ++k) {
    Record own;
    run.callbacks_[k].save(own);
    record.insert(concat_text("callback.", k), own);
  }
  if (run.at_.batch > 0) record.insert("state", run.job_.state());
  to.save(record);
}

/// Before on_train_begin callbacks learn where the run is, after it everything is as it was. Model and optimizer change
/// last, when nothing can be wrong any more.
UNROLL_FUNCTION void Resume::load(FitRun& run, RunStore& from) {
  const Record record = from.load();
  run.at_ = RunPosition::from(record.part("fit"),
                              lasting_settings(run.options_, run.split_.training.size(), run.callbacks_.size()),
                              [&](Index epoch, EpochSize& size) {
                                run.draw_rows(epoch);
                                size = {run.batches_.count(), run.batches_.size()};
                              });
  const Record model = record.part("model"), optimizer = record.part("optimizer");
  model.check_like(run.weights());
  check_optimizer(run.job_, optimizer);
  run.log_.epoch = run.at_.epoch + 1;
  run.at_.totals.write(run.log_);
  run.call(&Callback::on_train_begin);
  for (std::size_t k = 0; k < run.callbacks_.size(); ++k)
    run.callbacks_[k].load(record.part(concat_text("callback.", k)), run);
  if (run.at_.batch > 0) run.job_.load_state(record.part("state"));
  load_optimizer(run.job_, optimizer);
  run.set_weights(model);
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
