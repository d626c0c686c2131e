#include <doctest/doctest.h>

#include <unroll/optim/optimizer.hpp>

#include "model.hpp"

using namespace unroll;

static_assert(Rule<Sgd> && Rule<RmsProp> && Rule<Adam> && Rule<AdamW>);
static_assert(!Rule<int> && !Rule<GroupOptions>);

TEST_CASE("a parameter that is not trainable is left alone, and thawed counts its own updates") {
  auto model = small_model<double>();
  freeze(model, "embedding.*");
  const auto start = model;
  Optimizer optimizer{model, Adam{.rate = 0.1, .weight_decay = 0.01}};
  for (int k = 0; k < 3; ++k) {
    auto gradient = zeros_like(model);
    CHECK(gradient.table.size() == 0);
    gradient.weight.setConstant(0.5);
    gradient.bias.setConstant(-2);
    optimizer.step(model, gradient);
  }
  CHECK(model.table == start.table);
  CHECK(model.weight != start.weight);
  const auto counts = [&] { return std::vector<std::int64_t>(optimizer.counts().begin(), optimizer.counts().end()); };
  CHECK(counts() == std::vector<std::int64_t>{0, 3, 3});

  thaw(model);
  optimizer.step(model, small_gradient<double>(0.4, {0, 1, 2, 3, 4}));
  CHECK(counts() == std::vector<std::int64_t>{1, 4, 4});
  // Its first update: g / |g| times the rate, but for epsilon.
  const auto fresh = small_gradient<double>(0.4, {0, 1, 2, 3, 4});
  for (Index k = 0; k < fresh.table.size(); ++k) {
    const double g = fresh.table.data()[k] + 0.01 * start.table.data()[k];
    CHECK(model.table.data()[k] == doctest::Approx(start.table.data()[k] - 0.1 * (g > 0 ? 1 : -1)).epsilon(1e-5));
  }
}

TEST_CASE("frozen while it has a gradient and moments, a parameter rests, decay included") {
  auto model = small_model<float>();
  Optimizer optimizer{model, AdamW{.rate = 0.1f}};
  optimizer.step(model, small_gradient<float>(0.4));
  freeze(model, "dense.weight");
  const auto before = model;
  optimizer.step(model, small_gradient<float>(0.9));
  CHECK(model.weight == before.weight);
  CHECK(model.bias != before.bias);
  CHECK(optimizer.counts()[1] == 1);
  thaw(model);
  optimizer.step(model, small_gradient<float>(0.9));
  CHECK(model.weight != before.weight);
  CHECK(optimizer.counts()[1] == 2);
}

TEST_CASE("groups have a rate and a decay of their own; the first pattern named wins") {
  auto model = small_model<double>();
  const auto start = model;
  Optimizer optimizer{model, Sgd{.rate = 0.1, .weight_decay = 0.5}};
  optimizer.group("*bias*", {.weight_decay = 0}).group("dense.*", {.rate_scale = 0.01}).group("*", {});
  const auto gradient = small_gradient<double>(0.4);
  optimizer.step(model, gradient);
  const auto near = [](const auto& a, const auto& b) { return (a - b).cwiseAbs().maxCoeff() < 1e-15; };
  CHECK(near(model.bias, start.bias - 0.1 * gradient.bias));
  CHECK(near(model.weight, start.weight - 0.001 * (gradient.weight + 0.5 * start.weight)));
  CHECK(near(model.table, start.table - 0.1 * (gradient.table + 0.5 * start.table)));
  CHECK_THROWS_WITH_AS(optimizer.group("decoder.*", {}), "Optimizer::group: no parameter matches 'decoder.*'",
                       std::invalid_argument);
  CHECK_THROWS_AS(optimizer.group("*", {.rate_scale = -1}), std::invalid_argument);
}

TEST_CASE("the rate may change between steps, for every group") {
  auto model = small_model<double>();
  Optimizer optimizer{model, Sgd{.rate = 0.1}};
  optimizer.group("dense.bias", {.rate_scale = 2});
  CHECK(optimizer.rate() == 0.1);
  optimizer.set_rate(0.01);
  CHECK(optimizer.rate() == 0.01);
  const auto start = model;
  const auto gradient = small_gradient<double>(0.4);
  optimizer.step(model, gradient);
  CHECK((model.bias - (start.bias - 0.02 * gradient.bias)).cwiseAbs().maxCoeff() < 1e-16);
  CHECK((model.weight - (start.weight - 0.01 * gradient.weight)).cwiseAbs().maxCoeff() < 1e-16);
  CHECK_THROWS_AS(optimizer.set_rate(-1), std::invalid_argument);
}

TEST_CASE("rows of a table that were touched once and never again go on moving by their moments, unless lazy") {
  for (const bool lazy : {false, true}) {
    auto model = small_model<double>();
    Optimizer optimizer{model, Adam{.rate = 0.1, .lazy_tables = lazy}};
    optimizer.step(model, small_gradient<double>(0.4, {2}));
    const auto once = model;
    optimizer.step(model, small_gradient<double>(0.9, {1}));
    CHECK((model.table.col(2) != once.table.col(2)) == !lazy);
    CHECK(model.table.col(1) != once.table.col(1));
    CHECK(model.table.col(4) == once.table.col(4));
  }
}

TEST_CASE("lazy tables and dense ones agree where every row is touched") {
  auto model = small_model<float>(), lazy = model;
  Optimizer a{model, Adam{.weight_decay = 0.1}}, b{lazy, Adam{.weight_decay = 0.1, .lazy_tables = true}};
  for (int k = 0; k < 4; ++k) {
    const auto gradient = small_gradient<float>(0.3 * k, {4, 2, 0, 1, 3});
    a.step(model, gradient);
    b.step(lazy, gradient);
  }
  CHECK(same_bits(model, lazy));
}

namespace {
/// Saves all state as a checkpoint would, makes a new optimizer, restores, and goes on beside the first.
template <class R> void check_restored(R rule) {
  auto model = small_model<float>();
  freeze(model, "dense.bias");
  Optimizer optimizer{model, rule};
  for (int k = 0; k < 3; ++k) optimizer.step(model, small_gradient<float>(0.3 * k, {Index(k)}));
  optimizer.set_rate(optimizer.rate() / 3);

  std::vector<std::pair<std::string, Matrix<float>>> saved;
  std::as_const(optimizer).visit_state(model, [&](const Path& path, std::string_view name, const auto& moment) {
    if (moment.size() > 0) saved.emplace_back(concat_text(name, ".", path.str()), moment);
  });
  const std::vector<std::int64_t> counts(optimizer.counts().begin(), optimizer.counts().end());

  auto other = model;
  thaw(other);
  Optimizer restored{other, rule};
  freeze(other, "dense.bias");
  std::size_t found = 0;
  restored.visit_state(other, [&](const Path& path, std::string_view name, auto& moment) {
    for (const auto& [key, value] : saved)
      if (key == concat_text(name, ".", path.str())) {
        moment = value;
        ++found;
      }
  });
  CHECK(found == saved.size());
  std::copy(counts.begin(), counts.end(), restored.counts().begin());
  restored.set_rate(optimizer.rate());
  thaw(model);
  thaw(other);
  for (int k = 0; k < 3; ++k) {
    optimizer.step(model, small_gradient<float>(0.5 * k));
    restored.step(other, small_gradient<float>(0.5 * k));
    CHECK(same_bits(model, other));
  }
}
}  // namespace

TEST_CASE("an optimizer restored from its state goes on with the same bits") {
  check_restored(Adam{.weight_decay = 0.01});
  check_restored(Sgd{.momentum = 0.9, .dampening = 0.1});
  check_restored(Sgd{});
  check_restored(RmsProp{.momentum = 0.5, .centered = true});
}

TEST_CASE("a copy of an optimizer goes on by itself") {
  auto model = small_model<double>();
  Optimizer optimizer{model, Adam{}};
  optimizer.step(model, small_gradient<double>(0.2));
  auto copy = optimizer;
  auto other = model;
  optimizer.step(model, small_gradient<double>(0.6));
  copy.step(other, small_gradient<double>(0.6));
  CHECK(same_bits(model, other));
  copy.step(other, small_gradient<double>(0.6));
  auto moved = std::move(optimizer);
  moved.step(model, small_gradient<double>(0.6));
  CHECK(same_bits(model, other));
}

TEST_CASE("updates have the same bits for any number of threads") {
  const int before = threads();
  SmallModel<float> start(3, 2, 30000);
  fill(start, 0.2);
  auto gradient = start;
  fill(gradient, 0.5);
  SmallModel<float> one;
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    auto model = start;
    Optimizer optimizer{model, Adam{}};
    for (int k = 0; k < 3; ++k) optimizer.step(model, gradient);
    if (n == 1) one = model;
    CHECK(same_bits(model, one));
  }
  set_threads(before);
}

TEST_CASE("a gradient that does not fit is named, and nothing has moved") {
  auto model = small_model<float>();
  const auto start = model;
  Optimizer optimizer{model, Sgd{}};
  auto gradient = small_gradient<float>(0.2);
  gradient.bias.resize(2, 1);
  CHECK_THROWS_WITH_AS(optimizer.step(model, gradient),
                       "Optimizer::step: the gradient of dense.bias is 2 x 1, expected 4 x 1", std::invalid_argument);
  freeze(model, "dense.weight");
  gradient = zeros_like(model);
  thaw(model);
  CHECK_THROWS_WITH_AS(optimizer.step(model, gradient),
                       "Optimizer::step: dense.weight is trainable but has no gradient; if it was thawed since, make "
                       "the gradient anew by zeros_like",
                       std::invalid_argument);
  CHECK(same_bits(model, start));
  auto smaller = model;
  smaller.bias = Parameter<float>();
  CHECK_THROWS_WITH_AS(optimizer.step(smaller, zeros_like(smaller)),
                       "Optimizer::step: the model has 2 parameters, the optimizer was made for 3",
                       std::invalid_argument);
}
