// The vanilla recurrent cell.
#pragma once

#include <unroll/cell/pointwise_cell.hpp>
#if !UNROLL_HEADER_ONLY
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#endif

namespace unroll::inline UNROLL_ABI {

/// h_t = tanh(W x_t + b + U h_{t-1} + b_h). Elman 1990; nn.RNN, keras SimpleRNN.
template <class T = float> struct Rnn : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 1, GU = 1, S = 1, C = 0;
  static constexpr bool same_ports = true;
  static constexpr std::string_view name = "Rnn", kind = "rnn_tanh", header = "cell/rnn.hpp";
  template <class V> using Gates = std::array<V, 1>;
  template <class V> using State = std::array<V, 1>;
  template <class V> using Cached = std::array<V, 0>;

  template <class V>
  UNROLL_INLINE static void forward(const Gates<V>& x, const Gates<V>& u, const State<V>&, State<V>& next, Cached<V>&) {
    next[0] = tanh(x[0] + u[0]);
  }
  template <class V>
  UNROLL_INLINE static void backward(const State<V>&, const State<V>& next, const Cached<V>&, const State<V>& d_next,
                                     Gates<V>& dx, Gates<V>& du, State<V>& d_prev) {
    const V h = next[0];
    dx[0] = du[0] = d_next[0] * (1 - h * h);
    d_prev[0] = V(0);  // only through U h
  }
};
Rnn(Index, Index) -> Rnn<>;

/// h_t = max(0, W x_t + b + U h_{t-1} + b_h). nn.RNN(nonlinearity='relu'); Le, Jaitly and Hinton 2015.
template <class T = float> struct ReluRnn : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 1, GU = 1, S = 1, C = 0;
  static constexpr bool same_ports = true;
  static constexpr std::string_view name = "ReluRnn", kind = "rnn_relu", header = "cell/rnn.hpp";
  template <class V> using Gates = std::array<V, 1>;
  template <class V> using State = std::array<V, 1>;
  template <class V> using Cached = std::array<V, 0>;

  template <class V>
  UNROLL_INLINE static void forward(const Gates<V>& x, const Gates<V>& u, const State<V>&, State<V>& next, Cached<V>&) {
    next[0] = relu(x[0] + u[0]);
  }
  template <class V>
  UNROLL_INLINE static void backward(const State<V>&, const State<V>& next, const Cached<V>&, const State<V>& d_next,
                                     Gates<V>& dx, Gates<V>& du, State<V>& d_prev) {
    dx[0] = du[0] = select(next[0] > V(0), d_next[0], V(0));
    d_prev[0] = V(0);
  }
};
ReluRnn(Index, Index) -> ReluRnn<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, Rnn)
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, ReluRnn)
#endif

}  // namespace unroll::inline UNROLL_ABI
