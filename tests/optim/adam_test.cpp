#include <unroll/optim/adam.hpp>

#include "reference.hpp"

using namespace unroll;
using State = std::array<double, 4>;

TEST_CASE("the first step of Adam is the rate against the sign, whatever the size of the gradient") {
  auto model = small_model<double>();
  model.bias << 1, 2, 3, 4;
  auto gradient = small_gradient<double>(0.3);
  gradient.bias << 1e-3, -1e3, 0, 2;
  Optimizer{model, Adam{.rate = 0.5}}.step(model, gradient);
  CHECK(model.bias(0) == doctest::Approx(0.5).epsilon(1e-4));
  CHECK(model.bias(1) == doctest::Approx(2.5));
  CHECK(model.bias(2) == 3);
  CHECK(model.bias(3) == doctest::Approx(3.5));
  check_float(Adam{.rate = 0.01, .weight_decay = 0.1});
}

TEST_CASE("Adam follows PyTorch's formula, with L2 and with decoupled decay") {
  for (const bool decoupled : {false, true})
    for (const double decay : {0.0, 0.1}) {
      const Adam rule{
          .rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = decay, .decoupled = decoupled};
      check_against(
          rule,
          [&](double w, double g, int t, double rate, State& s) {
            if (decoupled)
              w *= 1 - rate * decay;
            else
              g += decay * w;
            s[0] = 0.8 * s[0] + 0.2 * g;
            s[1] = 0.95 * s[1] + 0.05 * g * g;
            const double m_hat = s[0] / (1 - std::pow(0.8, t)), v_hat = s[1] / (1 - std::pow(0.95, t));
            return w - rate * m_hat / (std::sqrt(v_hat) + 1e-3);
          },
          /*changing_rate=*/true);
    }
}

TEST_CASE("Adam follows Keras's formula: epsilon beside the root that is not corrected, decay before the update") {
  auto rule = Adam::keras(0.01);
  CHECK(rule.epsilon == 1e-7);
  rule.epsilon = 1e-3;
  rule.weight_decay = 0.1;
  check_against(
      rule,
      [&](double w, double g, int t, double rate, State& s) {
        w -= w * 0.1 * rate;
        s[0] += (g - s[0]) * (1 - 0.9);
        s[1] += (g * g - s[1]) * (1 - 0.999);
        const double alpha = rate * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t));
        return w - s[0] * alpha / (std::sqrt(s[1]) + 1e-3);
      },
      /*changing_rate=*/true);
}

TEST_CASE("the two placements of epsilon differ, and agree without epsilon") {
  const auto after = [](Adam rule) {
    auto model = small_model<double>();
    Optimizer optimizer{model, rule};
    for (int k = 0; k < 3; ++k) optimizer.step(model, small_gradient<double>(0.2 * k, {0, 1, 2, 3, 4}));
    return model;
  };
  for (const double epsilon : {0.0, 1e-2}) {
    const double difference =
        distance(after({.epsilon = epsilon}), after({.epsilon = epsilon, .convention = Convention::keras}));
    CHECK((difference < 1e-15) == (epsilon == 0));
  }
}

TEST_CASE("AdamW is Adam with decoupled decay and PyTorch's default of it") {
  auto model = small_model<float>(), other = model;
  Optimizer a{model, AdamW{.rate = 0.02f}};
  Optimizer b{other, Adam{.rate = 0.02f, .weight_decay = 0.01, .decoupled = true}};
  for (int k = 0; k < 3; ++k) {
    a.step(model, small_gradient<float>(0.2 * k));
    b.step(other, small_gradient<float>(0.2 * k));
  }
  CHECK(same_bits(model, other));
  CHECK(AdamW::keras().weight_decay == 0.004);
  CHECK(AdamW::keras().adam().convention == Convention::keras);
}

TEST_CASE("options of Adam without meaning are errors") {
  const auto model = small_model<float>();
  CHECK_THROWS_WITH_AS((Optimizer{model, Adam{.beta2 = 1}}), "Adam: beta2 is 1, expected 0 or more and less than 1",
                       std::invalid_argument);
  CHECK_THROWS_AS((Optimizer{model, Adam{.beta1 = -0.1}}), std::invalid_argument);
  CHECK_THROWS_AS((Optimizer{model, AdamW{.rate = -1}}), std::invalid_argument);
}
