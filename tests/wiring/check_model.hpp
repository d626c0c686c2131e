// The gradient check of a wiring: random parameters, dropout on, states in and out.
#pragma once

#include <doctest/doctest.h>

#include <unroll/testing/check_gradient.hpp>

template <class M, class In> void check(M model, const In& x, bool initial_state = true) {
  randomize(model, unroll::Rng(3));
  const auto report =
      unroll::check_gradient(model, x, {.context = {.training = true, .seed = 9}, .initial_state = initial_state});
  INFO(model.describe() << ": " << report.str());
  CHECK(report.passed());
}
