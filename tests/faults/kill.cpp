// kill SENTIMENT TRAIN TEST [KILLS [SEED]]: `sentiment train --save --resume --log` is killed at a random moment, in
// every second run one at which a file is being written. What it leaves is whole, and resumed it ends with the bits of
// a run that nobody disturbed. Last line: `N passed, N failed`.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <unroll/io/model_file.hpp>
#include <unroll/train/checkpoint.hpp>

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

long passed = 0, failed = 0;
void expect(bool holds, const std::string& what) {
  ++(holds ? passed : failed);
  if (!holds) std::printf("FAILED  %s\n", what.c_str());
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Training {
  fs::path program, train, test;

  pid_t start(const fs::path& folder) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    const std::vector<std::string> words{program,    "train", "--threads", "1",   "--architecture", "rnn",
                                         "--train",  train,   "--test",    test,  "--words",        "200",
                                         "--length", "10",    "--limit",   "64",  "--epochs",       "12",
                                         "--save",   "model", "--resume",  "run", "--log",          "log.csv"};
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const int out = ::open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (::chdir(folder.c_str()) == 0 && ::dup2(out, 1) == 1 && ::dup2(out, 2) == 2) ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  bool run(const fs::path& folder) const {
    int status = 0;
    ::waitpid(start(folder), &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
};

/// The log without the column of seconds.
std::string without_seconds(const std::string& log) {
  std::string kept;
  for (std::size_t begin = 0; begin < log.size();) {
    const std::size_t end = std::min(log.find('\n', begin), log.size());
    const std::string line = log.substr(begin, end - begin);
    kept += line.substr(0, line.rfind(',')) + '\n';
    begin = end + 1;
  }
  return kept;
}

/// Temporary files and their contents.
std::map<fs::path, std::string> left_behind(const fs::path& folder) {
  std::map<fs::path, std::string> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".tmp") files[entry.path()] = contents(entry.path());
  return files;
}

/// Of what a killed run has left. A file's last state is a whole one.
void check_whole(const fs::path& folder, const std::string& model, const std::string& log, const std::string& when) {
  try {
    if (fs::exists(folder / "run")) unroll::checkpoint_file(folder / "run")->load();
    if (fs::exists(folder / "model")) {
      unroll::read_model_info(folder / "model");
      expect(contents(folder / "model") == model, when + ": a model that is no run's");
    }
    expect(true, "");
  } catch (const std::exception& error) {
    expect(false, when + ": " + error.what());
  }
  const std::string table = contents(folder / "log.csv");
  expect(table.empty() ? !fs::exists(folder / "log.csv") : table.back() == '\n', when + ": half a line in the log");
  expect(without_seconds(log).starts_with(without_seconds(table)), when + ": a log that is no run's");
  expect(left_behind(folder).size() <= 1, when + ": more than one temporary file");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "kill SENTIMENT TRAIN TEST [KILLS [SEED]]\n"), 2;
  const Training training{fs::absolute(argv[1]), fs::absolute(argv[2]), fs::absolute(argv[3])};
  const int kills = argc > 4 ? std::atoi(argv[4]) : 200;
  std::mt19937 random(argc > 5 ? static_cast<unsigned>(std::atoi(argv[5])) : std::random_device{}());
  const fs::path base = fs::temp_directory_path() / ("unroll_kill_" + std::to_string(::getpid()));
  const auto fresh = [&](const char* name) {
    fs::remove_all(base / name);
    fs::create_directories(base / name);
    return base / name;
  };

  const fs::path undisturbed = fresh("undisturbed");
  const auto begin = Clock::now();
  expect(training.run(undisturbed), "the undisturbed run: " + contents(undisturbed / "out"));
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const std::string model = contents(undisturbed / "model"), log = contents(undisturbed / "log.csv");
  expect(!model.empty() && !log.empty(), "the undisturbed run has written nothing");

  int killed = 0, too_late = 0, in_a_write = 0;
  for (int attempt = 0; failed == 0 && killed < kills && attempt < 4 * kills; ++attempt) {
    const fs::path folder = fresh("run");
    const pid_t child = training.start(folder);
    int status = 0;
    pid_t ended = 0;
    if (attempt % 2 == 0) {
      std::this_thread::sleep_for(
          std::chrono::duration<double>(std::uniform_real_distribution<double>(0, seconds)(random)));
    } else {  // at one of the writes
      int writes = 1 + static_cast<int>(random() % 25);
      for (bool writing = false; writes > 0 && (ended = ::waitpid(child, &status, WNOHANG)) == 0;) {
        std::error_code ignored;
        const bool now = std::ranges::any_of(fs::directory_iterator(folder, ignored),
                                             [](const auto& entry) { return entry.path().extension() == ".tmp"; });
        if (now && !writing) --writes;
        writing = now;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
    }
    if (ended == 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
    }
    if (!WIFSIGNALED(status)) {
      ++too_late;
      continue;
    }
    ++killed;
    const std::string when = "kill " + std::to_string(killed);
    check_whole(folder, model, log, when);
    const auto left = left_behind(folder);
    in_a_write += left.empty() ? 0 : 1;
    expect(training.run(folder), when + ", resumed: " + contents(folder / "out"));
    expect(contents(folder / "model") == model, when + ": resumed, the model has other bits");
    expect(without_seconds(contents(folder / "log.csv")) == without_seconds(log), when + ": resumed, another log");
    expect(left_behind(folder) == left, when + ": somebody took what the killed run had left");
  }
  expect(killed == kills, "only " + std::to_string(killed) + " kills came in time");
  if (failed == 0) fs::remove_all(base);
  std::printf("%d kills, %d of them within a write; %d runs had ended before; a run takes %.2f s\n", killed, in_a_write,
              too_late, seconds);
  std::printf("%ld passed, %ld failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
