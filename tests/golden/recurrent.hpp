// A recurrent model against a fixture of a packed ragged batch: outputs, final states and every gradient.
#pragma once

#include <unroll/layer/stack.hpp>

#include "golden.hpp"

/// Stacks, of one layer too: their paths are PyTorch's names, and their state has its rows in PyTorch's order.
template <class S> void check_stack(const Golden& golden, S layers, const unroll::Context& context = {}) {
  using namespace unroll;
  golden.load(layers);
  const auto x = golden.columns("x");
  const auto shape = golden.shape("x");
  const auto lengths = golden.integers("lengths");
  const Index B = shape[0], T = shape[1];
  const auto packed = pack(batch_first(x.data(), B, T, x.rows()), lengths);

  CacheFor<S, PackedSequence<double>> cache;
  const auto start = golden.state<typename S::State>("", "0");
  typename S::State final, d_initial;
  const auto& y = layers.forward(context, packed, cache, {&start, &final});
  check_close("y", unpack(y), golden.columns("y"));
  golden.check_state(final, "", "_n");

  const auto r = golden.columns("r.y");
  const auto dy = pack(batch_first(r.data(), B, T, r.rows()), lengths);
  const auto d_final = golden.state<typename S::State>("r.", "_n");
  check_close("loss", y.values.cwiseProduct(dy.values).sum() + dot(final, d_final), golden.number("loss"));

  S gradient = zeros_like(layers);
  const auto& dx = layers.backward(packed, dy, cache, gradient, {&d_final, &d_initial});
  check_close("grad.x", unpack(dx), golden.columns("grad.x"));
  golden.check_state(d_initial, "grad.", "0");
  golden.check_parameters(gradient, "grad.");
  golden.check_all_read();
}

/// Options of the layers of a fixture.
inline unroll::RecurrentOptions options_of(const Golden& golden) {
  return {.bias = golden.metadata("bias") == "none" ? unroll::Bias::none : unroll::Bias::dual};
}
