// The library called from threads of the user's own, while it uses threads itself. cmake/long.sh runs this under the
// thread sanitizer.
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/train/predict.hpp>

#include "classifier.hpp"

namespace {

using namespace unroll;

/// f(k) on n threads at once.
template <class F> void at_once(int n, const F& f) {
  std::vector<std::thread> threads;
  for (int k = 0; k < n; ++k) threads.emplace_back([&f, k] { f(static_cast<std::size_t>(k)); });
  for (auto& thread : threads) thread.join();
}

/// Large enough that a layer's sequences go to several threads.
struct Case {
  Classifier model = make_classifier(0.2, 96);
  TokenDataset data = make_data(96);
  int before = threads();

  Case() { set_threads(3); }
  ~Case() { set_threads(before); }
};

}  // namespace

TEST_CASE("several threads use one const model, each with a cache of its own") {
  const Case c;
  const Matrix<float> expected = infer(c.model, c.data);
  std::vector<Matrix<float>> outputs(4);
  at_once(4, [&](std::size_t k) { outputs[k] = infer(c.model, c.data, {.batch_size = k % 2 == 0 ? 64 : 96}); });
  for (const auto& y : outputs) CHECK((y.array() == expected.array()).all());
}

TEST_CASE("models that are trained at the same time do not know of each other") {
  const Case c;
  const auto train = [&](Classifier& model, std::uint64_t seed) {
    fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, c.data, {.epochs = 1, .batch_size = 48, .seed = seed});
  };
  std::vector<Classifier> together(2, c.model), one_by_one(2, c.model);
  for (std::size_t k = 0; k < 2; ++k) train(one_by_one[k], k);
  at_once(2, [&](std::size_t k) { train(together[k], k); });
  for (std::size_t k = 0; k < 2; ++k) CHECK(bits_of(together[k]) == bits_of(one_by_one[k]));
  CHECK(bits_of(together[0]) != bits_of(together[1]));
}
