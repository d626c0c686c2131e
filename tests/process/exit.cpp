// A process ends while its threads are still at work: quietly, with the status that was asked for, and without waiting
// for them.
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

#include <unroll/core/parallel.hpp>

#include "child.hpp"

using namespace unroll;

namespace {

std::atomic<double> sink = 0;

constexpr auto compute = [](int k) {
  double sum = 0;
  for (int i = 0; i < 20000; ++i) sum += std::sin(static_cast<double>(i + k));
  sink = sum;
};

struct ComputesAtExit {
  ~ComputesAtExit() {
    std::atomic<int> n = 0;
    parallel_for(4, [&](int) { ++n; });
    if (n != 4) _exit(1);
  }
};

}  // namespace

int main() {
  process::Checks check;

  bool good = true;
  for (int k = 0; k < 60; ++k)
    good = good && process::in_child([k] {
                     set_threads(2 + k % 3);
                     for (int thread = 0; thread < 1 + k % 2; ++thread)
                       std::thread([] {
                         for (;;) parallel_for(8, compute);
                       }).detach();
                     usleep(static_cast<useconds_t>(3000 + 500 * k));
                     return 7;
                   }) == 7;
  check("exit while other threads compute", good);

  check("exit in the middle of a task that does not end", process::in_child([] {
                                                            set_threads(2);
                                                            std::thread([] {
                                                              parallel_for(2, [](int) {
                                                                for (;;) pause();
                                                              });
                                                            }).detach();
                                                            usleep(20000);
                                                            return 7;
                                                          }) == 7);

  for (const int who : {0, 1})
    check(who == 0 ? "a task of the caller's exits" : "a task of a worker's exits",
          process::in_child([who] {
            set_threads(3);
            const auto caller = std::this_thread::get_id();
            std::once_flag once;
            parallel_for(6, [&](int) {
              usleep(10000);
              if ((std::this_thread::get_id() == caller) == (who == 0)) std::call_once(once, [] { std::exit(7); });
              usleep(10000);
            });
            return 1;
          }) == 7);

  check("a destructor of a static object computes, made before the threads", process::in_child([] {
                                                                               static const ComputesAtExit late;
                                                                               set_threads(3);
                                                                               parallel_for(8, compute);
                                                                               return 7;
                                                                             }) == 7);
  check("and made after them", process::in_child([] {
                                 set_threads(3);
                                 parallel_for(8, compute);
                                 static const ComputesAtExit early;
                                 return 7;
                               }) == 7);
  return check.end();
}
