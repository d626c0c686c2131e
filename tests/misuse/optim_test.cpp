// Optimizers, clipping and schedules called wrongly: each says what is wrong, and nothing has moved.
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/optim/clip.hpp>
#include <unroll/optim/optimizer.hpp>
#include <unroll/optim/schedule.hpp>

#include "../support/not_finite.hpp"

namespace misuse_optim {
using namespace unroll;

struct Net {
  Table<float> table;
  Parameter<float> weight;

  explicit Net(Index width = 3) : table(width, 5), weight(4, width) {
    table.setConstant(0.5f);
    weight.setConstant(0.5f);
  }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("table", Kind::table), self.table...);
    f(at.leaf("weight", Kind::weight), self.weight...);
  }
};
bool unmoved(const Net& net) { return (net.table.array() == 0.5f).all() && (net.weight.array() == 0.5f).all(); }

const double not_a_number = not_finite::nan<double>(), infinite = not_finite::infinity<double>();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
}  // namespace misuse_optim

TEST_CASE("options of the rules that are negative, infinite or no numbers are refused by name") {
  using namespace misuse_optim;
  const Net net;
  for (const double bad : {not_a_number, infinite, -1.0}) {
    CHECK_THROWS_AS((Optimizer{net, Adam{.rate = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, Adam{.beta1 = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, Adam{.beta2 = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, Adam{.epsilon = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, AdamW{.weight_decay = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, Sgd{.rate = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, Sgd{.momentum = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, Sgd{.momentum = 0.9, .dampening = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, Sgd{.weight_decay = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, RmsProp{.rho = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, RmsProp{.epsilon = bad}}), std::invalid_argument);
    CHECK_THROWS_AS((Optimizer{net, RmsProp{.momentum = bad}}), std::invalid_argument);
    Optimizer optimizer{net, Sgd{}};
    CHECK_THROWS_AS(optimizer.set_rate(bad), std::invalid_argument);
    CHECK_THROWS_AS(optimizer.group("weight", {.rate_scale = bad}), std::invalid_argument);
    CHECK_THROWS_AS(optimizer.group("weight", {.weight_decay = bad}), std::invalid_argument);
  }
  CHECK_THROWS_WITH_AS((Optimizer{net, AdamW{.rate = not_a_number}}),
                       "AdamW: the rate is nan, expected a finite number, 0 or more", std::invalid_argument);
  Optimizer optimizer{net, Sgd{}};
  CHECK_THROWS_WITH_AS(optimizer.group("weight", {.rate_scale = -2}),
                       "Optimizer::group: rate_scale is -2, expected 0 or more", std::invalid_argument);
}

TEST_CASE("a step whose gradient, model, moments or counts do not fit moves nothing") {
  using namespace misuse_optim;
  Net net;
  Optimizer optimizer{net, Adam{}};
  CHECK_THROWS_WITH_AS(optimizer.step(net, Net(2)), "Optimizer::step: the gradient of table is 2 x 5, expected 3 x 5",
                       std::invalid_argument);
  // Of both tables and the last parameter only the last is wrong: the first must not have moved.
  Net last;
  last.weight.resize(3, 4);
  CHECK_THROWS_WITH_AS(optimizer.step(net, last), "Optimizer::step: the gradient of weight is 3 x 4, expected 4 x 3",
                       std::invalid_argument);
  Net other(2);
  CHECK_THROWS_WITH_AS(optimizer.step(other, other), "Optimizer::step: exp_avg of table is 3 x 5, expected 2 x 5",
                       std::invalid_argument);
  CHECK(unmoved(other));
  for (const std::int64_t bad : {std::int64_t{-1}, most}) {
    optimizer.counts()[1] = bad;
    CHECK_THROWS_AS(optimizer.step(net, net), std::invalid_argument);
  }
  optimizer.counts()[1] = 0;
  CHECK(unmoved(net));
  CHECK(optimizer.counts()[0] == 0);
  CHECK_NOTHROW(optimizer.step(net, net));
  CHECK_FALSE(unmoved(net));
}

TEST_CASE("touched columns that a table does not have are refused by whoever reads them") {
  using namespace misuse_optim;
  for (const Index column : {Index(5), Index(-1), std::numeric_limits<Index>::max()}) {
    Net net, gradient;
    gradient.table.touched = {0, column};
    gradient.table.marked.assign(5, 0);
    Optimizer optimizer{net, Sgd{}};
    CHECK_THROWS_AS(optimizer.step(net, gradient), std::invalid_argument);
    CHECK_THROWS_AS(global_norm(gradient), std::invalid_argument);
    CHECK_THROWS_AS(clip_by_global_norm(gradient, 1), std::invalid_argument);
    CHECK_THROWS_AS(clip_each_by_norm(gradient, 1), std::invalid_argument);
    CHECK_THROWS_AS(clip_by_value(gradient, 1), std::invalid_argument);
    CHECK(unmoved(net));
  }
  Net net, gradient;
  gradient.table.touched = {7};
  Optimizer optimizer{net, Adam{.lazy_tables = true}};
  CHECK_THROWS_WITH_AS(optimizer.step(net, gradient),
                       "Optimizer::step: the gradient of table names column 7 as touched, it has 5",
                       std::invalid_argument);
}

TEST_CASE("limits to clip at are numbers above 0") {
  using namespace misuse_optim;
  Net gradient;
  for (const double bad : {not_a_number, infinite, 0.0, -1.0}) {
    CHECK_THROWS_AS(clip_by_global_norm(gradient, bad), std::invalid_argument);
    CHECK_THROWS_AS(clip_each_by_norm(gradient, bad), std::invalid_argument);
    CHECK_THROWS_AS(clip_by_value(gradient, bad), std::invalid_argument);
  }
  for (const double bad : {not_a_number, infinite, -1.0})
    CHECK_THROWS_AS(clip_by_global_norm(gradient, 1, {.epsilon = bad}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(clip_by_value(gradient, infinite),
                       "clip_by_value: the limit is inf, expected a finite number, more than 0", std::invalid_argument);
  CHECK(unmoved(gradient));
}

TEST_CASE("schedules refuse options, bases and counts outside of their range") {
  using namespace misuse_optim;
  for (const double bad : {not_a_number, infinite, -1.0}) {
    CHECK_THROWS_AS(ConstantRate{}.rate(bad, 0), std::invalid_argument);
    CHECK_THROWS_AS(StepDecay{.factor = bad}.rate(1, 0), std::invalid_argument);
    CHECK_THROWS_AS(ExponentialDecay{.factor = bad}.rate(1, 0), std::invalid_argument);
    CHECK_THROWS_AS((CosineDecay{.steps = 3, .minimum = bad}.rate(1, 0)), std::invalid_argument);
    CHECK_THROWS_AS(WarmUp{3}.rate(bad, 0), std::invalid_argument);
    CHECK_THROWS_AS(ReduceOnPlateau{.factor = bad}.update(1, 1), std::invalid_argument);
    CHECK_THROWS_AS(ReduceOnPlateau{.threshold = bad}.update(1, 1), std::invalid_argument);
    CHECK_THROWS_AS(ReduceOnPlateau{.minimum_rate = bad}.update(1, 1), std::invalid_argument);
    CHECK_THROWS_AS(ReduceOnPlateau{.smallest_change = bad}.update(1, 1), std::invalid_argument);
    CHECK_THROWS_AS(ReduceOnPlateau{}.update(1, bad), std::invalid_argument);
  }
  CHECK_THROWS_WITH_AS(StepDecay{.every = 0}.rate(1, 0), "StepDecay: every is 0, expected at least 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(WarmUp{-3}.rate(1, 0), "WarmUp: steps is -3, expected 0 or more", std::invalid_argument);
  CHECK_THROWS_WITH_AS(WarmUp{3}.rate(1, -1), "WarmUp: the count is -1, expected 0 or more", std::invalid_argument);
  CHECK_THROWS_WITH_AS(ReduceOnPlateau{.factor = 1}.update(1, 1),
                       "ReduceOnPlateau: factor is 1, expected 0 or more and less than 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(ReduceOnPlateau{.patience = -1}.update(1, 1),
                       "ReduceOnPlateau: patience is -1, expected 0 or more", std::invalid_argument);
  CHECK_THROWS_AS(ReduceOnPlateau{.cooldown = -1}.update(1, 1), std::invalid_argument);
  CHECK(StepDecay{}.rate(1, most) == 0);
  CHECK(CosineDecay{.steps = most}.rate(1, 0) == 1);
  CHECK(WarmUp{most}.rate(1, most) == 1);
}
