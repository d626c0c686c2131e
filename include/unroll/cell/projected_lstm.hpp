// The LSTM whose output is a projection of its hidden units.
#pragma once

#include <string_view>

#include <unroll/cell/stagewise.hpp>

namespace unroll::inline UNROLL_ABI {

/// Sak, Senior and Beaufays 2014; nn.LSTM(proj_size=R). H units, an output and a recurrence of R < H values:
///   i = sigmoid(W_i x + b_i + U_i r_{t-1} + b_hi)    f, o likewise
///   g = tanh   (W_g x + b_g + U_g r_{t-1} + b_hg)
///   c_t = f * c_{t-1} + i * g                        (H)
///   r_t = W_r (o * tanh(c_t))                        (R), the layer's output
/// With recurrent dropout the products see m * r.
template <class T = float> struct ProjectedLstm : StagedCell<T> {
  static constexpr int GX = 4, GU = 4, S = 2;
  static constexpr int forget_gate = 1;
  static constexpr bool projects = true;
  static constexpr std::string_view name = "ProjectedLstm", kind = "projected_lstm", header = "cell/projected_lstm.hpp";

  /// D inputs, H units, R outputs.
  ProjectedLstm(Index D, Index H, Index R) : StagedCell<T>(D, H, R) {}

  static constexpr void forward(const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto i = sigmoid(x[0] + U(0, prev[0]));
    const auto f = sigmoid(x[1] + U(1, prev[0]));
    const auto g = tanh(x[2] + U(2, prev[0]));
    const auto o = sigmoid(x[3] + U(3, prev[0]));
    const auto c = f * prev[1] + i * g;
    next = {U.project(o * tanh(c)), c};
  }
};
ProjectedLstm(Index, Index, Index) -> ProjectedLstm<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Stagewise, ProjectedLstm)
#endif

}  // namespace unroll::inline UNROLL_ABI
