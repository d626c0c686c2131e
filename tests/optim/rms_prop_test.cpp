#include <unroll/optim/rms_prop.hpp>

#include "reference.hpp"

using namespace unroll;
using State = std::array<double, 4>;

TEST_CASE("RMSprop follows PyTorch's formula under every option") {
  for (const bool centered : {false, true})
    for (const double momentum : {0.0, 0.7})
      for (const bool decoupled : {false, true}) {
        const RmsProp rule{.rate = 0.01,
                           .rho = 0.95,
                           .epsilon = 1e-3,
                           .momentum = momentum,
                           .centered = centered,
                           .weight_decay = 0.1,
                           .decoupled = decoupled};
        check_against(
            rule,
            [&](double w, double g, int, double rate, State& s) {
              if (decoupled)
                w *= 1 - rate * 0.1;
              else
                g += 0.1 * w;
              s[0] = 0.95 * s[0] + 0.05 * g * g;
              s[1] = 0.95 * s[1] + 0.05 * g;
              const double average = std::sqrt(centered ? s[0] - s[1] * s[1] : s[0]) + 1e-3;
              s[2] = momentum * s[2] + g / average;
              return w - rate * s[2];
            },
            /*changing_rate=*/true);
      }
  check_float(RmsProp{.rate = 0.01, .momentum = 0.7, .weight_decay = 0.1});
}

TEST_CASE("RMSprop follows Keras's formula: epsilon under the root, the rate in the momentum") {
  for (const bool centered : {false, true})
    for (const double momentum : {0.0, 0.7}) {
      auto rule = RmsProp::keras(0.01);
      CHECK(rule.rho == 0.9);
      CHECK(rule.epsilon == 1e-7);
      rule.epsilon = 1e-3;
      rule.momentum = momentum;
      rule.centered = centered;
      rule.weight_decay = 0.1;
      check_against(
          rule,
          [&](double w, double g, int, double rate, State& s) {
            w -= w * 0.1 * rate;
            s[0] = 0.9 * s[0] + 0.1 * g * g;
            s[1] = 0.9 * s[1] + 0.1 * g;
            const double denominator = (centered ? s[0] - s[1] * s[1] : s[0]) + 1e-3;
            s[2] = momentum * s[2] + rate * g / std::sqrt(denominator);
            return w - s[2];
          },
          /*changing_rate=*/true);
    }
}

TEST_CASE("moments that the options do not need take no memory") {
  const auto model = small_model<float>();
  const auto sizes_with = [&](const RmsProp& rule) {
    std::vector<Index> sizes;
    Optimizer{model, rule}.visit_state(model, [&](const Path& path, std::string_view, const auto& moment) {
      if (path.str() == "dense.weight") sizes.push_back(moment.size());
    });
    return sizes;
  };
  CHECK(sizes_with({}) == std::vector<Index>{12, 0, 0});
  CHECK(sizes_with({.centered = true}) == std::vector<Index>{12, 12, 0});
  CHECK(sizes_with({.momentum = 0.5}) == std::vector<Index>{12, 0, 12});
}

TEST_CASE("options of RMSprop without meaning are errors") {
  const auto model = small_model<float>();
  CHECK_THROWS_WITH_AS((Optimizer{model, RmsProp{.rho = 1}}), "RmsProp: rho is 1, expected 0 or more and less than 1",
                       std::invalid_argument);
  CHECK_THROWS_AS((Optimizer{model, RmsProp{.epsilon = -1}}), std::invalid_argument);
}
