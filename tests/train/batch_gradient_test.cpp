// The hook between gradient and update.
#include <barrier>
#include <cmath>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>

#include "classifier.hpp"

namespace {

using namespace unroll;
using HookOptions = FitOptions<TokenDataset>;

/// What a message-passing library does: sums over `n` threads that call it in step.
class Machines {
 public:
  explicit Machines(std::ptrdiff_t n) : barrier_(n) {}
  template <class T> void sum(std::span<T> numbers) {
    alone([&] { sums_.resize(numbers.size()); });
    alone([&] {
      for (std::size_t k = 0; k < numbers.size(); ++k) sums_[k] += static_cast<double>(numbers[k]);
    });
    for (std::size_t k = 0; k < numbers.size(); ++k) numbers[k] = static_cast<T>(sums_[k]);
    barrier_.arrive_and_wait();
    alone([&] { sums_.clear(); });
  }

 private:
  template <class F> void alone(const F& f) {
    {
      const std::lock_guard lock(mutex_);
      f();
    }
    barrier_.arrive_and_wait();
  }
  std::barrier<> barrier_;
  std::mutex mutex_;
  std::vector<double> sums_;
};

History train_with_hook(Classifier& model, const TokenDataset& data, const HookOptions& options) {
  return fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, data, options);
}

}  // namespace

TEST_CASE("machines that add up the gradients of unequal parts of each batch train as one does with the whole batch") {
  // Each batch of 24 is 16 sequences of the one machine and 8 of the other.
  const TokenDataset data = make_data(96);
  std::vector<Index> rows[2];
  for (Index k = 0; k < 96; ++k) rows[k % 24 < 16 ? 0 : 1].push_back(k);
  Classifier whole = make_classifier();
  const History alone =
      train_with_hook(whole, data, {.epochs = 3, .batch_size = 24, .shuffle = false, .clip_norm = 0.1});

  Machines machines(2);
  std::vector<Classifier> models(2, make_classifier());
  std::vector<History> histories(2);
  const auto run = [&](std::size_t m) {
    const TokenDataset part = data.select(rows[m]);
    histories[m] = train_with_hook(
        models[m], part,
        {.epochs = 3,
         .batch_size = m == 0 ? 16 : 8,
         .shuffle = false,
         .clip_norm = 0.1,
         .on_gradient = [&](BatchGradient& batch) { batch.add_up([&](auto numbers) { machines.sum(numbers); }); }});
  };
  std::thread other(run, std::size_t{1});
  run(0);
  other.join();
  CHECK(distance(models[0], models[1]) == 0);
  CHECK(distance(models[0], whole) < 1e-4);  // sums in another order
  CHECK(distance(whole, make_classifier()) > 1e-2);
  for (const History& history : histories)
    for (std::size_t e = 0; e < 3; ++e) {
      CHECK(history.epochs[e].training.loss == doctest::Approx(alone.epochs[e].training.loss).epsilon(1e-5));
      CHECK(history.epochs[e].training.count == 96);
      CHECK(history.epochs[e].gradient_norm == doctest::Approx(alone.epochs[e].gradient_norm).epsilon(1e-4));
    }
}

TEST_CASE(
    "the hook sees the gradient of each update once, accumulated or not, and one that only looks changes nothing" *
    doctest::test_suite("bits")) {
  const TokenDataset data = make_data(50);
  const auto sizes = [&](Index batch_size, Index accumulate, double& norm) {
    Classifier looked_at = make_classifier(0.2), plain = make_classifier(0.2);
    HookOptions options{.epochs = 2, .batch_size = batch_size, .accumulate = accumulate, .clip_norm = 0.05};
    train_with_hook(plain, data, options);
    std::vector<double> weights;
    options.on_gradient = [&](const BatchGradient& batch) {
      CHECK(batch.step == static_cast<std::int64_t>(weights.size()));
      weights.push_back(batch.weight);
      double squares = 0;
      batch.visit([&](const Path&, auto g) {
        for (const auto x : g) squares += double(x) * double(x);
      });
      norm = std::max(norm, std::sqrt(squares));
    };
    const History history = train_with_hook(looked_at, data, options);
    CHECK(norm ==
          doctest::Approx(std::max(history.epochs[0].largest_gradient_norm, history.epochs[1].largest_gradient_norm))
              .epsilon(1e-6));
    CHECK(bits_of(looked_at) == bits_of(plain));
    return weights;
  };
  double norm = 0, accumulated = 0;
  CHECK(sizes(20, 1, norm) == std::vector<double>{20, 20, 10, 20, 20, 10});
  CHECK(sizes(5, 4, accumulated) == std::vector<double>{20, 20, 10, 20, 20, 10});
  CHECK(norm > 0.05);  // it is called before clipping
}

TEST_CASE("what the hook writes is what the model is updated with, in tables too, and where it throws nothing is") {
  const TokenDataset data = make_data(20), few({{1, 2, 1}}, std::vector<Index>{1});  // of few ids
  Classifier model = make_classifier(), frozen = make_classifier();
  const Classifier start = model;
  std::vector<std::string> paths;
  const auto ones = [&](BatchGradient& batch) {
    batch.visit([&](const Path& path, auto g) {
      paths.push_back(path.str());
      std::ranges::fill(g, 1);
    });
  };
  const History history = fit(model, BinaryCrossEntropy{}, Sgd{.rate = 0.5}, few, {.on_gradient = ones});
  CHECK(history.epochs[0].gradient_norm == doctest::Approx(std::sqrt(double(count_parameters(model)))));
  visit([&](const Path&, const auto& p, const auto& q) { CHECK((p.array() == q.array() - 0.5f).all()); }, model, start);
  const std::size_t all = std::exchange(paths, {}).size();
  freeze(frozen, "0.*");
  fit(frozen, BinaryCrossEntropy{}, Sgd{.rate = 0.5}, data, {.batch_size = 20, .on_gradient = ones});
  CHECK(paths.size() == all - 1);  // there is no gradient of what is frozen

  Classifier kept = start;
  const auto fail_later = [](const BatchGradient& batch) {
    if (batch.step == 1) throw std::runtime_error("a machine is gone");
  };
  Classifier once = start;
  train_with_hook(once, data.select(std::vector<Index>{0, 1, 2, 3, 4}), {.batch_size = 5, .shuffle = false});
  CHECK_THROWS_WITH_AS(train_with_hook(kept, data, {.batch_size = 5, .shuffle = false, .on_gradient = fail_later}),
                       "a machine is gone", std::runtime_error);
  CHECK(distance(kept, once) == 0);
}

TEST_CASE("a loss that is no number on one machine ends the run on all, with the weights before") {
  Classifier model = make_classifier();
  const Classifier start = model;
  const auto spoil = [](BatchGradient& batch) { batch.loss = std::numeric_limits<double>::quiet_NaN(); };
  const History history = train_with_hook(model, make_data(20), {.on_gradient = spoil});
  CHECK(history.stopped == Stopped::not_finite);
  CHECK(distance(model, start) == 0);
}
