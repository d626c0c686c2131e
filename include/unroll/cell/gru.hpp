// The gated recurrent unit, reset after the product.
#pragma once

#include <unroll/cell/pointwise_cell.hpp>
#if !UNROLL_HEADER_ONLY
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#endif

namespace unroll::inline UNROLL_ABI {

/// Cho et al. 2014 in cuDNN's form: the reset gate acts on the product, which is what nn.GRU computes, and keras GRU
/// with reset_after=True, and ONNX with linear_before_reset=1. Gates r z n:
///   r = sigmoid(W_r x + b_r + U_r h_{t-1} + b_hr)     how much of the past the candidate sees
///   z = sigmoid(W_z x + b_z + U_z h_{t-1} + b_hz)     how much of the past stays
///   n = tanh   (W_n x + b_n + r * (U_n h_{t-1} + b_hn))
///   h_t = n + z * (h_{t-1} - n)
/// The other form (reset before the product) is another function: see GruResetBefore.
template <class T = float> struct Gru : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 3, GU = 3, S = 1, C = 4;
  static constexpr std::string_view gate_names = "rz-";
  static constexpr std::string_view name = "Gru", kind = "gru", header = "cell/gru.hpp";
  template <class V> using Gates = std::array<V, 3>;
  template <class V> using State = std::array<V, 1>;
  template <class V> using Cached = std::array<V, 4>;

  template <class V>
  UNROLL_INLINE static void forward(const Gates<V>& x, const Gates<V>& u, const State<V>& prev, State<V>& next,
                                    Cached<V>& cache) {
    const V r = sigmoid(x[0] + u[0]);
    const V z = sigmoid(x[1] + u[1]);
    const V n = tanh(x[2] + r * u[2]);
    next[0] = n + z * (prev[0] - n);
    cache = {r, z, n, u[2]};
  }

  template <class V>
  UNROLL_INLINE static void backward(const State<V>& prev, const State<V>&, const Cached<V>& cache,
                                     const State<V>& d_next, Gates<V>& dx, Gates<V>& du, State<V>& d_prev) {
    const auto [r, z, n, u_n] = cache;
    const V dh = d_next[0];
    const V dz = dh * (prev[0] - n), dn = dh * (1 - z);
    const V da_n = dn * (1 - n * n);
    const V dr = da_n * u_n;
    dx = {dr * r * (1 - r), dz * z * (1 - z), da_n};
    du = {dx[0], dx[1], da_n * r};
    d_prev[0] = dh * z;  // and through U h: the library adds U^T du
  }
};
Gru(Index, Index) -> Gru<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, Gru)
#endif

}  // namespace unroll::inline UNROLL_ABI
