// Learning while streaming: what fit does on streams, the equations by hand, what is missing, and what is refused.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/core/thread_pool.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/gaussian_nll.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/dynamic_evaluation.hpp>
#include <unroll/train/fit.hpp>
#include <unroll/train/online_learner.hpp>

#include "../io/support.hpp"
#include "../support/not_finite.hpp"

namespace online_learner_test {
using namespace unroll;

auto machine_model(Index outputs = 1) {
  Sequential model{Recurrent{Gru<double>{2, 5}}, Recurrent{Lstm<double>{5, 4}}, Dense<double>{4, outputs}};
  randomize(model, Rng(3), 0.8);
  return model;
}
using Model = decltype(machine_model());

/// x (2, T), and what is to be said of each step (1, T).
struct Series {
  Matrix<double> x, y;
};
Series make_series(Index steps) {
  Rng rng(5);
  Series s{Matrix<double>(2, steps), Matrix<double>(1, steps)};
  for (Index t = 0; t < steps; ++t) {
    s.x.col(t) << rng.normal(), std::sin(0.3 * double(t));
    s.y(0, t) = 0.5 * s.x(0, t) + (t > 0 ? s.y(0, t - 1) : 0) * 0.7;
  }
  return s;
}
template <class M> double largest_difference(const M& a, const M& b) {
  double most = 0;
  visit([&](const Path&, const auto& p, const auto& q) { most = std::max(most, (p - q).cwiseAbs().maxCoeff()); }, a, b);
  return most;
}
template <class Learner> void run(Learner& learner, const Series& s, Index first, Index end) {
  for (Index t = first; t < end; ++t) {
    learner.step(s.x.col(t));
    learner.learn(s.y(0, t));
  }
}

TEST_CASE("an online learner whose windows do not overlap is fit on streams") {
  const Series s = make_series(42);
  Model fitted = machine_model();
  fit(fitted, MeanSquaredError{}, Adam{.rate = 1e-2}, SequenceStreams(s.x, s.y, {.streams = 1, .window = 7}),
      {.epochs = 1, .clip_norm = 0.5});
  OnlineLearner learner(machine_model(), MeanSquaredError{}, Adam{.rate = 1e-2}, {.window = 7, .clip = {.norm = 0.5}});
  run(learner, s, 0, 42);
  CHECK(learner.updates() == 6);
  CHECK(learner.last_update().weight == 7);
  CHECK(largest_difference(learner.model(), fitted) < 1e-12);
  CHECK(largest_difference(learner.model(), machine_model()) > 1e-2);
}

TEST_CASE("windows that overlap start from the state that the stream had there") {
  constexpr Index K = 5, stride = 2, T = 19;
  const Series s = make_series(T);
  OnlineLearner learner(machine_model(), MeanSquaredError{}, Sgd{.rate = 0.05}, {.window = K, .stride = stride});
  Model model = machine_model();
  Optimizer optimizer(model, Sgd{.rate = 0.05});
  Workspace<Model, PackedSequence<double>> work(model);
  std::vector<Model::State> before(T + 1);
  Index news = 0, updates = 0;
  for (Index t = 0; t < T; ++t) {
    CacheFor<Model, PackedSequence<double>> cache;
    const Matrix<double> x = s.x.col(t);
    const auto at = static_cast<std::size_t>(t);
    const Matrix<double> expected =
        model.forward({}, pack(x), cache, {t > 0 ? &before[at] : nullptr, &before[at + 1]}).values;
    CHECK(learner.step(s.x.col(t))(0, 0) == doctest::Approx(expected(0, 0)).epsilon(1e-12));
    const double error = expected(0, 0) - s.y(0, t);
    CHECK(learner.loss(s.y(0, t)) == doctest::Approx(error * error).epsilon(1e-11));
    CHECK(learner.learn(s.y(0, t)) == doctest::Approx(error * error).epsilon(1e-11));
    ++news;
    if (t + 1 >= K && news >= stride) {
      const Index first = t + 1 - K;
      const Matrix<double> window = s.x.middleCols(first, K), truths = s.y.middleCols(first, K);
      train_step(model, MeanSquaredError{}, optimizer, pack(window), truths, work, {}, {},
                 {first > 0 ? &before[static_cast<std::size_t>(first)] : nullptr, nullptr});
      news = 0;
      ++updates;
    }
    CHECK(learner.updates() == updates);
    CHECK(largest_difference(learner.model(), model) < 1e-12);
  }
  CHECK(updates == 8);
}

TEST_CASE("steps without a truth move the state, and weigh nothing") {
  constexpr Index K = 6;
  const Series s = make_series(K);
  OnlineLearner learner(machine_model(), MeanSquaredError{}, Sgd{.rate = 0.1}, {.window = K, .stride = 1});
  BatchTargets<double> truths;
  truths.are_labels = false;
  truths.values = s.y;
  for (Index t = 0; t < K; ++t) {
    learner.step(s.x.col(t));
    truths.sample_weights.push_back(t == 1 || t == 2 ? 0 : 1);
    if (t == 1 || t == 2) continue;
    learner.learn(s.y(0, t));
  }
  Model model = machine_model();
  Optimizer optimizer(model, Sgd{.rate = 0.1});
  Workspace<Model, PackedSequence<double>> work(model);
  train_step(model, MeanSquaredError{}, optimizer, pack(s.x), truths, work, {});
  CHECK(learner.updates() == 1);
  CHECK(largest_difference(learner.model(), model) < 1e-14);
}

TEST_CASE("an online learner learns labels of steps that are ids, as dynamic evaluation does") {
  Sequential model{Embedding<double>{5, 4}, Dropout<double>{0.5}, Recurrent{Gru<double>{4, 6}}, Dense<double>{6, 5}};
  randomize(model, Rng(3), 0.8);
  const std::vector<std::int32_t> text{1, 4, 2, 2, 0, 3, 1, 4, 2, 0, 0, 3, 1};
  const DynamicEvaluationOptions options{.window = 4, .rate = 0.1, .decay = 0.3};
  DynamicEvaluation expected(model, options);
  const double mean = expected.read(text).loss;
  OnlineLearner learner(model, CrossEntropy{}, DynamicUpdate(model, options), {.window = 4});
  double sum = 0;
  for (std::size_t t = 0; t + 1 < text.size(); ++t) {
    learner.step(text[t]);
    sum += learner.learn(text[t + 1]);
  }
  CHECK(sum / 12 == doctest::Approx(mean).epsilon(1e-12));
  CHECK(largest_difference(learner.model(), expected.model()) < 1e-12);
  CHECK(largest_difference(learner.model(), model) > 1e-3);
}

TEST_CASE("a layer that is known at run time learns online, too") {
  const Series s = make_series(20);
  AnySequential<PackedSequence<double>> any;
  any.add(Recurrent{Gru<double>{2, 5}}).add(Recurrent{Lstm<double>{5, 4}}).add(Dense<double>{4, 1});
  randomize(any, Rng(3), 0.8);
  OnlineLearner learner(machine_model(), MeanSquaredError{}, Adam{}, {.window = 5, .stride = 3});
  OnlineLearner erased(any, MeanSquaredError{}, Adam{}, {.window = 5, .stride = 3});
  run(learner, s, 0, 20);
  run(erased, s, 0, 20);
  CHECK(learner.step(s.x.col(0))(0, 0) == doctest::Approx(erased.step(s.x.col(0))(0, 0)).epsilon(1e-14));
}

TEST_CASE("a machine that has changed is learned, and a frozen model does not see it") {
  const Series s = make_series(1200);
  OnlineLearner learner(machine_model(2), GaussianNll{}, Adam{.rate = 1e-2}, {.window = 10, .clip = {.norm = 1}});
  double early = 0, late = 0;
  for (Index t = 0; t < 1200; ++t) {
    learner.step(s.x.col(t));
    (t < 100 ? early : t >= 1100 ? late : std::array<double, 1>{}[0]) += learner.learn(s.y(0, t) + 2);
  }
  CHECK(late < early - 100);
}

TEST_CASE("a stream that begins anew has no state, and what was learned") {
  const Series s = make_series(20);
  OnlineLearner learner(machine_model(), MeanSquaredError{}, Sgd{.rate = 0.05}, {.window = 4, .stride = 3});
  run(learner, s, 0, 10);
  OnlineLearner other(learner.model(), MeanSquaredError{}, Sgd{.rate = 0.05}, {.window = 4, .stride = 3});
  learner.reset();
  CHECK(message_of<std::invalid_argument>([&] { learner.learn(1.0); }).find("`step` comes first") != std::string::npos);
  run(learner, s, 10, 20);
  run(other, s, 10, 20);
  CHECK(largest_difference(learner.model(), other.model()) == 0);
}

TEST_CASE("a copy of an online learner goes its own way, with the same bits for any number of threads") {
  const Series s = make_series(30);
  OnlineLearner learner(machine_model(), MeanSquaredError{}, Adam{}, {.window = 4, .stride = 3});
  run(learner, s, 0, 15);
  auto copy = learner;
  run(learner, s, 15, 30);
  CHECK(largest_difference(learner.model(), copy.model()) > 0);
  set_threads(3);
  run(copy, s, 15, 30);
  set_threads(0);
  CHECK(largest_difference(learner.model(), copy.model()) == 0);
}

TEST_CASE("what an online learner refuses leaves it as it was") {
  const double nan = not_finite::nan<double>(), infinite = not_finite::infinity<double>();
  const Series s = make_series(20);
  const OnlineOptions options{.window = 4, .stride = 2};
  OnlineLearner learner(machine_model(), MeanSquaredError{}, Adam{}, options);
  OnlineLearner other = learner;
  const auto said = [](const auto& f) { return message_of<std::invalid_argument>(f); };
  CHECK(said([&] { learner.loss(1.0); }) ==
        "OnlineLearner::loss: there is no output yet that this could be the truth of: `step` comes first");
  for (Index t = 0; t < 20; ++t) {
    CHECK(said([&] { learner.step(std::array{1.0, nan}); }) ==
          "OnlineLearner::step: feature 1 is nan, expected a finite number");
    CHECK(said([&] { learner.step(std::vector{infinite, 1.0}); }) ==
          "OnlineLearner::step: feature 0 is inf, expected a finite number");
    CHECK(said([&] { learner.step(s.x.leftCols(2)); }) == "OnlineLearner::step: 2 columns, expected one step");
    CHECK(said([&] { learner.step(1.0); }).find("input has 1 features, expected 2") != std::string::npos);
    learner.step(s.x.col(t));
    CHECK(said([&] { learner.learn(nan); }) == "OnlineLearner: target 0 is nan, expected a finite number");
    CHECK(said([&] { learner.loss(-infinite); }).find("OnlineLearner: target 0 is -inf") == 0);
    CHECK(said([&] { learner.learn(std::array{1.0, 2.0}); }).find("mean_squared_error: ") == 0);
    CHECK(said([&] { learner.learn(1); }).find("OnlineLearner: the step has labels as targets") == 0);
    learner.learn(s.y(0, t));
    CHECK(said([&] { learner.learn(s.y(0, t)); }) == "OnlineLearner::learn: the truth of this step is known already");
  }
  run(other, s, 0, 20);
  CHECK(largest_difference(learner.model(), other.model()) == 0);
  CHECK(learner.step(s.x.col(0)) == other.step(s.x.col(0)));
}

TEST_CASE("labels and numbers are not told to one stream") {
  OnlineLearner learner(machine_model(), BinaryCrossEntropy{}, Adam{}, {.window = 3});
  const Series s = make_series(3);
  learner.step(s.x.col(0));
  learner.learn(1);
  learner.step(s.x.col(1));
  CHECK(message_of<std::invalid_argument>([&] { learner.learn(0.5); }) ==
        "OnlineLearner: labels and numbers in one stream, expected one kind of truth");
  learner.learn(0);
}

TEST_CASE("options of an online learner without meaning say so") {
  const auto said = [](const OnlineOptions& options) {
    return message_of<std::invalid_argument>(
        [&] { OnlineLearner(machine_model(), MeanSquaredError{}, Adam{}, options); });
  };
  CHECK(said({.window = 0}) == "OnlineLearner: window is 0, expected at least 1");
  CHECK(said({.stride = -1}) == "OnlineLearner: stride is -1, expected 0 or more");
  CHECK(said({.clip = {.norm = -2}}) == "OnlineLearner: clip.norm is -2, expected 0 or more");
  Sequential back{Recurrent{Gru<double>{2, 5}, {.reverse = true}}, Dense<double>{5, 1}};
  CHECK(message_of<std::invalid_argument>([&] {
          OnlineLearner(back, MeanSquaredError{}, Adam{});
        }).find("reads its sequence from the end") != std::string::npos);
}

TEST_CASE("a gradient that is no finite number moves nothing, and its window is forgotten") {
  Sequential model{Recurrent{Gru<double>{2, 3}}, Dense<double>{3, 1}};
  randomize(model, Rng(1), 0.5);
  std::get<1>(model.layers).weight.setConstant(1e10);
  const Series s = make_series(20);
  OnlineLearner learner(model, MeanSquaredError{}, Sgd{.rate = 0.1}, {.window = 3, .stride = 1});
  learner.step(s.x.col(0));
  learner.learn(1e150);  // its square is a number, that of the gradient is none
  learner.step(s.x.col(1));
  learner.learn(s.y(0, 1));
  learner.step(s.x.col(2));
  CHECK(message_of<std::runtime_error>([&] { learner.learn(s.y(0, 2)); }).find("gradient is no finite number") !=
        std::string::npos);
  CHECK(largest_difference(learner.model(), model) == 0);
  learner.step(s.x.col(3));
  CHECK(message_of<std::runtime_error>([&] { learner.learn(1e300); }).find("loss is no finite number") !=
        std::string::npos);
  learner.learn(s.y(0, 3));
  run(learner, s, 4, 6);
  CHECK(learner.updates() == 1);
  CHECK(largest_difference(learner.model(), model) > 0);
}

TEST_CASE("an output that is no finite number does not become the state") {
  auto broken = machine_model();
  std::get<2>(broken.layers).weight.setConstant(not_finite::infinity<double>());
  OnlineLearner learner(broken, MeanSquaredError{}, Sgd{.rate = 0.1}, {.window = 3});
  for (int k = 0; k < 3; ++k) {
    const std::string said = message_of<std::runtime_error>([&] { learner.step(Eigen::Vector2d(9, 9)); });
    CHECK(said.find("output is no finite number") != std::string::npos);
  }
  CHECK(message_of<std::invalid_argument>([&] { learner.learn(1.0); }).find("`step` comes first") != std::string::npos);
}

}  // namespace online_learner_test
