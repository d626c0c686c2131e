// The gated recurrent unit with one gate.
#pragma once

#include <string_view>

#include <unroll/cell/stagewise.hpp>

namespace unroll::inline UNROLL_ABI {

/// Zhou et al. 2016: the forget gate is the reset gate, too. Gates f n:
///   f = sigmoid(W_f x + b_f + U_f h_{t-1} + b_hf)
///   n = tanh   (W_n x + b_n + U_n (f * h_{t-1}) + b_hn)
///   h_t = h_{t-1} + f * (n - h_{t-1})
template <class T = float> struct MinimalGatedUnit : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 2, GU = 2, S = 1;
  static constexpr std::string_view name = "MinimalGatedUnit", kind = "minimal_gated_unit",
                                    header = "cell/minimal_gated_unit.hpp";

  static constexpr void forward(const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto f = sigmoid(x[0] + U(0, prev[0]));
    const auto n = tanh(x[1] + U(1, f * prev[0]));
    next[0] = prev[0] + f * (n - prev[0]);
  }
};
MinimalGatedUnit(Index, Index) -> MinimalGatedUnit<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Stagewise, MinimalGatedUnit)
#endif

}  // namespace unroll::inline UNROLL_ABI
