// The LSTM whose input and state gate each other first.
#pragma once

#include <cstddef>
#include <string_view>

#include <unroll/cell/stagewise.hpp>

namespace unroll::inline UNROLL_ABI {

/// Melis et al. 2020, five rounds: before the LSTM sees them, the input scales the state and the state the input, in
/// turns. The input is v = W x + b, as wide as the state; the paper's has W = 1.
///   v <- 2 sigmoid(Q_1 h) * v,  h <- 2 sigmoid(R_1 v) * h,  the same with Q_2 and R_2,  v <- 2 sigmoid(Q_3 h) * v
///   i f g o of U_i h + V_i v, ..; c_t = f * c_{t-1} + i * g; h_t = o * tanh(c_t), as in Lstm
/// In weight_hh stand U of i f g o, V of i f g o, then Q_1 R_1 Q_2 R_2 Q_3, each (H, H), each with its b_h. State: h,
/// c.
template <class T = float> struct MogrifierLstm : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 1, GU = 13, S = 2;
  static constexpr std::string_view name = "MogrifierLstm", kind = "mogrifier_lstm", header = "cell/mogrifier_lstm.hpp";

  static constexpr void forward(const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto v_1 = 2 * sigmoid(U(8, prev[0])) * x[0];
    const auto h_1 = 2 * sigmoid(U(9, v_1)) * prev[0];
    const auto v_2 = 2 * sigmoid(U(10, h_1)) * v_1;
    const auto h_2 = 2 * sigmoid(U(11, v_2)) * h_1;
    const auto v_3 = 2 * sigmoid(U(12, h_2)) * v_2;
    const auto a = [&](int g) { return U(g, h_2) + U(4 + g, v_3); };
    const auto c = sigmoid(a(1)) * prev[1] + sigmoid(a(0)) * tanh(a(2));
    next = {sigmoid(a(3)) * tanh(c), c};
  }
};
MogrifierLstm(Index, Index) -> MogrifierLstm<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Stagewise, MogrifierLstm)
#endif

}  // namespace unroll::inline UNROLL_ABI
