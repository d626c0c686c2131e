// The gated recurrent unit whose gates are brought to one mean and spread.
#pragma once

#include <array>
#include <string_view>

#include <unroll/cell/stagewise.hpp>

namespace unroll::inline UNROLL_ABI {

/// Ba, Kiros and Hinton 2016, supplementary equations 22 to 25, reset after the product. N(a) = (a - mean) / deviation,
/// over the units of both gates at once, or of the candidate; p are weights per unit, gains first 1 and shifts first 0.
/// Gates r z n:
///   r, z = sigmoid(p_x * N(W x) + p_u * N(U h_{t-1}) + p_b)
///   n    = tanh(p_x * N(W_n x) + p_b + r * (p_u * N(U_n h_{t-1}) + p_d))
///   h_t  = n + z * (h_{t-1} - n)
/// W x + b is normalized where a bias is asked for; the shift makes it superfluous, so there is none unless it is.
template <class T = float> struct LayerNormGru : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 3, GU = 3, S = 1, P = 10;
  static constexpr Bias usual_bias = Bias::none;
  static constexpr std::string_view name = "LayerNormGru", kind = "layer_norm_gru", header = "cell/layer_norm_gru.hpp";
  static constexpr std::array<double, P> initial_parameter{1, 1, 1, 1, 1, 1, 0, 0, 0, 0};

  static constexpr void forward(const auto& p, const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto w = normalize(std::array{x[0], x[1]}), u = normalize(std::array{U(0, prev[0]), U(1, prev[0])});
    const auto r = sigmoid(p[0] * w[0] + p[3] * u[0] + p[6]);
    const auto z = sigmoid(p[1] * w[1] + p[4] * u[1] + p[7]);
    const auto n = tanh(p[2] * normalize(x[2]) + p[8] + r * (p[5] * normalize(U(2, prev[0])) + p[9]));
    next[0] = n + z * (prev[0] - n);
  }
};
LayerNormGru(Index, Index) -> LayerNormGru<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Stagewise, LayerNormGru)
#endif

}  // namespace unroll::inline UNROLL_ABI
