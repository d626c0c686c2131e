// The GRU without a recurrent product.
#pragma once

#include <array>
#include <string_view>

#include <unroll/cell/pointwise_cell.hpp>
#if !UNROLL_HEADER_ONLY
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#endif

namespace unroll::inline UNROLL_ABI {

/// minGRU, Feng et al. 2024: gate and candidate see the input alone, so there is no U, no b_h and no recurrent dropout,
/// and a step costs its equations. Gates z n:
///   z = sigmoid(W_z x + b_z)               how much of the candidate enters
///   n =         W_n x + b_n                the candidate
///   h_t = h_{t-1} + z * (n - h_{t-1})
template <class T = float> struct MinGru : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 2, GU = 0, S = 1, C = 2;
  static constexpr std::string_view gate_names = "z-";
  static constexpr std::string_view name = "MinGru", kind = "min_gru", header = "cell/min_gru.hpp";
  template <class V> using Gates = std::array<V, 2>;
  template <class V> using NoGates = std::array<V, 0>;
  template <class V> using State = std::array<V, 1>;
  template <class V> using Cached = std::array<V, 2>;

  template <class V>
  UNROLL_INLINE static void forward(const Gates<V>& x, const NoGates<V>&, const State<V>& prev, State<V>& next,
                                    Cached<V>& cache) {
    const V z = sigmoid(x[0]);
    const V n = x[1];
    next[0] = prev[0] + z * (n - prev[0]);
    cache = {z, n};
  }
  template <class V>
  UNROLL_INLINE static void backward(const State<V>& prev, const State<V>&, const Cached<V>& cache,
                                     const State<V>& d_next, Gates<V>& dx, NoGates<V>&, State<V>& d_prev) {
    const auto [z, n] = cache;
    const V dh = d_next[0];
    const V dz = dh * (n - prev[0]), dn = dh * z;
    dx = {dz * z * (1 - z), dn};
    d_prev[0] = dh - dn;  // dh (1 - z): no product, so this is all of it
  }
};
MinGru(Index, Index) -> MinGru<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, MinGru)
#endif

}  // namespace unroll::inline UNROLL_ABI
