#include <sstream>

#include <doctest/doctest.h>

#include <unroll/train/progress.hpp>

#include "fake_run.hpp"

namespace {
FakeRun halfway() {
  FakeRun run;
  run.now.training = {.loss = 0.5, .accuracy = 0.75, .count = 50};
  run.now.sequences = 50;
  return run;
}
}  // namespace

TEST_CASE("into a file go plain lines, one an epoch") {
  std::ostringstream out;
  unroll::Progress progress(out);
  FakeRun run = halfway();
  progress.on_epoch_begin(run);
  progress.on_batch_end(run);
  CHECK(out.str().empty());
  run.now.seconds = 2;
  run.now.rate = 0.001;
  progress.on_epoch_end(run);
  CHECK(out.str() ==
        "epoch 1/10: loss 0.5000, accuracy 0.7500, gradient norm 0 (largest 0), rate 0.001, time 2.0 s, 25 "
        "sequences/s\n");
}

TEST_CASE("long epochs say something on the way") {
  std::ostringstream out;
  unroll::Progress progress(out, 0.0);
  FakeRun run = halfway();
  progress.on_epoch_begin(run);
  progress.on_batch_end(run);
  CHECK(out.str().starts_with("epoch 1/10 1/4, loss 0.5000, accuracy 0.7500, "));
  CHECK(out.str().ends_with(" left\n"));
}

TEST_CASE("on a terminal a bar is drawn over and over in one line, and cleared at the end") {
  std::ostringstream out;
  unroll::Progress progress(out, true, 0.0);
  FakeRun run = halfway();
  progress.on_epoch_begin(run);
  progress.on_batch_end(run);
  CHECK(out.str().starts_with("\repoch 1/10 [============>           ] 1/4, loss 0.5000, accuracy 0.7500, "));
  CHECK(out.str().ends_with(" left\x1b[K"));
  run.now.sequences = 100;
  out.str("");
  progress.on_batch_end(run);
  CHECK(out.str().starts_with("\repoch 1/10 [========================] 1/4, "));
  run.past.message = "why";
  out.str("");
  progress.on_train_end(run);
  CHECK(out.str() == "\r\x1b[Kwhy\n");
}

TEST_CASE("only a standard stream that is a terminal counts as one") {
  std::ostringstream out;
  CHECK_FALSE(unroll::detail::is_terminal(out));
}
