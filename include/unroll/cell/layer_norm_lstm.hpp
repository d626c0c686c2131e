// The LSTM whose gates and cell are brought to one mean and spread.
#pragma once

#include <array>
#include <string_view>

#include <unroll/cell/stagewise.hpp>

namespace unroll::inline UNROLL_ABI {

/// Ba, Kiros and Hinton 2016, equations 20 to 22. N(a) = (a - mean) / deviation, over the units of all gates at once,
/// or of the cell; p are weights per unit, gains first 1 and shifts first 0. Gates i f g o:
///   a = p_x * N(W x) + p_u * N(U h_{t-1}) + p_b        for each gate
///   c_t = sigmoid(a_f) * c_{t-1} + sigmoid(a_i) * tanh(a_g)
///   h_t = sigmoid(a_o) * tanh(p_c * N(c_t) + p_d)
/// W x + b is normalized where a bias is asked for; the shift makes it superfluous, so there is none unless it is.
template <class T = float> struct LayerNormLstm : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 4, GU = 4, S = 2, P = 14;
  static constexpr Bias usual_bias = Bias::none;
  static constexpr std::string_view name = "LayerNormLstm", kind = "layer_norm_lstm",
                                    header = "cell/layer_norm_lstm.hpp";
  static constexpr std::array<double, P> initial_parameter{1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0};
  static constexpr int forget_parameter = 9;  ///< where Scheme::forget_bias goes

  static constexpr void forward(const auto& p, const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto w = normalize(x);
    const auto u = normalize(std::array{U(0, prev[0]), U(1, prev[0]), U(2, prev[0]), U(3, prev[0])});
    const auto a = [&](std::size_t g) { return p[g] * w[g] + p[4 + g] * u[g] + p[8 + g]; };
    const auto c = sigmoid(a(1)) * prev[1] + sigmoid(a(0)) * tanh(a(2));
    next = {sigmoid(a(3)) * tanh(p[12] * normalize(c) + p[13]), c};
  }
};
LayerNormLstm(Index, Index) -> LayerNormLstm<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Stagewise, LayerNormLstm)
#endif

}  // namespace unroll::inline UNROLL_ABI
