#include <bit>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include <unroll/train/checkpoint.hpp>

#include "../support/not_finite.hpp"
#include "classifier.hpp"

namespace fs = std::filesystem;
using unroll::Index;

namespace {

/// A folder of this process's own, gone at the end.
struct Folder {
  fs::path path = fs::temp_directory_path() / unroll::concat("unroll_checkpoint_test_", getpid());
  Folder() { fs::create_directory(path); }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

/// A run with everything that a checkpoint must hold. Resumes where there is a checkpoint.
unroll::History run(Classifier& model, const fs::path& checkpoint) {
  const auto store = checkpoint.empty() ? nullptr : unroll::checkpoint_file(checkpoint);
  return unroll::fit(model, unroll::BinaryCrossEntropy{}, unroll::Adam{.rate = 1e-2}, make_data(240),
                     {.epochs = 4,
                      .batch_size = 8,
                      .accumulate = 2,
                      .seed = 7,
                      .similar_length = true,
                      .validation_split = 0.2,
                      .clip_norm = 0.5,
                      .callbacks = {unroll::EarlyStopping{.patience = 2},
                                    unroll::ReduceLROnPlateau{.schedule = {.factor = 0.5, .patience = 1}},
                                    unroll::RateSchedule{unroll::WarmUp{20}, unroll::Every::step},
                                    [](unroll::Run& at) {
                                      if (at.epoch() == 1) at.freeze("1.*");
                                      if (at.epoch() == 2) at.thaw("1.*");
                                    }},
                      .checkpoint = store,
                      .checkpoint_every = 1,
                      .resume = fs::exists(checkpoint) ? store : nullptr});
}

/// The weights and the history's losses as text.
std::string fingerprint(const Classifier& model, const unroll::History& history) {
  std::string text = unroll::concat(bits_of(model));
  for (const char* name : {"loss", "val_loss", "gradient_norm", "rate"})
    for (const double x : history.series(name)) text += unroll::concat(' ', std::bit_cast<std::uint64_t>(x));
  return text;
}

constexpr const char* child_name = "child: trains until it is killed or done";

/// This test program again, running only the test above, in a process of its own.
pid_t start_child(const fs::path& folder) {
  const pid_t child = fork();
  if (child == 0) {
    ::setenv("UNROLL_CHECKPOINT_TEST", folder.c_str(), 1);
    const std::string only = unroll::concat("--test-case=", child_name);
    ::execl("/proc/self/exe", "train_tests", only.c_str(), "--no-skip", "--minimal", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  return child;
}

/// Changes whenever the file is replaced; 0 where there is none.
ino_t version(const fs::path& path) {
  struct stat s{};
  return ::stat(path.c_str(), &s) == 0 ? s.st_ino ^ static_cast<ino_t>(s.st_mtim.tv_nsec) : 0;
}

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

TEST_CASE("child: trains until it is killed or done" * doctest::skip()) {
  const char* folder = std::getenv("UNROLL_CHECKPOINT_TEST");
  if (folder == nullptr) return;
  Classifier model = make_classifier(0.2);
  const auto history = run(model, fs::path(folder) / "run.safetensors");
  std::ofstream(fs::path(folder) / "done.part") << fingerprint(model, history);
  fs::rename(fs::path(folder) / "done.part", fs::path(folder) / "done");
}

TEST_CASE("a run killed at random moments and resumed each time ends with the same bits" *
          doctest::test_suite("bits")) {
  const Folder folder;
  const fs::path checkpoint = folder.path / "run.safetensors", done = folder.path / "done";
  Classifier model = make_classifier(0.2);
  const std::string expected = fingerprint(model, run(model, {}));
  unroll::Rng rng(3);
  int killed = 0;
  for (int attempt = 0; attempt < 40 && !fs::exists(done); ++attempt) {
    const pid_t child = start_child(folder.path);
    REQUIRE(child > 0);
    // After some more checkpoints, and then anywhere between two of them or within one; the last child may finish.
    int more = killed < 6 ? 1 + static_cast<int>(rng.below(8)) : 1'000'000, status = 0;
    pid_t ended = 0;
    for (ino_t seen = version(checkpoint); more > 0 && (ended = ::waitpid(child, &status, WNOHANG)) == 0;) {
      if (const ino_t now = version(checkpoint); now != seen) seen = now, --more;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    if (ended == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(rng.below(4000)));
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
    }
    if (WIFSIGNALED(status)) {
      REQUIRE(WTERMSIG(status) == SIGKILL);
      ++killed;
    } else {
      REQUIRE(WEXITSTATUS(status) == 0);
    }
  }
  CHECK(killed >= 3);
  CHECK(contents(done) == expected);
}

TEST_CASE("a record comes back from a file as it was, value by value") {
  const Folder folder;
  const auto file = unroll::checkpoint_file(folder.path / "record");
  unroll::Record record;
  record.set("text", "several\nwords");
  record.set("empty text", "");
  record.set("count", std::int64_t{-5});
  record.set("numbers", std::vector<double>{0.1, not_finite::of_bits<double>(0x8000000000000000), 1e300});  // -0
  record.set("none", std::vector<double>{});
  record.set("a.floats", unroll::Record::Value(unroll::Matrix<float>(Eigen::MatrixXf::Random(3, 5))));
  record.set("a.doubles", unroll::Record::Value(unroll::Matrix<double>(Eigen::MatrixXd::Random(1, 4))));
  file->save(record);
  const auto again = file->load();
  CHECK(again.values().size() == record.values().size());
  CHECK(again.get<std::string>("text") == "several\nwords");
  CHECK(again.get<std::string>("empty text").empty());
  CHECK(again.integer("count") == -5);
  CHECK(again.get<std::vector<double>>("numbers") == record.get<std::vector<double>>("numbers"));
  CHECK(std::bit_cast<std::uint64_t>(again.get<std::vector<double>>("numbers")[1]) == 0x8000000000000000);
  CHECK(again.get<std::vector<double>>("none").empty());
  CHECK(again.get<unroll::Matrix<float>>("a.floats") == record.get<unroll::Matrix<float>>("a.floats"));
  CHECK(again.get<unroll::Matrix<double>>("a.doubles") == record.get<unroll::Matrix<double>>("a.doubles"));
}

TEST_CASE("resuming from a file that is missing or no checkpoint names it") {
  const Folder folder;
  const fs::path missing = folder.path / "missing", other = folder.path / "other";
  std::ofstream(other) << "not a checkpoint";
  const auto resume = [](const fs::path& path) {
    Classifier model = make_classifier();
    unroll::fit(model, unroll::BinaryCrossEntropy{}, unroll::Adam{}, make_data(10),
                {.resume = unroll::checkpoint_file(path)});
  };
  CHECK_THROWS_AS(resume(missing), unroll::FormatError);
  CHECK_THROWS_AS(resume(other), unroll::FormatError);
  try {
    resume(missing);
  } catch (const unroll::FormatError& e) {
    CHECK(std::string(e.what()).find(missing.string()) != std::string::npos);
  }
}
