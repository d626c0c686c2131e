// The LSTM with exponential gates.
#pragma once

#include <array>
#include <string_view>

#include <unroll/cell/pointwise_cell.hpp>
#if !UNROLL_HEADER_ONLY
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#endif

namespace unroll::inline UNROLL_ABI {

/// sLSTM, Beck et al. 2024: the input gate is an exponential, so what comes now can outweigh all that came before, and
/// the state is a mean of candidates by these weights. Gates i f z o:
///   i = exp(a_i)   f = sigmoid(a_f)   z = tanh(a_z)   o = sigmoid(a_o)      a_g = W_g x + b_g + U_g h_{t-1} + b_hg
///   C_t = f C_{t-1} + i z   N_t = f N_{t-1} + i   h_t = o C_t / N_t
/// The exponentials never run over, without the paper's stabiliser m: the state has the mean and a logarithm,
///   c_t = C_t / N_t         n_t = 30 + log N_t
///   k   = f N_{t-1} / N_t = sigmoid(log f + n_{t-1} - 30 - a_i)             how much of the past stays
///   c_t = z + k * (c_{t-1} - z)
/// State: h, c, n. The paper starts with N_0 = 0, and n_0 = 0 is N_0 = 1e-13. A float near 30 is rounded by 1e-6, which
/// moves k by a quarter of that at most.
template <class T = float> struct SLstm : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 4, GU = 4, S = 3, C = 4;
  static constexpr bool same_ports = true;
  static constexpr int forget_gate = 1;  ///< where Scheme::forget_bias goes
  static constexpr std::string_view name = "SLstm", kind = "slstm", header = "cell/slstm.hpp";
  template <class V> using Gates = std::array<V, 4>;
  template <class V> using State = std::array<V, 3>;
  template <class V> using Cached = std::array<V, 4>;

  template <class V>
  UNROLL_INLINE static void forward(const Gates<V>& x, const Gates<V>& u, const State<V>& prev, State<V>& next,
                                    Cached<V>& cache) {
    const V a_f = x[1] + u[1];
    const V z = tanh(x[2] + u[2]);
    const V o = sigmoid(x[3] + u[3]);
    const V past = prev[2] + log(sigmoid(abs(a_f))) - relu(-a_f);  // + log f, of a number that is never below 1/2
    const V present = x[0] + u[0] + V(30);
    const V k = sigmoid(past - present);
    const V c = z + k * (prev[1] - z);
    const V larger = select(past < present, present, past);
    next = {o * c, c, larger - log(sigmoid(abs(past - present)))};  // log(e^past + e^present)
    cache = {a_f, z, o, k};
  }
  template <class V>
  UNROLL_INLINE static void backward(const State<V>& prev, const State<V>& next, const Cached<V>& cache,
                                     const State<V>& d_next, Gates<V>& dx, Gates<V>& du, State<V>& d_prev) {
    const auto [a_f, z, o, k] = cache;
    const V dh = d_next[0], dn = d_next[2];
    const V dc = d_next[1] + dh * o;
    const V d_difference = dc * (prev[1] - z) * k * (1 - k);  // of past - present
    const V d_past = d_difference + dn * k, d_present = dn * (1 - k) - d_difference;
    const V dz = dc * (1 - k), d_o = dh * next[1];
    dx = {d_present, d_past * sigmoid(-a_f), dz * (1 - z * z), d_o * o * (1 - o)};
    du = dx;
    d_prev = {V(0), dc * k, d_past};  // h_{t-1} only through U h
  }
};
SLstm(Index, Index) -> SLstm<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, SLstm)
#endif

}  // namespace unroll::inline UNROLL_ABI
