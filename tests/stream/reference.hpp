// Streams, computed the slow way in double: the equations over single numbers, products by the book.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <unroll/core/random.hpp>
#include <unroll/kernel/step_arguments.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/stream.hpp>

inline std::vector<float> random_values(unroll::Index n, std::uint64_t seed, double scale = 1) {
  unroll::Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values) v = static_cast<float>(rng.uniform(-scale, scale));
  return values;
}

/// Weights of a cell, all of its parts present.
template <class E> struct CellValues {
  unroll::Index D, H;
  std::vector<float> W, U, b, b_h, unit;
  std::array<std::vector<float>, E::S> initial;

  CellValues(unroll::Index inputs, unroll::Index units, std::uint64_t seed)
      : D(inputs),
        H(units),
        W(random_values(E::GX * H * D, seed, 1 / std::sqrt(double(D)))),
        U(random_values(E::GU * H * H, seed + 1, 1 / std::sqrt(double(H)))),
        b(random_values(E::GX * H, seed + 2, 0.3)),
        b_h(random_values(E::GU * H, seed + 3, 0.3)),
        unit(random_values(E::P * H, seed + 4, 0.3)) {
    for (auto& start : initial) start = random_values(H, seed += 5, 0.5);
  }
  auto data() const {
    unroll::stream::RecurrentData<float, E::S> result{W, U, b, b_h, unit};
    for (std::size_t s = 0; s < std::size_t(E::S); ++s) result.initial[s] = initial[s];
    return result;
  }
};

/// h of every step, (H, T). E is the cell in double.
template <class E, class Values> std::vector<double> reference(const Values& w, const std::vector<float>& x) {
  using V = unroll::Value<double>;
  using unroll::Index;
  const auto at = [](const auto& values, Index k) { return double(values[static_cast<std::size_t>(k)]); };
  std::array<std::vector<double>, E::S> state;
  for (std::size_t s = 0; s < std::size_t(E::S); ++s) state[s].assign(w.initial[s].begin(), w.initial[s].end());
  std::vector<double> outputs;
  for (Index t = 0; t < Index(x.size()) / w.D; ++t) {
    auto after = state;
    for (Index k = 0; k < w.H; ++k) {
      std::array<V, E::P> p;
      std::array<V, E::GX> a;
      std::array<V, E::GU> u;
      std::array<V, E::S> prev, next;
      std::array<V, E::C> cache;
      for (int i = 0; i < E::P; ++i) p[std::size_t(i)] = V(at(w.unit, i * w.H + k));
      for (int g = 0; g < E::GX; ++g) {
        double sum = at(w.b, g * w.H + k);
        for (Index d = 0; d < w.D; ++d) sum += at(w.W, d * E::GX * w.H + g * w.H + k) * at(x, t * w.D + d);
        a[std::size_t(g)] = V(sum);
      }
      for (int g = 0; g < E::GU; ++g) {
        double sum = at(w.b_h, g * w.H + k);
        for (Index j = 0; j < w.H; ++j) sum += at(w.U, j * E::GU * w.H + g * w.H + k) * at(state[0], j);
        u[std::size_t(g)] = V(sum);
      }
      for (std::size_t s = 0; s < std::size_t(E::S); ++s) prev[s] = V(at(state[s], k));
      unroll::detail::call_forward<E, V>(p, a, u, prev, next, cache);
      for (std::size_t s = 0; s < std::size_t(E::S); ++s) after[s][std::size_t(k)] = next[s][0];
    }
    state = after;
    outputs.insert(outputs.end(), state[0].begin(), state[0].end());
  }
  return outputs;
}

template <class A, class B> double largest_difference(const A& a, const B& b) {
  double worst = a.size() == b.size() ? 0 : 1e30;
  for (std::size_t k = 0; k < std::min(a.size(), b.size()); ++k)
    worst = std::max(worst, std::isfinite(double(a[k]) - double(b[k])) ? std::abs(double(a[k]) - double(b[k])) : 1e30);
  return worst;
}
