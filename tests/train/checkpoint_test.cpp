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

#include <unroll/file/safetensors_writer.hpp>
#include <unroll/train/checkpoint.hpp>

#include "../support/not_finite.hpp"
#include "classifier.hpp"

namespace fs = std::filesystem;
using unroll::Index;

namespace {

/// A folder of this process's own, gone at the end.
struct Folder {
  fs::path path = fs::temp_directory_path() / unroll::concat_text("unroll_checkpoint_test_", getpid());
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
                      .checkpoint_every = store ? 1 : 0,
                      .resume = fs::exists(checkpoint) ? store : nullptr});
}

/// The weights and the history's losses as text.
std::string fingerprint(const Classifier& model, const unroll::History& history) {
  std::string text = unroll::concat_text(bits_of(model));
  for (const char* name : {"loss", "val_loss", "gradient_norm", "rate"})
    for (const double x : history.series(name)) text += unroll::concat_text(' ', std::bit_cast<std::uint64_t>(x));
  return text;
}

constexpr const char* child_name = "child: trains until it is killed or done";

/// This test program again, running only the test above, in a process of its own.
pid_t start_child(const fs::path& folder) {
  const pid_t child = fork();
  if (child == 0) {
    ::setenv("UNROLL_CHECKPOINT_TEST", folder.c_str(), 1);
    const std::string only = unroll::concat_text("--test-case=", child_name);
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

namespace {

/// Runs of a few updates that write and resume checkpoints with everything in them.
class SmallRun {
 public:
  using Values = unroll::Record::Value;

  SmallRun() {
    // Killed in its third epoch, after 2 of 3 updates.
    struct Killed {
      void on_batch_end(unroll::Run& run) const {
        if (run.epoch() == 3 && run.batch() == 2) run.stop("");
      }
    };
    fit(Killed{}, {.checkpoint = store_});
    saved_ = store_->load();
  }
  const unroll::Record& saved() const { return saved_; }
  const fs::path& path() const { return path_; }

  /// The saved record with one value changed, or without it.
  unroll::Record changed(const std::string& name, const std::optional<Values>& to) const {
    unroll::Record record;
    for (const auto& [key, value] : saved_.values())
      if (key != name) record.set(key, value);
    if (to) record.set(name, *to);
    return record;
  }
  /// What resuming from a record says; empty: it went on to the end. Nothing of it is endless, and an error has the
  /// file's name and leaves the model and the optimizer as they were.
  std::string resume(const unroll::Record& record) {
    store_->save(record);
    return fit(Watch{}, {.resume = store_});
  }

 private:
  struct Watch {
    int updates = 0;
    void on_batch_end(unroll::Run&) {
      if (++updates > 100) throw std::runtime_error("endless");
    }
  };
  struct Stores {
    std::shared_ptr<unroll::RunStore> checkpoint = nullptr, resume = nullptr;
  };
  static std::string bits_of_optimizer(const Classifier& model, const unroll::Optimizer<Classifier, unroll::Adam>& of) {
    std::string text = unroll::concat_text(std::bit_cast<std::uint64_t>(of.rate()));
    for (const std::int64_t count : of.counts()) text += unroll::concat_text(' ', count);
    of.visit_state(model, [&](const unroll::Path&, std::string_view, const auto& m) {
      text += unroll::concat_text(' ', m.size());
      for (Index k = 0; k < m.size(); ++k) text += unroll::concat_text(' ', std::bit_cast<std::uint32_t>(m.data()[k]));
    });
    return text;
  }
  std::string fit(unroll::Callback last, const Stores& stores) {
    Classifier model = start_;
    unroll::Optimizer optimizer(model, unroll::Adam{.rate = 1e-2});
    const auto weights = bits_of(model);
    const std::string moments = bits_of_optimizer(model, optimizer);
    try {
      unroll::fit(model, unroll::BinaryCrossEntropy{}, optimizer, data_,
                  {.epochs = 3,
                   .batch_size = 3,
                   .seed = 7,
                   .validation_split = 0.2,
                   .callbacks = {unroll::EarlyStopping{.patience = 20},
                                 unroll::ReduceLROnPlateau{.schedule = {.factor = 0.5, .patience = 1, .cooldown = 3}},
                                 unroll::RateSchedule{unroll::WarmUp{20}, unroll::Every::step},
                                 unroll::ModelCheckpoint{.save_model = [](unroll::Run&) {}},
                                 [](unroll::Run& at) { at.log().metrics["own"] = 0.5; }, last},
                   .checkpoint = stores.checkpoint,
                   .resume = stores.resume});
      return "";
    } catch (const unroll::FormatError& error) {
      const std::string message = error.what(), begin = path_.string() + ": ";
      CHECK(bits_of(model) == weights);
      CHECK(bits_of_optimizer(model, optimizer) == moments);
      if (!message.starts_with(begin)) return "does not name the file: " + message;
      return message.substr(begin.size());
    }
  }

  Folder folder_;
  fs::path path_ = folder_.path / "small.safetensors";
  std::shared_ptr<unroll::RunStore> store_ = unroll::checkpoint_file(path_);
  Classifier start_ = make_classifier(0.2, 3);
  unroll::TokenDataset data_ = make_data(10);
  unroll::Record saved_;
};

/// Everything that might stand in the place of a value.
std::vector<std::optional<SmallRun::Values>> extremes(const SmallRun::Values& value) {
  const double infinity = not_finite::of_bits<double>(0x7FF0000000000000),
               nan = not_finite::of_bits<double>(0x7FF8000000000000);
  std::vector<std::optional<SmallRun::Values>> all{std::nullopt, "text", std::vector<std::int64_t>{},
                                                   std::vector<double>(7, 0.5)};
  const auto add_elements = [&](const auto& series, const auto& numbers) {
    for (std::size_t k = 0; k < series.size(); ++k)
      for (const auto number : numbers) {
        auto changed = series;
        changed[k] = number;
        all.emplace_back(std::move(changed));
      }
  };
  std::visit(
      [&]<class T>(const T& of) {
        if constexpr (std::same_as<T, std::string>) {
          all.emplace_back(std::string(100'000, 'x'));
        } else if constexpr (std::same_as<T, std::vector<std::int64_t>>) {
          constexpr auto most = std::numeric_limits<std::int64_t>::max();
          add_elements(of, std::vector<std::int64_t>{-1, 1'000'000, std::int64_t{1} << 32, -most - 1, most});
        } else if constexpr (std::same_as<T, std::vector<double>>) {
          add_elements(of, std::vector<double>{-1, 1e300, -infinity, nan});
        } else {
          using U = typename T::Scalar;
          for (const double number : {-1.0, 1e30, infinity, nan}) {
            all.emplace_back(of);
            std::get<T> (*all.back())(0, 0) = static_cast<U>(number);
          }
          all.emplace_back(T(of.transpose()));
          all.emplace_back(T(T::Constant(of.rows() + 1, of.cols(), U(0.5))));
          all.emplace_back(T(T::Constant(of.rows(), 0, U(0.5))));
          all.emplace_back(unroll::Matrix<double>(of.template cast<double>()));
        }
      },
      value);
  return all;
}

}  // namespace

TEST_CASE("a checkpoint with any value replaced by any other is refused by name, or the run ends") {
  SmallRun run;
  REQUIRE(run.resume(run.saved()) == "");
  int refused = 0, finished = 0;
  for (const auto& [name, value] : run.saved().values()) {
    CAPTURE(name);
    int k = 0;
    for (const auto& to : extremes(value)) {
      CAPTURE(k++);
      const std::string message = run.resume(run.changed(name, to));
      CHECK_FALSE(message.starts_with("does not name the file"));
      ++(message.empty() ? finished : refused);
    }
  }
  CHECK(refused > 400);
  CHECK(finished > 100);
}

TEST_CASE("what no run can be is refused with the name, what is there and what is expected") {
  SmallRun run;
  using Counts = std::vector<std::int64_t>;
  using Numbers = std::vector<double>;
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const auto says = [&](const std::string& name, const std::optional<SmallRun::Values>& to) {
    return run.resume(run.changed(name, to));
  };
  REQUIRE(run.saved().get<Counts>("fit.counters") == Counts{2, 2, 8});
  const std::string count = "' has -1, expected 0 to 2^53";
  CHECK(says("fit.counters", Counts{2, -1, 5}) == "'fit.counters" + count);
  CHECK(says("fit.counters", Counts{-1, 2, 8}) == "'fit.counters" + count);
  CHECK(says("fit.counters", Counts{most, 0, most}) == "'fit.counters' has 9223372036854775807, expected 0 to 2^53");
  CHECK(says("fit.counters", Counts{1'000'000, 2, 3'000'002}) == "1000000 epochs are done, but the history has 2");
  CHECK(says("fit.counters", Counts{1, 2, 5}) == "1 epochs are done, but the history has 2");
  CHECK(says("fit.counters", Counts{2, 4, 10}) == "4 updates of an epoch are done, which has 3");
  CHECK(says("fit.counters", Counts{2, 2, 9}) == "9 updates are done, but 6 in 2 epochs and 2 in the next");
  CHECK(says("fit.counters", Counts{2, 1, 7}) == "the sums are those of 2 updates, expected 1");
  CHECK(says("fit.counters", Counts{2, 2}) == "'fit.counters' has 2 numbers, expected 3");
  CHECK(says("fit.totals.counts", Counts{4, 3, 2, 0, 6}) == "of 3 decisions 4 were right");
  CHECK(says("fit.totals.counts", Counts{3, 6, 2, 0, 60}) == "the sums are those of 60 sequences, but an epoch has 8");
  CHECK(says("fit.totals.sums", Numbers{1, -1, 1, 1, 1}) == "a sum of the epoch is -1, expected 0 or more");
  CHECK(says("fit.history.1.counts", std::nullopt) == "no value 'fit.history.1.counts'");
  CHECK(says("fit.history.1.counts", Counts{1, 8, 1, 2, 8}) == "epoch 2 of the history says that it is epoch 1");
  CHECK(says("fit.stopped", "because") == "the run was stopped by a callback, but not at the end of an epoch");

  const auto weight = run.saved().get<unroll::Matrix<float>>("model.3.weight");
  auto changed = weight;
  changed(0, 2) = not_finite::of_bits<float>(0x7FC00000);
  CHECK(says("model.3.weight", changed) == "'model.3.weight': element 2 is not a finite number");
  CHECK(says("callback.0.best_weights.3.weight", changed) ==
        "'callback.0.best_weights.3.weight': element 2 is not a finite number");
  CHECK(says("model.3.weight", unroll::Matrix<float>(weight.transpose())) ==
        "'model.3.weight' is 5 x 1, expected 1 x 5");
  CHECK(says("model.3.weight", std::nullopt) == "no value 'model.3.weight'");
  CHECK(says("model.3.other", weight) == "nothing here has a place for 'model.3.other'");

  CHECK(says("optimizer.rate", Numbers{-1}) == "the optimizer's rate is -1, expected 0 or more");
  CHECK(says("optimizer.3.weight.exp_avg", unroll::Matrix<float>(weight.transpose())) ==
        "the moment '3.weight.exp_avg' is 5 x 1, expected 1 x 5");
  CHECK(says("optimizer.3.weight.exp_avg_sq", std::nullopt) == "no moment '3.weight.exp_avg_sq', but 8 updates");
  auto counts = run.saved().get<Counts>("optimizer.counts");
  counts.back() = -1;
  CHECK(says("optimizer.counts", counts) == "'optimizer.counts" + count);

  CHECK(says("callback.0.wait", Counts{3}) == "EarlyStopping: epoch " +
                                                  std::to_string(run.saved().integer("callback.0.best_epoch")) +
                                                  " was the best and 3 since were not, of 2 that are done");
  CHECK(says("callback.0.wait", Counts{std::int64_t{1} << 32}) ==
        "'callback.0.wait' is 4294967296, expected 0 to 1000000000");
  CHECK(says("callback.1.bad_epochs", Counts{-1}) == "'callback.1.bad_epochs' is -1, expected 0 to 1000000000");
  CHECK(says("callback.1.cooldown_left", Counts{4}) == "'callback.1.cooldown_left' is 4, expected 0 to 3");
  CHECK(says("callback.2.base", Numbers{-0.5}) == "RateSchedule: the base rate is -0.5, expected 0 or more");
  CHECK(says("callback.3.best", Numbers{not_finite::of_bits<double>(0x7FF8000000000000)}) ==
        "'callback.3.best' has nan, expected a finite number");
}

TEST_CASE("a name that is a tensor's and a value's is refused") {
  const Folder folder;
  unroll::SafeTensorsWriter writer;
  writer.add_vector("fit.stopped", std::span<const double>(std::vector<double>{1}));
  writer.set_metadata("unroll.checkpoint", "1");
  writer.set_metadata("value.fit.stopped", "");
  const fs::path path = folder.path / "twice";
  writer.save(path);
  CHECK_THROWS_WITH_AS(unroll::checkpoint_file(path)->load(),
                       (path.string() + ": two values are called 'fit.stopped'").c_str(), unroll::FormatError);
}
