// One scalar under an optimizer and under a formula written down naively in double, side by side.
#pragma once

#include <doctest/doctest.h>

#include <unroll/optim/optimizer.hpp>

#include "model.hpp"

/// Ten steps of `rule` on a model and of formula(w, g, t, s), s being four numbers that start at 0, on each of its
/// scalars. Gradients change from step to step and so does the rate if asked; rows of the table rest at times.
template <class R, class Formula> void check_against(const R& rule, Formula formula, bool changing_rate = false) {
  using namespace unroll;
  auto model = small_model<double>(), expected = model;
  Optimizer optimizer{model, rule};
  std::array<SmallModel<double>, 4> s;
  for (auto& moment : s) moment = zeros_like(model);
  for (int t = 1; t <= 10; ++t) {
    const double rate = rule.rate * (changing_rate ? 1.0 / t : 1.0);
    optimizer.set_rate(rate);
    const auto gradient = t % 3 == 1 ? small_gradient<double>(0.37 * t, {1, 3}) : small_gradient<double>(0.37 * t, {0});
    optimizer.step(model, gradient);
    visit(
        [&](const Path&, auto& w, const auto& g, auto& a, auto& b, auto& c, auto& d) {
          for (Index k = 0; k < w.size(); ++k) {
            std::array<double, 4> own{a.data()[k], b.data()[k], c.data()[k], d.data()[k]};
            w.data()[k] = formula(w.data()[k], g.data()[k], t, rate, own);
            a.data()[k] = own[0], b.data()[k] = own[1], c.data()[k] = own[2], d.data()[k] = own[3];
          }
        },
        expected, gradient, s[0], s[1], s[2], s[3]);
    CAPTURE(t);
    CHECK(distance(model, expected) < 1e-13);
  }
}

/// The same steps in float stay close to those in double.
template <class R> void check_float(const R& rule, double tolerance = 1e-5) {
  using namespace unroll;
  auto model = small_model<double>();
  auto narrow = small_model<float>();
  Optimizer a{model, rule};
  Optimizer b{narrow, rule};
  for (int t = 1; t <= 10; ++t) {
    a.step(model, small_gradient<double>(0.37 * t));
    b.step(narrow, small_gradient<float>(0.37 * t));
  }
  SmallModel<double> widened(3, 5, 4);
  copy_parameters(narrow, widened);
  CHECK(distance(model, widened) < tolerance);
}
