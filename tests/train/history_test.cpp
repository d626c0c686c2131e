#include <sstream>

#include <doctest/doctest.h>

#include <unroll/train/epoch_record.hpp>
#include <unroll/train/history.hpp>

namespace {
unroll::EpochLog some_log() {
  return {.epoch = 2,
          .training = {.loss = 0.5, .accuracy = 0.75, .count = 8},
          .validation = unroll::Evaluation{.loss = 0.625, .accuracy = 0.5, .count = 4},
          .gradient_norm = 1.5,
          .largest_gradient_norm = 3,
          .clipped = 0.25,
          .rate = 1e-3,
          .seconds = 12,
          .sequences = 8,
          .metrics = {{"f1", 0.125}}};
}
}  // namespace

TEST_CASE("an epoch's values are found by the names that callbacks monitor") {
  auto log = some_log();
  CHECK(log.find("loss") == 0.5);
  CHECK(log.find("accuracy") == 0.75);
  CHECK(log.find("val_loss") == 0.625);
  CHECK(log.find("val_accuracy") == 0.5);
  CHECK(log.find("gradient_norm") == 1.5);
  CHECK(log.find("f1") == 0.125);
  CHECK_FALSE(log.find("f2").has_value());
  log.training.count = 0;  // a loss that decides nothing
  CHECK_FALSE(log.find("accuracy").has_value());
  log.validation.reset();
  CHECK_FALSE(log.find("val_loss").has_value());
}

TEST_CASE("a history prints one line an epoch and why training stopped") {
  unroll::History history{.epochs = {some_log()}, .stopped = unroll::Stopped::by_callback, .message = "enough"};
  std::ostringstream out;
  out << history;
  CHECK(out.str() ==
        "epoch 2: loss 0.5000, accuracy 0.7500, val_loss 0.6250, val_accuracy 0.5000, f1 0.1250, gradient norm 1.5 "
        "(largest 3, clipped 25 %), rate 0.001, time 12.0 s\nenough\n");
  CHECK(history.series("val_loss") == std::vector<double>{0.625});
  CHECK(history.series("nothing").empty());
}

TEST_CASE("an epoch survives being stored as a record") {
  const auto log = some_log();
  const auto again = unroll::detail::log_from_record(unroll::detail::to_record(log));
  CHECK(again.epoch == log.epoch);
  CHECK(again.training == log.training);
  CHECK(again.validation == log.validation);
  CHECK(again.metrics == log.metrics);
  CHECK(again.seconds == log.seconds);
  CHECK(again.sequences == log.sequences);
}
