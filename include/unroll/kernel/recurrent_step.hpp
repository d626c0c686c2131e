// The inner loop of every pointwise cell: recurrent product and equations of one time step.
#pragma once

#include <array>

#include <unroll/core/matrix.hpp>
#include <unroll/kernel/functions.hpp>

namespace unroll::inline UNROLL_ABI {

/// U (GU H, H) in the order in which the steps read it. Made once per optimizer step, read by every time step.
template <class T> class RecurrentWeights {
 public:
  void pack(const Matrix<T>& U, Index units, int gates) {
    static_cast<void>(units), static_cast<void>(gates);
    plain_ = U;
  }
  const Matrix<T>& plain() const { return plain_; }

 private:
  Matrix<T> plain_;
};

/// One step of n columns. Arrays are column-major without gaps: (H, n), gates stacked as (GX H, n) and (GU H, n).
template <class E, class T = typename E::Scalar> struct StepForward {
  Index units, columns;
  const RecurrentWeights<T>* weights;
  const T* bias;                                            ///< b_h (GU H), or null
  const T* parameters;                                      ///< per unit (P, H), parameter p of unit k at p H + k
  const T* x;                                               ///< W x + b (GX H, n)
  std::array<const T*, static_cast<std::size_t>(E::GU)> h;  ///< what U multiplies, per gate: state 0, masked or not
  std::array<const T*, static_cast<std::size_t>(E::S)> prev;
  std::array<T*, static_cast<std::size_t>(E::S)> next;
  T* cache;  ///< (C H, n), or null: no backward will follow
};

/// Its backward. `d` holds d_next on entry and d_prev on return, U^T du included.
template <class E, class T = typename E::Scalar> struct StepBackward {
  Index units, columns;
  const RecurrentWeights<T>* weights;
  const T* parameters;
  std::array<const T*, static_cast<std::size_t>(E::S)> prev, next;
  const T* cache;
  std::array<const T*, static_cast<std::size_t>(E::GU)> mask;  ///< recurrent dropout (H, n) per gate, or null
  bool mask_per_gate;                                          ///< the masks of the gates differ
  std::array<T*, static_cast<std::size_t>(E::S)> d;
  T* dx;            ///< (GX H, n)
  T* du;            ///< (GU H, n); the same as dx where the ports are the same
  T* parameters_d;  ///< (P H, n), one value per column
};

namespace detail {

template <class E, class V>
UNROLL_INLINE void call_forward(const std::array<V, E::P>& p, const std::array<V, E::GX>& x,
                                const std::array<V, E::GU>& u, const std::array<V, E::S>& prev,
                                std::array<V, E::S>& next, std::array<V, E::C>& cache) {
  if constexpr (E::P > 0)
    E::forward(p, x, u, prev, next, cache);
  else
    E::forward(x, u, prev, next, cache);
}
template <class E, class V>
UNROLL_INLINE void call_backward(const std::array<V, E::P>& p, std::array<V, E::P>& dp, const std::array<V, E::S>& prev,
                                 const std::array<V, E::S>& next, const std::array<V, E::C>& cache,
                                 const std::array<V, E::S>& d_next, std::array<V, E::GX>& dx, std::array<V, E::GU>& du,
                                 std::array<V, E::S>& d_prev) {
  if constexpr (E::P > 0)
    E::backward(p, dp, prev, next, cache, d_next, dx, du, d_prev);
  else
    E::backward(prev, next, cache, d_next, dx, du, d_prev);
}

/// The reference: one unit of one column at a time, any scalar, any compiler.
template <class E, class T> void plain_step(const StepForward<E, T>& s) {
  using V = Value<T>;
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
        const T* U = s.weights->plain().data() + g * H + k;
        const T* h = s.h[std::size_t(g)] + j * H;
        T sum = s.bias != nullptr ? s.bias[g * H + k] : T(0);
        for (Index i = 0; i < H; ++i) sum += U[i * E::GU * H] * h[i];
        u[std::size_t(g)] = V(sum);
      }
      for (int f = 0; f < E::S; ++f) prev[std::size_t(f)] = V(s.prev[std::size_t(f)][j * H + k]);
      call_forward<E, V>(p, x, u, prev, next, cache);
      for (int f = 0; f < E::S; ++f) next[std::size_t(f)].store(s.next[std::size_t(f)] + j * H + k);
      if (s.cache != nullptr)
        for (int f = 0; f < E::C; ++f) cache[std::size_t(f)].store(s.cache + (j * E::C + f) * H + k);
    }
}

template <class E, class T> void plain_step_backward(const StepBackward<E, T>& s) {
  using V = Value<T>;
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
      for (int f = 0; f < E::C; ++f) cache[std::size_t(f)] = V(s.cache[(j * E::C + f) * H + k]);
      call_backward<E, V>(p, dp, prev, next, cache, d_next, dx, du, d_prev);
      for (int f = 0; f < E::P; ++f) dp[std::size_t(f)].store(s.parameters_d + (j * E::P + f) * H + k);
      for (int f = 0; f < E::S; ++f) d_prev[std::size_t(f)].store(s.d[std::size_t(f)] + j * H + k);
      for (int g = 0; g < E::GX; ++g) dx[std::size_t(g)].store(s.dx + (j * E::GX + g) * H + k);
      if constexpr (!E::same_ports)
        for (int g = 0; g < E::GU; ++g) du[std::size_t(g)].store(s.du + (j * E::GU + g) * H + k);
    }
  // d_prev[0] += sum over gates of mask * (U_g^T du_g)
  const T* U = s.weights->plain().data();
  for (Index j = 0; j < s.columns; ++j)
    for (Index i = 0; i < H; ++i)
      for (int g = 0; g < E::GU; ++g) {
        T sum = 0;
        for (Index k = 0; k < H; ++k) sum += U[(i * E::GU + g) * H + k] * s.du[(j * E::GU + g) * H + k];
        const T* mask = s.mask[std::size_t(g)];
        s.d[0][j * H + i] += mask != nullptr ? mask[j * H + i] * sum : sum;
      }
}

}  // namespace detail

/// next and cache from prev. Writes the n columns it is given and nothing else.
template <class E, class T> void recurrent_step(const StepForward<E, T>& step) { detail::plain_step(step); }
/// dx, du and d from d_next.
template <class E, class T> void recurrent_step_backward(const StepBackward<E, T>& step) {
  detail::plain_step_backward(step);
}

}  // namespace unroll::inline UNROLL_ABI
