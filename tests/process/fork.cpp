// A fork copies one thread. The child has neither the workers of its parent nor the hope that a mutex which one of the
// others held will be opened; it starts workers of its own and gets the same numbers.
#include <atomic>
#include <thread>

#include <unroll/core/parallel.hpp>
#include <unroll/kernel/matmul.hpp>

#include "child.hpp"

using namespace unroll;

namespace {

Matrix<float> product() {
  constexpr Index n = 160;
  Matrix<float> a(n, n), b(n, n), c(n, n);
  for (Index k = 0; k < n * n; ++k) {
    a.data()[k] = static_cast<float>(k % 17 - 8) / 7;
    b.data()[k] = static_cast<float>(k % 23 - 11) / 9;
  }
  MatmulScratch<float> scratch;
  matmul(c, a, Transpose::no, b, Transpose::no, Accumulate::no, scratch);
  return c;
}

int count(int tasks) {
  std::atomic<int> n = 0;
  parallel_for(tasks, [&](int) { ++n; });
  return n;
}

}  // namespace

int main() {
  process::Checks check;
  set_threads(3);
  const Matrix<float> expected = product();
  const auto same_bits = [&] { return (product().array() == expected.array()).all(); };

  check("a child exits", process::in_child([] { return 7; }) == 7);
  check("a child computes the same bits", process::in_child([&] { return same_bits() ? 7 : 1; }) == 7);
  check(
      "and so does a child of the child",
      process::in_child([&] { return same_bits() ? process::in_child([&] { return same_bits() ? 7 : 1; }) : 1; }) == 7);
  check("and a child of a child that has not computed",
        process::in_child([&] { return process::in_child([&] { return same_bits() ? 7 : 1; }); }) == 7);
  check("a child sets its number of threads", process::in_child([&] {
                                                for (const int n : {1, 2, 4, 0}) {
                                                  set_threads(n);
                                                  if (!same_bits()) return 1;
                                                }
                                                return 7;
                                              }) == 7);
  check("the parent goes on", same_bits());

  std::atomic<bool> over = false;
  std::thread other([&] {
    while (!over) count(5);
  });
  bool good = true;
  for (int k = 0; k < 100; ++k)
    good = good && process::in_child([&] { return count(8) == 8 && same_bits() ? 7 : 1; }) == 7;
  over = true;
  other.join();
  check("a fork while another thread computes", good);

  std::atomic<int> in_tasks = 0;
  parallel_for(8, [&](int) { in_tasks += process::in_child([] { return count(8) == 8 ? 7 : 1; }); });
  check("a fork by a task", in_tasks == 8 * 7);

  // Who leaves a task in the child finds the tasks of others missing, or none; it is told, and does not wait.
  const pid_t parent = getpid();
  std::atomic<int> ended = 0;
  const auto fork_in_task = [&](int k) {
    if (k != 0) {
      usleep(20000);
    } else if (const pid_t child = fork(); child == 0) {
      alarm(20);
    } else {
      int status = 0;
      waitpid(child, &status, 0);
      ended = WIFEXITED(status) ? 1 : 0;
    }
  };
  try {
    parallel_for(2, fork_in_task);
    if (getpid() != parent) _exit(0);
  } catch (const std::runtime_error&) {
    _exit(getpid() != parent ? 0 : 1);
  }
  check("a task that forks and returns twice", ended == 1);
  return check.end();
}
