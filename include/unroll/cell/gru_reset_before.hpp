// The gated recurrent unit, reset before the product: two products in a row.
#pragma once

#include <string_view>

#include <unroll/cell/stagewise.hpp>

namespace unroll::inline UNROLL_ABI {

/// Cho et al. 2014 as first published; keras GRU with reset_after=False, ONNX with linear_before_reset=0. Gates r z n:
///   r = sigmoid(W_r x + b_r + U_r h_{t-1})
///   z = sigmoid(W_z x + b_z + U_z h_{t-1})
///   n = tanh   (W_n x + b_n + U_n (r * h_{t-1}))      the reset acts before the product
///   h_t = n + z * (h_{t-1} - n)
/// With dual bias b_h is added where b is; unless asked for, there is one, as in Keras. With recurrent dropout the
/// products see m * h, z * h the bare h.
template <class T = float> struct GruResetBefore : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 3, GU = 3, S = 1;
  static constexpr Bias usual_bias = Bias::single;  ///< as in Keras
  static constexpr std::string_view name = "GruResetBefore", kind = "gru_reset_before",
                                    header = "cell/gru_reset_before.hpp";

  static constexpr void forward(const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto r = sigmoid(x[0] + U(0, prev[0]));
    const auto z = sigmoid(x[1] + U(1, prev[0]));
    const auto n = tanh(x[2] + U(2, r * prev[0]));
    next[0] = n + z * (prev[0] - n);
  }
};
GruResetBefore(Index, Index) -> GruResetBefore<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Stagewise, GruResetBefore)
#endif

}  // namespace unroll::inline UNROLL_ABI
