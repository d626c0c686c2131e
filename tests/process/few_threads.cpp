// Where the system gives fewer threads than were asked for, those that there are do the work: none is lost, and nothing
// waits for a thread that never came.
#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <pthread.h>
#include <stdexcept>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <unroll/core/parallel.hpp>

#include "child.hpp"

using namespace unroll;

namespace {
std::atomic<int> threads_left = 1 << 20;
}

/// Stands before the system's, and refuses when it has given enough.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* argument) {
  if (threads_left.fetch_sub(1) <= 0) return EAGAIN;
  static const auto next = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return next(thread, attributes, run, argument);
}

namespace {

/// Each task once?
bool all_run(int tasks) {
  std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
  parallel_for(tasks, [&](int k) {
    usleep(1000);
    ++runs[static_cast<std::size_t>(k)];
  });
  for (const auto& n : runs)
    if (n != 1) return false;
  return true;
}

int threads_of_process() {
  int n = 0;
  std::FILE* status = std::fopen("/proc/self/status", "r");
  char line[256];
  while (status != nullptr && std::fgets(line, sizeof line, status) != nullptr) std::sscanf(line, "Threads: %d", &n);
  if (status != nullptr) std::fclose(status);
  return n;
}

}  // namespace

int main() {
  process::Checks check;
  for (const int given : {0, 1, 2, 5}) {
    const int result = process::in_child([given] {
      threads_left = given;
      set_threads(6);
      for (int k = 0; k < 3; ++k)
        if (!all_run(20)) return 1;
      const int before = threads_of_process();
      if (before > given + 4) return 2;  // sanitizers have some of their own
      threads_left = 1 << 20;
      set_threads(6);  // asks again
      return all_run(20) && threads_of_process() == before + 5 - given ? 7 : 3;
    });
    check("fewer threads than were asked for", result == 7);
  }
  check("the limit of the system", process::in_child([] {
                                     if (geteuid() == 0 && setuid(65534) != 0) return 7;  // it does not hold for root
                                     const rlimit one{1, 1};
                                     if (setrlimit(RLIMIT_NPROC, &one) != 0) return 1;
                                     set_threads(4);
                                     return all_run(20) && all_run(20) ? 7 : 1;
                                   }) == 7);
  check("an exception comes through without threads", process::in_child([] {
                                                        threads_left = 0;
                                                        set_threads(4);
                                                        try {
                                                          parallel_for(4, [](int k) {
                                                            if (k == 2) throw std::runtime_error("two");
                                                          });
                                                        } catch (const std::runtime_error&) {
                                                          return 7;
                                                        }
                                                        return 1;
                                                      }) == 7);
  check("threads that are not wanted any more end", process::in_child([] {
                                                      const int before = threads_of_process();
                                                      set_threads(8);
                                                      if (!all_run(50) || threads_of_process() != before + 7) return 1;
                                                      set_threads(3);
                                                      if (threads_of_process() != before + 2) return 2;
                                                      set_threads(1);
                                                      return threads_of_process() == before ? 7 : 3;
                                                    }) == 7);
  return check.end();
}
