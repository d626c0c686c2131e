// The LSTM with one gate for what stays and what enters.
#pragma once

#include <array>
#include <string_view>

#include <unroll/cell/pointwise_cell.hpp>
#if !UNROLL_HEADER_ONLY
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#endif

namespace unroll::inline UNROLL_ABI {

/// Greff et al. 2017 (CIFG): what is forgotten makes room for what enters, i = 1 - f, so the cell is a mean of its
/// candidates and a quarter of the LSTM's weights is not there. Gates f g o:
///   f = sigmoid(W_f x + b_f + U_f h_{t-1} + b_hf)
///   g = tanh   (W_g x + b_g + U_g h_{t-1} + b_hg)
///   o = sigmoid(W_o x + b_o + U_o h_{t-1} + b_ho)
///   c_t = g + f * (c_{t-1} - g)
///   h_t = o * tanh(c_t)
/// State: h, c.
template <class T = float> struct CoupledGateLstm : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 3, GU = 3, S = 2, C = 4;
  static constexpr bool same_ports = true;
  static constexpr int forget_gate = 0;  ///< where Scheme::forget_bias goes
  static constexpr std::string_view gate_names = "f-o";
  static constexpr std::string_view name = "CoupledGateLstm", kind = "coupled_gate_lstm",
                                    header = "cell/coupled_gate_lstm.hpp";
  template <class V> using Gates = std::array<V, 3>;
  template <class V> using State = std::array<V, 2>;
  template <class V> using Cached = std::array<V, 4>;

  template <class V>
  UNROLL_INLINE static void forward(const Gates<V>& x, const Gates<V>& u, const State<V>& prev, State<V>& next,
                                    Cached<V>& cache) {
    const V f = sigmoid(x[0] + u[0]);
    const V g = tanh(x[1] + u[1]);
    const V o = sigmoid(x[2] + u[2]);
    const V c = g + f * (prev[1] - g);
    const V tanh_c = tanh(c);
    next = {o * tanh_c, c};
    cache = {f, g, o, tanh_c};
  }
  template <class V>
  UNROLL_INLINE static void backward(const State<V>& prev, const State<V>&, const Cached<V>& cache,
                                     const State<V>& d_next, Gates<V>& dx, Gates<V>& du, State<V>& d_prev) {
    const auto [f, g, o, tanh_c] = cache;
    const V dh = d_next[0];
    const V dc = d_next[1] + dh * o * (1 - tanh_c * tanh_c);
    const V df = dc * (prev[1] - g), dg = dc * (1 - f), d_o = dh * tanh_c;
    dx = {df * f * (1 - f), dg * (1 - g * g), d_o * o * (1 - o)};
    du = dx;
    d_prev = {V(0), dc * f};  // h_{t-1} only through U h
  }
};
CoupledGateLstm(Index, Index) -> CoupledGateLstm<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, CoupledGateLstm)
#endif

}  // namespace unroll::inline UNROLL_ABI
