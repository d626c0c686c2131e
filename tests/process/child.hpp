// Programs that ask what happens to a process: each question is put to a child of its own.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

// The leak sanitizer cannot stop threads that are not in the child.
extern "C" [[gnu::used]] inline const char* __asan_default_options() { return "detect_leaks=0"; }

namespace process {

/// f() in a child, which ends by `exit` with what f returns. How that ended: its status, -1 if a signal ended it, as
/// one does after 20 seconds.
template <class F> int in_child(const F& f) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    std::exit(f());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Counts, and says what failed.
class Checks {
 public:
  void operator()(const char* what, bool good) {
    ++(good ? passed_ : failed_);
    if (!good) std::printf("FAILED: %s\n", what);
  }
  /// The last line, and the status of the program.
  int end() const {
    std::printf("%d passed, %d failed\n", passed_, failed_);
    return failed_ == 0 ? 0 : 1;
  }

 private:
  int passed_ = 0, failed_ = 0;
};

}  // namespace process
