// Sharing work between threads. What fork, exit and a system without threads do to it is in tests/process.
// cmake/long.sh runs this under the thread sanitizer.
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/parallel.hpp>

using namespace unroll;

namespace {

/// As many threads, until the end of the test.
struct Threads {
  int before = threads();
  explicit Threads(int n) { set_threads(n); }
  ~Threads() { set_threads(before); }
};

}  // namespace

TEST_CASE("each task runs once, whatever the number of threads") {
  for (const int n : {1, 2, 3, 8}) {
    const Threads set(n);
    for (const int tasks : {0, 1, 2, 7, 1000}) {
      std::vector<int> runs(static_cast<std::size_t>(tasks));
      parallel_for(tasks, [&](int k) { ++runs[static_cast<std::size_t>(k)]; });
      CHECK(runs == std::vector<int>(static_cast<std::size_t>(tasks), 1));
    }
  }
}

TEST_CASE("tasks run at the same time") {
  const Threads set(3);
  std::atomic<int> arrived = 0;
  parallel_for(3, [&](int) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  CHECK(arrived == 3);
}

TEST_CASE("the first exception comes back when all tasks have ended") {
  const Threads set(4);
  std::atomic<int> runs = 0;
  CHECK_THROWS_WITH_AS(parallel_for(100,
                                    [&](int k) {
                                      ++runs;
                                      if (k % 10 == 3) throw std::runtime_error("task");
                                    }),
                       "task", std::runtime_error);
  CHECK(runs == 100);
  CHECK_FALSE(inside_parallel());
  parallel_for(4, [&](int) { ++runs; });
  CHECK(runs == 104);
}

TEST_CASE("inside a task the work stays on its thread") {
  const Threads set(3);
  std::atomic<int> runs = 0, elsewhere = 0;
  parallel_for(6, [&](int) {
    const auto here = std::this_thread::get_id();
    parallel_for(5, [&](int) {
      ++runs;
      if (std::this_thread::get_id() != here) ++elsewhere;
    });
  });
  CHECK(runs == 30);
  CHECK(elsewhere == 0);
}

TEST_CASE("many threads of the user's share the pool") {
  const Threads set(3);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> users;
  for (int user = 0; user < 8; ++user)
    users.emplace_back([&, user] {
      for (int round = 0; round < 200; ++round) {
        std::vector<int> runs(static_cast<std::size_t>(1 + (user + round) % 9));
        try {
          parallel_for(static_cast<int>(runs.size()), [&](int k) {
            ++runs[static_cast<std::size_t>(k)];
            if (k == 8) throw k;
          });
        } catch (int k) {
          if (k != 8 || runs.size() != 9) ++wrong;
        }
        for (const int n : runs) wrong += n == 1 ? 0 : 1;
      }
    });
  for (auto& user : users) user.join();
  CHECK(wrong == 0);
}

TEST_CASE("setting the number of threads from other threads and from tasks loses no work") {
  const Threads set(3);
  std::atomic<bool> over = false;
  std::thread other([&] {
    for (int n = 0; !over; ++n) set_threads(1 + n % 5);
  });
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> runs = 0;
    parallel_for(6, [&](int k) {
      ++runs;
      if (k == 3) set_threads(1 + round % 4);
    });
    REQUIRE(runs == 6);
  }
  over = true;
  other.join();
}
