#include <doctest/doctest.h>

#include <unroll/train/early_stopping.hpp>

#include "../support/not_finite.hpp"
#include "fake_run.hpp"

using unroll::EarlyStopping;

namespace {
/// In which epoch it stops, 0 for never, and the weight at the end of training.
std::pair<unroll::Index, double> outcome(EarlyStopping stopping, const std::vector<double>& values) {
  FakeRun run;
  stopping.on_train_begin(run);
  for (const double value : values) {
    run.epoch_of(stopping, stopping.monitor, value);
    if (run.stopped) break;
  }
  const unroll::Index stopped = run.stopped ? run.now.epoch - 1 : 0;
  stopping.on_train_end(run);
  return {stopped, run.weight};
}
using Outcome = std::pair<unroll::Index, double>;
}  // namespace

TEST_CASE("training stops after `patience` epochs without an improvement, with the best weights") {
  CHECK(outcome({.patience = 2}, {5, 4, 6, 7, 1}) == Outcome{4, 2});
  CHECK(outcome({.patience = 2}, {5, 4, 6, 3, 7, 8}) == Outcome{6, 4});
  CHECK(outcome({.patience = 1}, {5, 5}) == Outcome{2, 1});  // as good is no better
  CHECK(outcome({.patience = 0}, {5, 6}) == Outcome{2, 1});
}

TEST_CASE("the best weights come back even if training did not stop early") {
  CHECK(outcome({.patience = 9}, {5, 4, 6, 7}) == Outcome{0, 2});
  CHECK(outcome({.patience = 9, .restore_best = false}, {5, 4, 6, 7}) == Outcome{0, 4});
}

TEST_CASE("an improvement is one by more than min_delta, whatever its sign") {
  CHECK(outcome({.patience = 2, .min_delta = 0.5}, {5, 4.75, 4.5, 4}) == Outcome{3, 1});
  CHECK(outcome({.patience = 2, .min_delta = -0.5}, {5, 4.75, 4.25, 4.2, 4.1}) == Outcome{5, 3});
}

TEST_CASE("epochs that are skipped are neither good nor bad") {
  CHECK(outcome({.patience = 2, .skip_epochs = 3}, {1, 5, 6, 7, 6, 8, 9, 9}) == Outcome{7, 5});
  CHECK(outcome({.patience = 0, .skip_epochs = 9}, {1, 5, 6}) == Outcome{0, 3});
}

TEST_CASE("accuracy is better when higher, everything else when lower, unless a goal is named") {
  CHECK(outcome({.monitor = "val_accuracy", .patience = 2}, {0.5, 0.7, 0.6, 0.6}) == Outcome{4, 2});
  CHECK(outcome({.monitor = "f1", .patience = 2, .goal = unroll::Goal::maximize}, {0.5, 0.7, 0.6, 0.6}) ==
        Outcome{4, 2});
}

TEST_CASE("a metric that is not a finite number is no improvement, not even on nothing") {
  const double nan = not_finite::nan<double>(), inf = not_finite::infinity<double>();
  CHECK(outcome({.patience = 2}, {5, nan, -inf, 1}) == Outcome{3, 1});
  CHECK(outcome({.patience = 2}, {nan, 5, 6, 7}) == Outcome{4, 2});
  CHECK(outcome({.patience = 2}, {nan, nan, 7}) == Outcome{2, 2});
}

TEST_CASE("a stopper that was saved and loaded goes on as if nothing had happened") {
  FakeRun run;
  EarlyStopping stopping{.patience = 2};
  stopping.on_train_begin(run);
  run.epoch_of(stopping, "val_loss", 5);
  run.epoch_of(stopping, "val_loss", 6);
  unroll::Record record;
  stopping.save(record);
  EarlyStopping again{.patience = 2};
  again.on_train_begin(run);
  again.load(record);
  run.epoch_of(again, "val_loss", 7);
  CHECK(run.stopped);
  CHECK(run.why == "EarlyStopping: val_loss was best in epoch 1 (5) and has not improved since");
  again.on_train_end(run);
  CHECK(run.weight == 1);
}

TEST_CASE("a metric that is not there is named, before training if it needs validation data") {
  FakeRun run;
  run.validation = false;
  EarlyStopping stopping;
  CHECK_THROWS_WITH(stopping.on_train_begin(run),
                    "EarlyStopping: there is no 'val_loss' to monitor; this run has no validation data");
  stopping.monitor = "validation.loss";
  CHECK_THROWS_WITH(stopping.on_train_begin(run),
                    "EarlyStopping: there is no 'validation.loss' to monitor; this run has no validation data");
  stopping.monitor = "f2";
  stopping.on_train_begin(run);
  CHECK_THROWS_WITH(stopping.on_epoch_end(run), "EarlyStopping: there is no 'f2' to monitor");
}
