// The LSTM without a recurrent product.
#pragma once

#include <array>
#include <string_view>

#include <unroll/cell/pointwise_cell.hpp>
#if !UNROLL_HEADER_ONLY
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#endif

namespace unroll::inline UNROLL_ABI {

/// minLSTM, Feng et al. 2024: as MinGru, with two gates that are made to add up to 1. Gates f i n:
///   f = sigmoid(W_f x + b_f)    i = sigmoid(W_i x + b_i)    n = W_n x + b_n
///   k = f / (f + i)                        how much of the past stays
///   h_t = n + k * (h_{t-1} - n)            k * h_{t-1} + i / (f + i) * n
/// State: h alone. Candidates of any sign: the paper makes them positive for a scan over logarithms.
template <class T = float> struct MinLstm : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 3, GU = 0, S = 1, C = 4;
  static constexpr int forget_gate = 0;  ///< where Scheme::forget_bias goes
  static constexpr std::string_view name = "MinLstm", kind = "min_lstm", header = "cell/min_lstm.hpp";
  template <class V> using Gates = std::array<V, 3>;
  template <class V> using NoGates = std::array<V, 0>;
  template <class V> using State = std::array<V, 1>;
  template <class V> using Cached = std::array<V, 4>;

  template <class V>
  UNROLL_INLINE static void forward(const Gates<V>& x, const NoGates<V>&, const State<V>& prev, State<V>& next,
                                    Cached<V>& cache) {
    // f = 1 / (1 + e^-a_f), so k = (1 + e^-a_i) / (1 + e^-a_i + 1 + e^-a_f): over its largest term no exponential is
    // above 1, and the denominator at least 1.
    const V largest = relu(-select(x[0] < x[1], x[0], x[1]));
    const V one = exp(-largest);
    const V i_part = one + exp(-x[1] - largest), f_part = one + exp(-x[0] - largest);
    const V k = i_part / (i_part + f_part);
    next[0] = x[2] + k * (prev[0] - x[2]);
    cache = {x[0], x[1], x[2], k};
  }
  /// dk / df = k (1 - k) / f and dk / di = -k (1 - k) / i, times sigmoid' = f (1 - f): what was divided by cancels.
  template <class V>
  UNROLL_INLINE static void backward(const State<V>& prev, const State<V>&, const Cached<V>& cache,
                                     const State<V>& d_next, Gates<V>& dx, NoGates<V>&, State<V>& d_prev) {
    const auto [a_f, a_i, n, k] = cache;
    const V dh = d_next[0];
    const V both = dh * (prev[0] - n) * k * (1 - k);
    d_prev[0] = dh * k;
    dx = {both * sigmoid(-a_f), -both * sigmoid(-a_i), dh - d_prev[0]};
  }
};
MinLstm(Index, Index) -> MinLstm<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, MinLstm)
#endif

}  // namespace unroll::inline UNROLL_ABI
