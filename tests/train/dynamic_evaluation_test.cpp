// Dynamic evaluation: the equations by the book, what stays as it was, and what is refused.
#include <cmath>
#include <optional>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/core/thread_pool.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/dynamic_evaluation.hpp>
#include <unroll/train/generate.hpp>

#include "../io/support.hpp"

using namespace unroll;

namespace dynamic_evaluation_test {

using Ids = std::vector<std::int32_t>;

auto small_model() {
  Sequential model{Embedding<double>{5, 4}, Dropout<double>{0.5}, Recurrent{Gru<double>{4, 6}}, Dense<double>{6, 5}};
  randomize(model, Rng(3), 0.8);
  return model;
}
auto tied_model() {
  Sequential model{Embedding<double>{5, 4}, Recurrent{Lstm<double>{4, 4}},
                   SoftmaxClassifier<double>{4, 5, {.tied = true}}};
  randomize(model, Rng(4), 0.8);
  return model;
}
const Ids text{1, 4, 2, 2, 0, 3, 1, 4, 2, 0, 0, 3, 1, 1};

/// Window after window as the paper has it, each parameter on its own, and a state of its own.
template <class M>
double by_the_book(const M& start, M& w, const Ids& ids, Index K, double rate, double decay, double epsilon,
                   const std::optional<M>& mean_squares) {
  typename M::State state;
  Workspace<M, TokenBatch> work(start);
  double roots = 0, count = 0, sum = 0;
  if (mean_squares)
    visit([&](const Path&,
              const auto& ms) { roots += (ms.array() / double(K)).sqrt().sum(), count += double(ms.size()); },
          *mean_squares);
  for (std::size_t at = 0; at + 1 < ids.size();) {
    const std::size_t n = std::min<std::size_t>(std::size_t(K), ids.size() - 1 - at);
    const TokenBatch x{Ids(ids.begin() + std::ptrdiff_t(at), ids.begin() + std::ptrdiff_t(at + n)),
                       Packing::from_lengths(std::vector<Index>{Index(n)}, Index(n))};
    const std::vector<Index> next(ids.begin() + std::ptrdiff_t(at + 1), ids.begin() + std::ptrdiff_t(at + n + 1));
    const StepResult r = add_gradient(w, detail::LossOfLanguageModel<M>{}, x, next, work, {}, 0,
                                      Carry<typename M::State>{at > 0 ? &state : nullptr, &state});
    sum += r.loss * r.weight;
    const double share = double(n) / double(K);
    if (mean_squares)
      visit(
          [&](const Path&, auto& p, const auto& p0, const auto& g, const auto& ms) {
            for (Index k = 0; k < p.size(); ++k) {
              const double root = std::sqrt(ms.data()[k] / double(K)), mean = roots / count;
              p.data()[k] += -share * rate * g.data()[k] / (root + epsilon * mean) +
                             std::min(1.0, share * decay * root / mean) * (p0.data()[k] - p.data()[k]);
            }
          },
          w, start, work.gradient, *mean_squares);
    else
      visit(
          [&](const Path&, auto& p, const auto& p0, const auto& g) {
            for (Index k = 0; k < p.size(); ++k)
              p.data()[k] += -share * rate * g.data()[k] + share * decay * (p0.data()[k] - p.data()[k]);
          },
          w, start, work.gradient);
    set_zero(work.gradient);
    at += n;
  }
  return sum / double(ids.size() - 1);
}
template <class M> double largest_difference(const M& a, const M& b) {
  double most = 0;
  visit([&](const Path&, const auto& p, const auto& q) { most = std::max(most, (p - q).cwiseAbs().maxCoeff()); }, a, b);
  return most;
}
template <class M> void check_by_the_book(const M& model) {
  const std::optional<M> squares = mean_squared_gradient(model, TokenStreams(text, {.streams = 2, .window = 3}));
  for (const auto& mean_squares : {std::optional<M>(), squares}) {
    CAPTURE(mean_squares.has_value());
    M expected = model;
    const double loss = by_the_book(model, expected, text, 4, 0.1, 0.3, 0.2, mean_squares);
    DynamicEvaluation learner(model, {.window = 4, .rate = 0.1, .decay = 0.3, .epsilon = 0.2}, mean_squares);
    const LossResult found = learner.read(text);
    CHECK(found.weight == 13);
    CHECK(found.loss == doctest::Approx(loss).epsilon(1e-12));
    CHECK(largest_difference(learner.model(), expected) < 1e-12);
    CHECK(largest_difference(learner.model(), model) > 1e-3);
  }
}

TEST_CASE("dynamic evaluation is the paper's, with and without mean squares") {
  check_by_the_book(small_model());
  check_by_the_book(tied_model());
}

TEST_CASE("the mean squares are those of the windows' gradients, as of one token") {
  const auto model = small_model();
  const TokenStreams windows(text, {.streams = 1, .window = 5});
  const auto mean = mean_squared_gradient(model, windows);
  auto expected = zeros_like(model);
  Workspace<decltype(small_model()), TokenBatch> work(model);
  decltype(small_model())::State state;
  TokenBatch x;
  std::vector<Index> next;
  for (Index k = 0; k < windows.count(); ++k) {
    windows.fill(k, x, next);
    add_gradient(model, CrossEntropy{}, x, next, work, {}, 0, {k > 0 ? &state : nullptr, &state});
    visit([&](const Path&, auto& m,
              const auto& g) { m.array() += double(next.size()) * g.array().square() / double(windows.count()); },
          expected, work.gradient);
    set_zero(work.gradient);
  }
  CHECK(largest_difference(mean, expected) < 1e-14);
}

TEST_CASE("a rate of 0 is evaluation as it is") {
  const auto model = small_model();
  DynamicEvaluation learner(model, {.window = 3, .rate = 0});
  const LossResult found = learner.read(text);
  double sum = 0;
  for (const double log_p : log_probabilities(model, text)) sum -= log_p;
  CHECK(found.loss == doctest::Approx(sum / 13).epsilon(1e-12));
  CHECK(largest_difference(learner.model(), model) == 0);
}

TEST_CASE("a text that repeats itself becomes likelier") {
  Ids again;
  for (int k = 0; k < 60; ++k) again.insert(again.end(), {1, 3, 0, 2});
  DynamicEvaluation learner(small_model(), {.window = 4, .rate = 0.2, .decay = 1e-3});
  const double first = learner.read(std::span(again).first(40)).loss;
  learner.read(std::span(again).subspan(40, 160));
  CHECK(learner.read(std::span(again).last(40)).loss < 0.5 * first);
}

TEST_CASE("a text in pieces is read on, and pieces of whole windows are as the whole") {
  const DynamicEvaluationOptions options{.window = 4, .rate = 0.1, .decay = 0.1};
  DynamicEvaluation whole(small_model(), options), pieces(small_model(), options);
  const LossResult all = whole.read(text);
  CHECK(pieces.read({}).weight == 0);
  CHECK(pieces.read(std::span(text).first(1)).weight == 0);
  const LossResult a = pieces.read(std::span(text).subspan(1, 8)), b = pieces.read(std::span(text).subspan(9));
  CHECK(a.weight + b.weight == all.weight);
  CHECK(a.loss * a.weight + b.loss * b.weight == doctest::Approx(all.loss * all.weight).epsilon(1e-14));
  CHECK(largest_difference(whole.model(), pieces.model()) == 0);
}

TEST_CASE("what is frozen stays, and any number of threads gives the same bits") {
  auto model = small_model();
  freeze(model, "2.*");
  const auto squares = mean_squared_gradient(model, TokenStreams(text, {.streams = 1, .window = 5}));
  std::optional<decltype(small_model())> once;
  for (const int threads : {1, 3}) {
    set_threads(threads);
    DynamicEvaluation learner(model, {.window = 5, .rate = 0.1}, std::optional(squares));
    learner.read(text);
    visit(
        [&](const Path& path, const auto& p, const auto& q) {
          CAPTURE(path.str());
          CHECK((p == q) == (path.str()[0] == '2'));
        },
        learner.model(), model);
    if (once) CHECK(largest_difference(*once, learner.model()) == 0);
    once = learner.model();
  }
  set_threads(0);
}

TEST_CASE("dynamic evaluation called wrongly says so") {
  using Model = decltype(small_model());
  const auto said = [&](DynamicEvaluationOptions options, const std::optional<Model>& squares = {}, Ids ids = {1, 2}) {
    return message_of<std::invalid_argument>([&] { DynamicEvaluation(small_model(), options, squares).read(ids); });
  };
  CHECK(said({.window = 0}) == "DynamicEvaluation: window is 0, expected at least 1");
  CHECK(said({.rate = -1}).find("DynamicEvaluation: the rate is -1") == 0);
  CHECK(said({.decay = 2}).find("DynamicEvaluation: decay is 2") == 0);
  CHECK(said({.clip_norm = -2}).find("DynamicEvaluation: clip_norm is -2") == 0);
  CHECK(said({}, {}, {1, 5}) == "DynamicEvaluation: read token 5, expected 0 to 4");
  CHECK(said({}, {}, {7, 1}) == "DynamicEvaluation: read token 7, expected 0 to 4");
  CHECK(said({}, zeros_like(small_model())).find("is 0, expected a finite number above 0") != std::string::npos);
  auto other = small_model();
  visit([](const Path&, auto& p) { p.setConstant(-1); }, other);
  CHECK(said({}, other).find("a mean square of 0.weight is below 0") != std::string::npos);
  std::get<3>(other.layers).weight.resize(2, 2);
  visit([](const Path&, auto& p) { p.setConstant(1); }, other);
  CHECK(said({}, other).find("3.weight") != std::string::npos);
}

TEST_CASE("a read that was refused leaves everything as it was") {
  const DynamicEvaluationOptions options{.window = 2, .rate = 0.1};
  DynamicEvaluation learner(small_model(), options), other(small_model(), options);
  const auto refused = [&](const Ids& ids) { return message_of<std::invalid_argument>([&] { learner.read(ids); }); };
  CHECK(refused({-1}) == "DynamicEvaluation: read token -1, expected 0 to 4");
  CHECK(refused({1, -100}).find("-100") != std::string::npos);
  learner.read(Ids{1, 4, 2});
  other.read(Ids{1, 4, 2});
  CHECK(refused({3, 2, 1, 5}).find("5, expected 0 to 4") != std::string::npos);
  CHECK(learner.read(Ids{0, 3, 1}).loss == other.read(Ids{0, 3, 1}).loss);
  CHECK(largest_difference(learner.model(), other.model()) == 0);
}

TEST_CASE("a gradient that is no finite number leaves the model as it was before") {
  auto model = small_model();
  std::get<3>(model.layers).weight(0, 0) = std::numeric_limits<double>::infinity();
  DynamicEvaluation learner(model, {.window = 2});
  CHECK(message_of<std::runtime_error>([&] { learner.read(text); }).find("no finite number") != std::string::npos);
  visit([](const Path&, const auto& p, const auto& q) { CHECK(p == q); }, learner.model(), model);
}

}  // namespace dynamic_evaluation_test
