#include <doctest/doctest.h>

#include <unroll/train/model_checkpoint.hpp>

#include "fake_run.hpp"

namespace {
std::vector<unroll::Index> epochs_saved(unroll::ModelCheckpoint checkpoint, const std::vector<double>& values) {
  std::vector<unroll::Index> saved;
  checkpoint.save_model = [&](unroll::Run& run) { saved.push_back(run.epoch()); };
  FakeRun run;
  checkpoint.on_train_begin(run);
  for (const double value : values) run.epoch_of(checkpoint, checkpoint.monitor, value);
  return saved;
}
using Epochs = std::vector<unroll::Index>;
}  // namespace

TEST_CASE("the best model so far is saved, or that of every n-th epoch") {
  const std::vector<double> losses{5, 6, 4, 4, 3};
  CHECK(epochs_saved({.save_model = {}}, losses) == Epochs{1, 3, 5});
  CHECK(epochs_saved({.save_model = {}, .best_only = false, .every = 2}, losses) == Epochs{2, 4});
  CHECK(epochs_saved({.save_model = {}, .monitor = "val_accuracy"}, losses) == Epochs{1, 2});
}

TEST_CASE("after a resumption only a model better than the best before is saved") {
  FakeRun run;
  int saved = 0;
  unroll::ModelCheckpoint checkpoint{.save_model = [&](unroll::Run&) { ++saved; }}, again = checkpoint;
  checkpoint.on_train_begin(run);
  run.epoch_of(checkpoint, "val_loss", 3);
  unroll::Record record;
  checkpoint.save(record);
  again.on_train_begin(run);
  again.load(record);
  run.epoch_of(again, "val_loss", 4);
  CHECK(saved == 1);
  run.epoch_of(again, "val_loss", 2);
  CHECK(saved == 2);
}

TEST_CASE("a checkpoint that could save nothing is refused before training") {
  FakeRun run;
  unroll::ModelCheckpoint nothing;
  CHECK_THROWS_WITH(nothing.on_train_begin(run), "ModelCheckpoint: save_model is empty");
}
