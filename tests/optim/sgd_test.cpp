#include <unroll/optim/sgd.hpp>

#include "reference.hpp"

using namespace unroll;
using State = std::array<double, 4>;

TEST_CASE("a step of gradient descent is rate times gradient") {
  auto model = small_model<float>();
  model.bias << 1, 2, 3, 4;
  auto gradient = small_gradient<float>(0.3);
  gradient.bias << 1, -2, 0, 8;
  Optimizer{model, Sgd{.rate = 0.5}}.step(model, gradient);
  CHECK(model.bias(0) == 0.5f);
  CHECK(model.bias(1) == 3);
  CHECK(model.bias(2) == 3);
  CHECK(model.bias(3) == 0);
  check_float(Sgd{.rate = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.1});
}

TEST_CASE("weight decay joins the gradient, or shrinks the weights before the update") {
  check_against(Sgd{.rate = 0.1, .weight_decay = 0.3},
                [](double w, double g, int, double rate, State&) { return w - rate * (g + 0.3 * w); });
  check_against(Sgd{.rate = 0.1, .weight_decay = 0.3, .decoupled = true},
                [](double w, double g, int, double rate, State&) {
                  w -= rate * 0.3 * w;
                  return w - rate * g;
                });
}

TEST_CASE("momentum is PyTorch's") {
  for (const double dampening : {0.0, 0.4})
    for (const bool nesterov : {false, true}) {
      if (nesterov && dampening > 0) continue;
      const Sgd rule{.rate = 0.1, .momentum = 0.9, .nesterov = nesterov, .dampening = dampening, .weight_decay = 0.2};
      const auto formula = [&](double w, double g, int t, double rate, State& s) {
        g += 0.2 * w;
        s[0] = t == 1 ? g : 0.9 * s[0] + (1 - dampening) * g;
        return w - rate * (nesterov ? g + 0.9 * s[0] : s[0]);
      };
      check_against(rule, formula);
      check_against(rule, formula, /*changing_rate=*/true);
    }
}

TEST_CASE("momentum is Keras's where told: the buffer carries the rate") {
  for (const bool nesterov : {false, true}) {
    auto rule = Sgd::keras(0.1);
    rule.momentum = 0.9;
    rule.nesterov = nesterov;
    rule.weight_decay = 0.2;
    check_against(
        rule,
        [&](double w, double g, int, double rate, State& s) {
          w -= w * 0.2 * rate;
          s[0] = s[0] * 0.9 - g * rate;
          return nesterov ? w + s[0] * 0.9 - g * rate : w + s[0];
        },
        /*changing_rate=*/true);
  }
}

// Sutskever et al. 2013: v' = mu v - rate * grad(theta + mu v), theta' = theta + v'. In terms of the point that the
// gradient is taken at, phi = theta + mu v, that is the form both frameworks compute.
TEST_CASE("Nesterov momentum is the textbook's, seen from the point of the gradient") {
  const double mu = 0.8, rate = 0.1, curvature = 3;
  double theta = 1, v = 0;
  SmallModel<double> model(1, 1, 1);
  model.table.setZero();
  model.weight.setZero();
  model.bias << 1;
  Optimizer optimizer{model, Sgd{.rate = rate, .momentum = mu, .nesterov = true}};
  for (int t = 0; t < 20; ++t) {
    auto gradient = zeros_like(model);
    gradient.bias << curvature * model.bias(0);
    optimizer.step(model, gradient);
    v = mu * v - rate * curvature * (theta + mu * v);
    theta += v;
    CHECK(model.bias(0) == doctest::Approx(theta + mu * v).epsilon(1e-12));
  }
}

TEST_CASE("plain descent reads and writes the touched columns of a table alone") {
  auto model = small_model<double>();
  const auto start = model;
  auto gradient = small_gradient<double>(0.3, {2});
  gradient.table.col(0).setConstant(7);  // outside the touched columns: nobody may look
  Optimizer{model, Sgd{.rate = 0.1}}.step(model, gradient);
  CHECK(model.table.col(0) == start.table.col(0));
  CHECK(model.table.col(2) != start.table.col(2));
}

TEST_CASE("options of Sgd without meaning are errors") {
  const auto model = small_model<float>();
  CHECK_THROWS_WITH_AS((Optimizer{model, Sgd{.rate = -1}}), "Sgd: the rate is -1, expected 0 or more",
                       std::invalid_argument);
  CHECK_THROWS_AS((Optimizer{model, Sgd{.nesterov = true}}), std::invalid_argument);
  CHECK_THROWS_AS((Optimizer{model, Sgd{.weight_decay = -0.1}}), std::invalid_argument);
  CHECK_THROWS_AS((Optimizer{model, Sgd{.momentum = 0.9, .nesterov = true, .dampening = 0.1}}), std::invalid_argument);
  CHECK_THROWS_AS((Optimizer{model, Sgd{.momentum = 0.9, .dampening = 0.1, .convention = Convention::keras}}),
                  std::invalid_argument);
}
