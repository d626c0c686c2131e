// Long short-term memory.
#pragma once

#include <unroll/cell/pointwise_cell.hpp>
#if !UNROLL_HEADER_ONLY
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#endif

namespace unroll::inline UNROLL_ABI {

/// Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; nn.LSTM, keras LSTM. Gates i f g o:
///   i = sigmoid(W_i x + b_i + U_i h_{t-1} + b_hi)     what enters the cell
///   f = sigmoid(W_f x + b_f + U_f h_{t-1} + b_hf)     what stays in it
///   g = tanh   (W_g x + b_g + U_g h_{t-1} + b_hg)     the candidate
///   o = sigmoid(W_o x + b_o + U_o h_{t-1} + b_ho)     what leaves it
///   c_t = f * c_{t-1} + i * g                         updated by addition: gradients survive hundreds of steps
///   h_t = o * tanh(c_t)
/// State: h, c. Below, x[k] is the input part of gate k and u[k] its recurrent part.
template <class T = float> struct Lstm : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 4, GU = 4, S = 2, C = 5;
  static constexpr bool same_ports = true;
  static constexpr int forget_gate = 1;  ///< where Scheme::forget_bias goes
  static constexpr std::string_view gate_names = "if-o";
  static constexpr std::string_view name = "Lstm", kind = "lstm", header = "cell/lstm.hpp";
  template <class V> using Gates = std::array<V, 4>;
  template <class V> using State = std::array<V, 2>;
  template <class V> using Cached = std::array<V, 5>;

  template <class V>
  UNROLL_INLINE static void forward(const Gates<V>& x, const Gates<V>& u, const State<V>& prev, State<V>& next,
                                    Cached<V>& cache) {
    const V i = sigmoid(x[0] + u[0]);
    const V f = sigmoid(x[1] + u[1]);
    const V g = tanh(x[2] + u[2]);
    const V o = sigmoid(x[3] + u[3]);
    const V c = f * prev[1] + i * g;
    const V tanh_c = tanh(c);
    next = {o * tanh_c, c};
    cache = {i, f, g, o, tanh_c};
  }

  /// The same lines, last to first. dc collects both ways out of c: to the next step, and through h. A gate's gradient
  /// (di) becomes that of its pre-activation by sigmoid' = i (1 - i) and tanh' = 1 - g^2.
  template <class V>
  UNROLL_INLINE static void backward(const State<V>& prev, const State<V>&, const Cached<V>& cache,
                                     const State<V>& d_next, Gates<V>& dx, Gates<V>& du, State<V>& d_prev) {
    const auto [i, f, g, o, tanh_c] = cache;
    const V dh = d_next[0];
    const V dc = d_next[1] + dh * o * (1 - tanh_c * tanh_c);
    const V d_o = dh * tanh_c, df = dc * prev[1], di = dc * g, dg = dc * i;
    dx = {di * i * (1 - i), df * f * (1 - f), dg * (1 - g * g), d_o * o * (1 - o)};
    du = dx;
    d_prev = {V(0), dc * f};  // h_{t-1} is reached only through U h: the library adds U^T du
  }
};
Lstm(Index, Index) -> Lstm<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, Lstm)
#endif

}  // namespace unroll::inline UNROLL_ABI
