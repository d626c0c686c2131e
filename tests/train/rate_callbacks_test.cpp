#include <doctest/doctest.h>

#include <unroll/train/rate_callbacks.hpp>

#include "fake_run.hpp"

TEST_CASE("the rate falls when the monitored metric has stopped improving, by the rule of the schedule") {
  const auto rates = [](unroll::PlateauRule rule) {
    FakeRun run;
    unroll::ReduceLROnPlateau reduce{.schedule = {.rule = rule, .factor = 0.5, .patience = 2}};
    reduce.on_train_begin(run);
    std::vector<double> seen;
    for (const double loss : {5, 4, 4, 4, 4, 4}) {
      run.epoch_of(reduce, "val_loss", loss);
      seen.push_back(run.learning_rate);
    }
    return seen;
  };
  CHECK(rates(unroll::PlateauRule::keras) == std::vector<double>{1, 1, 1, 0.5, 0.5, 0.25});
  CHECK(rates(unroll::PlateauRule::pytorch) == std::vector<double>{1, 1, 1, 1, 0.5, 0.5});
}

TEST_CASE("with a patience of 1 and no threshold every epoch that is not the best so far quarters the rate") {
  FakeRun run;
  unroll::ReduceLROnPlateau reduce{.schedule = {.factor = 0.25, .patience = 1, .threshold = 0}};
  reduce.on_train_begin(run);
  std::vector<double> seen;
  for (const double loss : {5.0, 4.0, 4.00001, 3.99999, 4.5, 3.99999, 3.9}) {
    run.epoch_of(reduce, "val_loss", loss);
    seen.push_back(run.learning_rate);
  }
  CHECK(seen == std::vector<double>{1, 1, 0.25, 0.25, 0.0625, 0.015625, 0.015625});
}

TEST_CASE("a plateau of an accuracy is one where it no longer rises") {
  FakeRun run;
  unroll::ReduceLROnPlateau reduce{.monitor = "val_accuracy", .schedule = {.factor = 0.5, .patience = 1}};
  reduce.on_train_begin(run);
  for (const double accuracy : {0.5, 0.6, 0.7}) run.epoch_of(reduce, "val_accuracy", accuracy);
  CHECK(run.learning_rate == 1);
  run.epoch_of(reduce, "val_accuracy", 0.65);
  CHECK(run.learning_rate == 0.5);
}

TEST_CASE("a plateau schedule that was saved and loaded goes on counting") {
  FakeRun run;
  unroll::ReduceLROnPlateau reduce{.schedule = {.factor = 0.5, .patience = 3}}, again = reduce;
  reduce.on_train_begin(run);
  for (const double loss : {5, 6, 6}) run.epoch_of(reduce, "val_loss", loss);
  unroll::Record record;
  reduce.save(record);
  again.on_train_begin(run);
  again.load(record);
  run.epoch_of(again, "val_loss", 6);
  CHECK(run.learning_rate == 0.5);
}

TEST_CASE("a schedule sets the rate before every epoch or before every step") {
  FakeRun run;
  run.learning_rate = 8;
  unroll::RateSchedule per_epoch(unroll::StepDecay{.every = 1, .factor = 0.5});
  per_epoch.on_train_begin(run);
  std::vector<double> seen;
  for (run.now.epoch = 1; run.now.epoch <= 3; ++run.now.epoch) {
    per_epoch.on_epoch_begin(run);
    per_epoch.on_batch_end(run);
    seen.push_back(run.learning_rate);
  }
  CHECK(seen == std::vector<double>{8, 4, 2});

  run.learning_rate = 8, run.now.epoch = 1, run.steps = 0;
  unroll::RateSchedule per_step(unroll::WarmUp{4}, unroll::Every::step);
  per_step.on_train_begin(run);
  per_step.on_epoch_begin(run);
  seen = {run.learning_rate};
  for (run.steps = 1; run.steps < 6; ++run.steps) {
    per_step.on_batch_end(run);
    seen.push_back(run.learning_rate);
  }
  CHECK(seen == std::vector<double>{2, 4, 6, 8, 8, 8});

  unroll::Record record;
  per_step.save(record);
  unroll::RateSchedule again(unroll::WarmUp{4}, unroll::Every::step);
  run.learning_rate = 123;
  again.on_train_begin(run);
  again.load(record);
  run.steps = 1;
  again.on_batch_end(run);
  CHECK(run.learning_rate == 4);
}
