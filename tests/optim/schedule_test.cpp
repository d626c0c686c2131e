#include <vector>

#include <doctest/doctest.h>

#include <unroll/optim/schedule.hpp>

using namespace unroll;

static_assert(Schedule<ConstantRate> && Schedule<StepDecay> && Schedule<ExponentialDecay> && Schedule<CosineDecay>);
static_assert(Schedule<LinearDecay> && Schedule<InverseSigmoidDecay>);
static_assert(Schedule<WarmUp<CosineDecay>> && Schedule<WarmUp<>>);
static_assert(!Schedule<ReduceOnPlateau> && !Schedule<int>);

TEST_CASE("step decay multiplies at every multiple of its count") {
  const StepDecay schedule{.every = 3, .factor = 0.5};
  const std::vector<double> expected{8, 8, 8, 4, 4, 4, 2};
  for (std::size_t k = 0; k < expected.size(); ++k) CHECK(schedule.rate(8, std::int64_t(k)) == expected[k]);
}

TEST_CASE("exponential decay multiplies at every count, or by the power of the part") {
  CHECK(ExponentialDecay{.factor = 0.9}.rate(2, 0) == 2);
  CHECK(ExponentialDecay{.factor = 0.9}.rate(2, 3) == doctest::Approx(2 * 0.9 * 0.9 * 0.9));
  CHECK(ExponentialDecay{.factor = 0.25, .every = 4}.rate(2, 2) == doctest::Approx(1));
}

TEST_CASE("linear decay falls in equal steps and stays at the minimum") {
  const LinearDecay schedule{.steps = 4, .minimum = 0.2};
  const std::vector<double> expected{1, 0.8, 0.6, 0.4, 0.2, 0.2};
  for (std::size_t k = 0; k < expected.size(); ++k)
    CHECK(schedule.rate(1, std::int64_t(k)) == doctest::Approx(expected[k]));
  CHECK(LinearDecay{.steps = 10}.rate(3, 1'000'000'000) == 0);
}

TEST_CASE("inverse sigmoid decay is half of the base after s log s counts") {
  const InverseSigmoidDecay schedule{.s = 50};
  CHECK(schedule.rate(2, 0) == doctest::Approx(2 * 50. / 51));
  CHECK(schedule.rate(2, std::int64_t(std::lround(50 * std::log(50)))) == doctest::Approx(1).epsilon(0.01));
  CHECK(schedule.rate(2, 1'000'000'000) == 0);
  CHECK_THROWS_WITH_AS(InverseSigmoidDecay{.s = 0}.rate(1, 1), "InverseSigmoidDecay: s is 0, expected more than 0",
                       std::invalid_argument);
}

TEST_CASE("cosine decay passes the middle half way and stays at the minimum") {
  const CosineDecay schedule{.steps = 100, .minimum = 0.1};
  CHECK(schedule.rate(1.1, 0) == doctest::Approx(1.1));
  CHECK(schedule.rate(1.1, 50) == doctest::Approx(0.6));
  CHECK(schedule.rate(1.1, 25) == doctest::Approx(0.1 + 0.5 * (1 + std::sqrt(0.5))));
  CHECK(schedule.rate(1.1, 100) == doctest::Approx(0.1));
  CHECK(schedule.rate(1.1, 1000) == doctest::Approx(0.1));
}

TEST_CASE("warm-up rises in equal steps to the base, then the other schedule starts") {
  const WarmUp schedule{4, StepDecay{.every = 1, .factor = 0.5}};
  const std::vector<double> expected{0.25, 0.5, 0.75, 1, 1, 0.5, 0.25};
  for (std::size_t k = 0; k < expected.size(); ++k)
    CHECK(schedule.rate(1, std::int64_t(k)) == doctest::Approx(expected[k]));
  CHECK(WarmUp{4}.rate(3, 100) == 3);
  CHECK(WarmUp{}.rate(3, 0) == 3);
  CHECK(WarmUp<CosineDecay>{.steps = 2, .then = {.steps = 10}}.rate(3, 12) == doctest::Approx(0));
}

TEST_CASE("schedules without a count are errors") {
  CHECK_THROWS_AS(StepDecay{.every = 0}.rate(1, 1), std::invalid_argument);
  CHECK_THROWS_WITH_AS(CosineDecay{.steps = 0}.rate(1, 1), "CosineDecay: steps is 0, expected at least 1",
                       std::invalid_argument);
  CHECK_THROWS_AS((LinearDecay{.steps = 0}.rate(1, 1)), std::invalid_argument);
  CHECK_THROWS_AS((ExponentialDecay{.every = -1}.rate(1, 1)), std::invalid_argument);
}

namespace {
std::vector<double> rates(ReduceOnPlateau plateau, const std::vector<double>& metrics) {
  std::vector<double> rates;
  double rate = 1;
  for (const double metric : metrics) rates.push_back(rate = plateau.update(metric, rate));
  return rates;
}
}  // namespace

// Patience 2 in both; the figures were worked out by hand from the two sources.
TEST_CASE("Keras's rule acts at the patience-th bad epoch, PyTorch's one later") {
  const std::vector<double> flat(8, 0.5);
  CHECK(rates({.rule = PlateauRule::keras, .factor = 0.5, .patience = 2}, flat) ==
        std::vector<double>{1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125});
  CHECK(rates({.rule = PlateauRule::pytorch, .factor = 0.5, .patience = 2}, flat) ==
        std::vector<double>{1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25});
}

TEST_CASE("an improvement starts the count anew") {
  const std::vector<double> metrics{5, 5, 4, 4, 4, 4};
  CHECK(rates({.rule = PlateauRule::keras, .factor = 0.5, .patience = 2}, metrics) ==
        std::vector<double>{1, 1, 1, 1, 0.5, 0.5});
  CHECK(rates({.rule = PlateauRule::pytorch, .factor = 0.5, .patience = 2}, metrics) ==
        std::vector<double>{1, 1, 1, 1, 1, 0.5});
}

TEST_CASE("Keras's threshold is absolute, PyTorch's relative unless told otherwise") {
  // 100 -> 99.9 is better by 0.1 absolute and by 0.001 relative.
  const std::vector<double> metrics{100, 99.9};
  CHECK(rates({.rule = PlateauRule::keras, .patience = 1, .threshold = 0.05}, metrics)[1] == 1);
  CHECK(rates({.rule = PlateauRule::keras, .patience = 1, .threshold = 0.2}, metrics)[1] == 0.1);
  CHECK(rates({.rule = PlateauRule::pytorch, .patience = 0, .threshold = 0.0005}, metrics)[1] == 1);
  CHECK(rates({.rule = PlateauRule::pytorch, .patience = 0, .threshold = 0.05}, metrics)[1] == 0.1);
  CHECK(rates({.rule = PlateauRule::pytorch, .patience = 0, .threshold = 0.05, .absolute_threshold = true},
              metrics)[1] == 1);
}

TEST_CASE("in a cooldown no bad epoch counts; its last epoch counts with Keras only") {
  const std::vector<double> flat(9, 0.5);
  // Keras: bad 1, 2 -> reduce; cooldown 2 -> 1 (skip), 1 -> 0 (counts 1), 2 -> reduce.
  CHECK(rates({.rule = PlateauRule::keras, .factor = 0.5, .patience = 2, .cooldown = 2}, flat) ==
        std::vector<double>{1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125});
  // PyTorch: bad 1, 2, 3 -> reduce; cooldown 2 -> 1, 1 -> 0 (both forgotten), bad 1, 2, 3 -> reduce.
  CHECK(rates({.rule = PlateauRule::pytorch, .factor = 0.5, .patience = 2, .cooldown = 2}, flat) ==
        std::vector<double>{1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25});
}

TEST_CASE("the rate does not fall below the minimum, and PyTorch makes no tiny changes") {
  const std::vector<double> flat(5, 0.5);
  CHECK(rates({.rule = PlateauRule::keras, .factor = 0.5, .patience = 1, .minimum_rate = 0.3}, flat) ==
        std::vector<double>{1, 0.5, 0.3, 0.3, 0.3});
  CHECK(rates({.rule = PlateauRule::pytorch, .factor = 0.5, .patience = 0, .smallest_change = 0.3}, flat) ==
        std::vector<double>{1, 0.5, 0.5, 0.5, 0.5});
}

TEST_CASE("a metric may be maximized") {
  for (const auto rule : {PlateauRule::keras, PlateauRule::pytorch}) {
    const int patience = rule == PlateauRule::keras ? 1 : 0;
    CHECK(rates({.rule = rule, .factor = 0.5, .patience = patience, .goal = Goal::maximize}, {-0.5, 0.6, 0.7, 0.7}) ==
          std::vector<double>{1, 1, 1, 0.5});
  }
}

TEST_CASE("a copy of a plateau goes on where the original stood") {
  for (const auto rule : {PlateauRule::keras, PlateauRule::pytorch}) {
    ReduceOnPlateau plateau{.rule = rule, .factor = 0.5, .patience = 2, .cooldown = 1};
    double rate = 1;
    for (int k = 0; k < 20; ++k) {
      ReduceOnPlateau restored{.rule = rule, .factor = 0.5, .patience = 2, .cooldown = 1};
      restored.best = plateau.best;
      restored.bad_epochs = plateau.bad_epochs;
      restored.cooldown_left = plateau.cooldown_left;
      const double metric = std::cos(double(k * k)), copied = restored.update(metric, rate);
      rate = plateau.update(metric, rate);
      CHECK(copied == rate);
    }
  }
}
