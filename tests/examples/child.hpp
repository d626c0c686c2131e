// What the tests of the example programs share: a program run as a user runs it, by its name, from any folder.
#pragma once

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace child {

namespace fs = std::filesystem;

inline std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

/// A folder of its own for one test, gone afterwards.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("unroll_examples_" + std::to_string(std::random_device{}()))) {
    fs::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }
  fs::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

 private:
  fs::path path_;
};

struct Result {
  int code = -1;   ///< what it exits with
  int signal = 0;  ///< or what it died of
  std::string out, err;

  std::string last_line() const {
    const auto all = lines(out);
    return all.empty() ? "" : all.back();
  }
};

struct How {
  fs::path folder = fs::temp_directory_path();  ///< that it is started in
  std::string input{};
  rlim_t largest_file = RLIM_INFINITY;
};

/// A program that runs. Its output goes to files, so that nobody has to read for it to go on.
class Program {
 public:
  Program(const fs::path& file, const std::vector<std::string>& arguments, const How& how = {}) {
    const fs::path input = own_.write("in", how.input);
    std::vector<std::string> words{file.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string in = input.string(), out = (own_ / "out").string(), err = (own_ / "err").string();
    const std::string folder = how.folder.string();
    const rlimit limit{how.largest_file, how.largest_file};

    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ > 0) return;
    const bool ready = ::chdir(folder.c_str()) == 0 && open_as(0, in.c_str(), O_RDONLY) &&
                       open_as(1, out.c_str(), O_WRONLY | O_CREAT) && open_as(2, err.c_str(), O_WRONLY | O_CREAT) &&
                       (how.largest_file == RLIM_INFINITY || ::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    if (ready) ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (process_ > 0) send(SIGKILL), wait();
  }

  void send(int signal) const { ::kill(process_, signal); }
  bool running() {
    if (process_ > 0 && ::waitpid(process_, &status_, WNOHANG) == process_) process_ = 0;
    return process_ > 0;
  }
  /// Until condition() holds or the program has ended.
  template <class F> bool wait_for(const F& condition) {
    while (!condition()) {
      if (!running()) return condition();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  Result wait() {
    if (process_ > 0) ::waitpid(process_, &status_, 0);
    process_ = 0;
    return {WIFEXITED(status_) ? WEXITSTATUS(status_) : -1, WIFSIGNALED(status_) ? WTERMSIG(status_) : 0, output(),
            read(own_ / "err")};
  }
  std::string output() const { return read(own_ / "out"); }

 private:
  static bool open_as(int descriptor, const char* path, int flags) {
    const int opened = ::open(path, flags, 0600);
    return opened >= 0 && ::dup2(opened, descriptor) == descriptor;
  }

  Folder own_;
  pid_t process_ = 0;
  int status_ = 0;
};

inline Result run(const fs::path& file, const std::vector<std::string>& arguments, const How& how = {}) {
  return Program(file, arguments, how).wait();
}

inline bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A line with d for every digit: what of it is the same in every run.
inline std::string shape(std::string line) {
  for (char& c : line) c = c >= '0' && c <= '9' ? 'd' : c;
  return line;
}

/// The program ended well and found nothing to complain about.
inline void check_well(const Result& result) {
  CAPTURE(result.out);
  CAPTURE(result.err);
  CHECK(result.signal == 0);
  CHECK(result.code == 0);
  CHECK(result.err.empty());
}
/// The program said in one line what is wrong, with all of `parts` in it, and ended with an error.
inline void check_refused(const Result& result, const std::vector<std::string>& parts) {
  CAPTURE(result.out);
  CAPTURE(result.err);
  CHECK(result.signal == 0);
  CHECK(result.code > 0);
  CHECK(lines(result.err).size() == 1);
  CHECK(result.err.size() < 400);
  for (const std::string& part : parts) {
    CAPTURE(part);
    CHECK(mentions(result.err, part));
  }
}

}  // namespace child
