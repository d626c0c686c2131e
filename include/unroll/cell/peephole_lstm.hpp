// An LSTM whose gates look at the cell state.
#pragma once

#include <array>
#include <string_view>

#include <unroll/cell/pointwise_cell.hpp>
#if !UNROLL_HEADER_ONLY
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#endif

namespace unroll::inline UNROLL_ABI {

/// Gers and Schmidhuber 2000; the peepholes of ONNX. Gates i f g o and states h, c as in Lstm, with p a weight per
/// unit:
///   i = sigmoid(W_i x + b_i + U_i h_{t-1} + b_hi + p_i * c_{t-1})
///   f = sigmoid(W_f x + b_f + U_f h_{t-1} + b_hf + p_f * c_{t-1})
///   o = sigmoid(W_o x + b_o + U_o h_{t-1} + b_ho + p_o * c_t)
template <class T = float> struct PeepholeLstm : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 4, GU = 4, S = 2, C = 5, P = 3;
  static constexpr bool same_ports = true;
  static constexpr std::string_view gate_names = "if-o";
  static constexpr std::string_view name = "PeepholeLstm", kind = "peephole_lstm", header = "cell/peephole_lstm.hpp";
  template <class V> using Gates = std::array<V, 4>;
  template <class V> using State = std::array<V, 2>;
  template <class V> using Cached = std::array<V, 5>;
  template <class V> using Unit = std::array<V, 3>;

  template <class V>
  UNROLL_INLINE static void forward(const Unit<V>& p, const Gates<V>& x, const Gates<V>& u, const State<V>& prev,
                                    State<V>& next, Cached<V>& cache) {
    const V i = sigmoid(x[0] + u[0] + p[0] * prev[1]);
    const V f = sigmoid(x[1] + u[1] + p[1] * prev[1]);
    const V g = tanh(x[2] + u[2]);
    const V c = f * prev[1] + i * g;
    const V o = sigmoid(x[3] + u[3] + p[2] * c);
    const V tanh_c = tanh(c);
    next = {o * tanh_c, c};
    cache = {i, f, g, o, tanh_c};
  }
  template <class V>
  UNROLL_INLINE static void backward(const Unit<V>& p, Unit<V>& dp, const State<V>& prev, const State<V>& next,
                                     const Cached<V>& cache, const State<V>& d_next, Gates<V>& dx, Gates<V>& du,
                                     State<V>& d_prev) {
    const auto [i, f, g, o, tanh_c] = cache;
    const V dh = d_next[0];
    const V da_o = dh * tanh_c * o * (1 - o);
    const V dc = d_next[1] + dh * o * (1 - tanh_c * tanh_c) + da_o * p[2];
    const V da_i = dc * g * i * (1 - i), da_f = dc * prev[1] * f * (1 - f), da_g = dc * i * (1 - g * g);
    dx = {da_i, da_f, da_g, da_o};
    du = dx;
    dp = {da_i * prev[1], da_f * prev[1], da_o * next[1]};
    d_prev = {V(0), dc * f + da_i * p[0] + da_f * p[1]};
  }
};
PeepholeLstm(Index, Index) -> PeepholeLstm<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, PeepholeLstm)
#endif

}  // namespace unroll::inline UNROLL_ABI
