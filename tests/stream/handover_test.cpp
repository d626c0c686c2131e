#include <atomic>
#include <memory>
#include <thread>

#include <doctest/doctest.h>

#include <unroll/stream/handover.hpp>

using namespace unroll;

namespace {
std::atomic<int> alive = 0;
struct Counted {
  int number;
  explicit Counted(int n) : number(n) { ++alive; }
  ~Counted() {
    number = -1;
    --alive;
  }
};
}  // namespace

TEST_CASE("models are swapped under a running thread, and each is freed once, by the other") {
  {
    stream::Handover<Counted> models(std::make_unique<Counted>(0));
    std::atomic<bool> running = true;
    int last = 0, wrong = 0;
    std::thread audio([&] {
      while (running) {
        const Counted* model = models.get();
        if (model->number < last) ++wrong;
        last = model->number;
      }
      last = models.get()->number;
    });
    for (int n = 1; n <= 2000; ++n) {
      models.offer(std::make_unique<Counted>(n));
      if (n % 3 == 0) std::this_thread::yield();
    }
    models.collect();
    running = false;
    audio.join();
    CHECK(wrong == 0);
    models.collect();
    CHECK(models.get()->number == 2000);
  }
  CHECK(alive == 0);
}

TEST_CASE("before the first model there is none") {
  stream::Handover<Counted> models;
  CHECK(models.get() == nullptr);
  models.offer(std::make_unique<Counted>(1));
  models.offer(std::make_unique<Counted>(2));
  CHECK(alive == 1);
  CHECK(models.get()->number == 2);
}
