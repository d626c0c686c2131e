// One time step of a pointwise cell, the reference: one unit of one column at a time, any compiler.
#pragma once

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/step_arguments.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class E, class O> void plain_step(const StepForward<E, O>& s) {
  using T = typename E::Scalar;
  using V = Value<T>;
  constexpr Index lanes = RecurrentWeights<O>::lanes, K = kept_in_place<E>;
  const Index H = s.units;
  for (Index j = 0; j < s.columns; ++j)
    for (Index k = 0; k < H; ++k) {
      std::array<V, E::P> p;
      std::array<V, E::GX> x;
      std::array<V, E::GU> u;
      std::array<V, E::S> prev, next;
      std::array<V, E::C> cache;
      for (int f = 0; f < E::P; ++f) p[std::size_t(f)] = V(s.parameters[f * H + k]);
      for (int g = 0; g < E::GX; ++g) x[std::size_t(g)] = V(s.x[(j * E::GX + g) * H + k]);
      for (int g = 0; g < E::GU; ++g) {
        const O* U = s.weights->forward_block(k / lanes) + g * lanes + k % lanes;
        const O* h = s.h[std::size_t(g)] + j * H;
        T sum = s.bias != nullptr ? s.bias[g * H + k] : T(0);
        for (Index i = 0; i < H; ++i) sum += as<T>(U[i * E::GU * lanes]) * as<T>(h[i]);
        u[std::size_t(g)] = V(sum);
      }
      for (int f = 0; f < E::S; ++f) prev[std::size_t(f)] = V(s.prev[std::size_t(f)][j * H + k]);
      call_forward<E, V>(p, x, u, prev, next, cache);
      for (int f = 0; f < E::S; ++f) next[std::size_t(f)].store(s.next[std::size_t(f)] + j * H + k);
      if (s.keep)
        for (int f = 0; f < E::C; ++f)
          cache[std::size_t(f)].store(f < K ? s.x + (j * E::GX + f) * H + k
                                            : s.cache + (j * (E::C - K) + f - K) * H + k);
    }
}

template <class E, class O> void plain_step_backward(const StepBackward<E, O>& s) {
  using T = typename E::Scalar;
  using V = Value<T>;
  constexpr Index lanes = RecurrentWeights<O>::lanes, K = kept_in_place<E>;
  const Index H = s.units;
  for (Index j = 0; j < s.columns; ++j)
    for (Index k = 0; k < H; ++k) {
      std::array<V, E::P> p, dp;
      std::array<V, E::GX> dx;
      std::array<V, E::GU> du;
      std::array<V, E::S> prev, next, d_next, d_prev;
      std::array<V, E::C> cache;
      for (int f = 0; f < E::P; ++f) p[std::size_t(f)] = V(s.parameters[f * H + k]);
      for (int f = 0; f < E::S; ++f) {
        prev[std::size_t(f)] = V(s.prev[std::size_t(f)][j * H + k]);
        next[std::size_t(f)] = V(s.next[std::size_t(f)][j * H + k]);
        d_next[std::size_t(f)] = V(s.d[std::size_t(f)][j * H + k]);
      }
      for (int f = 0; f < E::C; ++f)
        cache[std::size_t(f)] = V(f < K ? s.dx[(j * E::GX + f) * H + k] : s.cache[(j * (E::C - K) + f - K) * H + k]);
      call_backward<E, V>(p, dp, prev, next, cache, d_next, dx, du, d_prev);
      for (int f = 0; f < E::P; ++f) dp[std::size_t(f)].store(s.parameters_d + (j * E::P + f) * H + k);
      for (int f = 0; f < E::S; ++f) d_prev[std::size_t(f)].store(s.d[std::size_t(f)] + j * H + k);
      for (int g = 0; g < E::GX; ++g) dx[std::size_t(g)].store(s.dx + (j * E::GX + g) * H + k);
      if constexpr (!E::same_ports)
        for (int g = 0; g < E::GU; ++g) du[std::size_t(g)].store(s.du + (j * E::GU + g) * H + k);
    }
  // d_prev[0] += sum over gates of mask * (U_g^T du_g)
  for (Index j = 0; j < s.columns; ++j)
    for (Index i = 0; i < H; ++i)
      for (int g = 0; g < E::GU; ++g) {
        const O* U = s.weights->backward_panel(i / lanes) + g * H * lanes + i % lanes;
        const T* du = s.du + (j * E::GU + g) * H;
        T sum = 0;
        for (Index k = 0; k < H; ++k) sum += as<T>(U[k * lanes]) * as<T>(as<O>(du[k]));
        const T* mask = s.mask[std::size_t(g)];
        s.d[0][j * H + i] += mask != nullptr ? mask[j * H + i] * sum : sum;
      }
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
