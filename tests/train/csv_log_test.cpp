#include <sstream>

#include <doctest/doctest.h>

#include <unroll/train/csv_log.hpp>

#include "fake_run.hpp"

namespace {
std::string csv_contents(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}
const std::filesystem::path path = std::filesystem::temp_directory_path() / "unroll_csv_log_test.csv";
}  // namespace

TEST_CASE("the log has a line an epoch and empty fields for what is missing; resumed, the epochs before are there") {
  FakeRun run;
  unroll::CsvLog log{.path = path, .metrics = {"f1"}};
  log.on_train_begin(run);
  run.now.training = {.loss = 0.75, .accuracy = 0.5, .count = 4};
  run.now.rate = 0.001;
  run.epoch_of(log, "f1", 0.25);
  run.now.validation = unroll::Evaluation{.loss = 0.5, .accuracy = 1, .count = 4};
  run.now.metrics.clear();
  run.epoch_of(log, "other", 9);
  const std::string expected =
      "epoch,loss,accuracy,val_loss,val_accuracy,rate,gradient_norm,largest_gradient_norm,clipped,seconds,f1\n"
      "1,0.75,0.5,,,0.001,0,0,0,0,0.25\n"
      "2,0.75,0.5,0.5,1,0.001,0,0,0,0,\n";
  CHECK(csv_contents(path) == expected);
  log.on_train_begin(run);
  CHECK(csv_contents(path) == expected);
  std::filesystem::remove(path);
}

TEST_CASE("a log that cannot be written says where") {
  FakeRun run;
  unroll::CsvLog log{.path = path / "not a folder" / "log.csv"};
  CHECK_THROWS_WITH_AS(log.on_train_begin(run), (log.path.string() + ": cannot write").c_str(), unroll::FormatError);
}
