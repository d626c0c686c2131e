#include <fstream>
#include <iterator>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

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
struct CsvFolder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / unroll::concat_text("unroll_csv_log_test_", static_cast<long>(getpid()));
  CsvFolder() { std::filesystem::create_directory(path); }
  CsvFolder(const CsvFolder&) = delete;
  ~CsvFolder() { std::filesystem::remove_all(path); }
};
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

TEST_CASE("metrics of the validation data are columns by themselves, what follows from the confusion matrix by name") {
  FakeRun run;
  const CsvFolder folder;
  unroll::CsvLog log{.path = folder.path / "log.csv", .metrics = {"val_f1"}};
  run.now.validation = unroll::Evaluation{.loss = 0.5, .accuracy = 0.75, .count = 4};
  run.now.validation->confusion.emplace(2);
  run.now.validation->confusion->add(0, 0, 3);
  run.now.validation->confusion->add(1, 0, 1);
  run.now.validation->metrics = {{"mae", 0.25}, {"roc_auc", 1}};
  log.on_epoch_end(run);
  CHECK(csv_contents(log.path) ==
        "epoch,loss,accuracy,val_loss,val_accuracy,rate,gradient_norm,largest_gradient_norm,clipped,seconds,val_f1,"
        "val_mae,val_roc_auc\n"
        "1,0,,0.5,0.75,0,0,0,0,0,0,0.25,1\n");
}

TEST_CASE("a log that cannot be written says where and why") {
  const CsvFolder folder;
  FakeRun run;
  unroll::CsvLog log{.path = folder.path / "none" / "log.csv"};
  const std::string at = folder.path.string();
  CHECK_THROWS_WITH_AS(
      log.on_train_begin(run),
      (at + "/none/log.csv: cannot write: open the folder " + at + "/none: No such file or directory").c_str(),
      unroll::FormatError);
}

TEST_CASE("a disk that is full in mid-training leaves the log of the epochs before, and the process lives") {
  const CsvFolder folder;
  FakeRun run;
  unroll::CsvLog log{.path = folder.path / "log.csv"};
  log.on_train_begin(run);
  run.epoch_of(log, "other", 1);
  const std::string before = csv_contents(log.path);
  rlimit unlimited{};
  getrlimit(RLIMIT_FSIZE, &unlimited);
  const rlimit full{before.size() + 3, unlimited.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full);
  std::string message;
  try {
    log.on_epoch_end(run);
  } catch (const unroll::FormatError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &unlimited);
  CHECK(message == log.path.string() + ": cannot write: write: File too large");
  CHECK(csv_contents(log.path) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
  log.on_epoch_end(run);
  CHECK(csv_contents(log.path) == before + "2,0,,,,0,0,0,0,0\n");
}

TEST_CASE("the log keeps its permissions and a link to it, and a name that holds a comma is one column") {
  const CsvFolder folder;
  FakeRun run;
  std::ofstream(folder.path / "kept") << "of an earlier run\n";
  using enum std::filesystem::perms;
  std::filesystem::permissions(folder.path / "kept", owner_read | owner_write);
  std::filesystem::create_symlink("kept", folder.path / "log.csv");
  unroll::CsvLog log{.path = folder.path / "log.csv", .metrics = {"f1, \"macro\"", "plain"}};
  log.on_train_begin(run);
  CHECK(csv_contents(folder.path / "kept") ==
        "epoch,loss,accuracy,val_loss,val_accuracy,rate,gradient_norm,largest_gradient_norm,clipped,seconds,"
        "\"f1, \"\"macro\"\"\",plain\n");
  CHECK(std::filesystem::is_symlink(log.path));
  CHECK(std::filesystem::status(log.path).permissions() == (owner_read | owner_write));
}
