// A cell that remembers what it was given for one step.
#pragma once

#include <unroll/cell/cell_steps.hpp>
#include <unroll/cell/pointwise.hpp>

namespace unroll::inline UNROLL_ABI {

/// h_t = a_t: a value of a step that the next one reads (see CompositeCell), or that is the output.
template <class T = float> struct Delay : CellSize<T> {
  static constexpr int GX = 1, GU = 0, S = 1, C = 0;
  static constexpr std::string_view name = "Delay";

  explicit Delay(Index rows) : CellSize<T>(rows, rows) {}

  template <class V>
  static void forward(const std::array<V, 1>& x, const std::array<V, 0>&, const std::array<V, 1>&,
                      std::array<V, 1>& next, std::array<V, 0>&) {
    next[0] = x[0];
  }
  template <class V>
  static void backward(const std::array<V, 1>&, const std::array<V, 1>&, const std::array<V, 0>&,
                       const std::array<V, 1>& d_next, std::array<V, 1>& dx, std::array<V, 0>&,
                       std::array<V, 1>& d_prev) {
    dx[0] = d_next[0];
    d_prev[0] = V(0);
  }
};
Delay(Index) -> Delay<>;

}  // namespace unroll::inline UNROLL_ABI
