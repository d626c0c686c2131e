// A stream that goes on learning allocates nothing after its first update.
#include <array>
#include <cmath>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/gaussian_nll.hpp>
#include <unroll/metric/anomaly_score.hpp>
#include <unroll/train/dynamic_update.hpp>
#include <unroll/train/online_learner.hpp>

#include "counting.hpp"

namespace {

using namespace unroll;  // NOLINT

int passed = 0, failed = 0;

/// Of 500 steps after the first update, every seventh of which is told no truth.
template <class Learner, class X, class Y>
void count(const char* what, int threads, Learner learner, const X& x, const Y& truth) {
  AnomalyScore score;
  const auto step = [&](int k) {
    learner.step(x(k));
    if (k % 7 != 3) score.add(learner.learn(truth(k)));
  };
  int k = 0;
  while (learner.updates() == 0) step(k++);
  allocations = 0;
  counting = true;
  for (int more = 0; more < 500; ++more) step(k++);
  counting = false;
  const long n = allocations;
  const bool learned = learner.updates() > 40;
  (n == 0 && learned ? passed : failed) += 1;
  if (n != 0 || !learned) std::printf("FAILED: %s, %d threads: %ld allocations\n", what, threads, n);
}

}  // namespace

int main() {
  for (const int n : {1, 2}) {
    set_threads(n);
    Sequential detector{Recurrent{Gru{8, 32}}, Recurrent{Lstm{32, 32}}, Dense{32, 16}};
    Sequential of_ids{Embedding{40, 16}, Recurrent{Lstm{16, 32}}, Dense{32, 40}};
    AnySequential<> any;
    any.add(Embedding{40, 16}).add(Recurrent{Gru{16, 32}}).add(Dense{32, 40});
    initialize(detector, Rng(1));
    initialize(of_ids, Rng(1));
    initialize(any, Rng(1));
    const auto numbers = [](int k) {
      std::array<float, 8> x{};
      for (int d = 0; d < 8; ++d) x[static_cast<std::size_t>(d)] = std::sin(float(k * (d + 1)));
      return x;
    };
    const auto ids = [](int k) { return k * k % 40; };
    const auto next = [](int k) { return (k + 1) * (k + 1) % 40; };
    const OnlineOptions apart{.window = 20, .stride = 10, .clip = {.norm = 1}};
    count("detector", n, OnlineLearner(detector, GaussianNll{}, Adam{}, apart), numbers, numbers);
    count("ids", n, OnlineLearner(of_ids, CrossEntropy{}, RmsProp{}, {.window = 5}), ids, next);
    const DynamicUpdate update(of_ids, {.rate = 0.1});
    count("dynamic update", n, OnlineLearner(of_ids, CrossEntropy{}, update, {.window = 5}), ids, next);
    using Any = OnlineLearner<AnySequential<>, CrossEntropy, Adam, TokenBatch>;
    count("ids, layers known at run time", n, Any(any, {}, {}, {.window = 5}), ids, next);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
