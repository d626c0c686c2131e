// A recurrent cell whose units see themselves alone.
#pragma once

#include <array>
#include <string_view>

#include <unroll/cell/pointwise_cell.hpp>
#if !UNROLL_HEADER_ONLY
#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>
#endif

namespace unroll::inline UNROLL_ABI {

/// IndRNN, Li et al. 2018: h_t = max(0, W x_t + b + u * h_{t-1}), u a weight per unit in the place of U; layers on top
/// of each other mix the units. No b_h and no recurrent dropout. Over T steps a state grows by up to |u|^T: u begins in
/// U(0, 1), and the paper keeps |u| <= 2^(1/T) after every update.
template <class T = float> struct IndRnn : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 1, GU = 0, S = 1, C = 0, P = 1;
  static constexpr std::string_view name = "IndRnn", kind = "ind_rnn", header = "cell/ind_rnn.hpp";
  static constexpr std::array<double, 2> initial_range{0, 1};
  template <class V> using One = std::array<V, 1>;
  template <class V> using NoGates = std::array<V, 0>;

  template <class V>
  UNROLL_INLINE static void forward(const One<V>& u, const One<V>& x, const NoGates<V>&, const One<V>& prev,
                                    One<V>& next, NoGates<V>&) {
    next[0] = relu(x[0] + u[0] * prev[0]);
  }
  template <class V>
  UNROLL_INLINE static void backward(const One<V>& u, One<V>& du, const One<V>& prev, const One<V>& next,
                                     const NoGates<V>&, const One<V>& d_next, One<V>& dx, NoGates<V>&, One<V>& d_prev) {
    const V da = select(next[0] > V(0), d_next[0], V(0));
    dx[0] = da;
    du[0] = da * prev[0];
    d_prev[0] = da * u[0];
  }
};
IndRnn(Index, Index) -> IndRnn<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Pointwise, IndRnn)
#endif

}  // namespace unroll::inline UNROLL_ABI
