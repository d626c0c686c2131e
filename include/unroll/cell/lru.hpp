// The linear recurrent unit: a diagonal recurrence of complex numbers.
#pragma once

#include <cmath>
#include <numbers>
#include <string_view>

#include <unroll/cell/stagewise.hpp>

namespace unroll::inline UNROLL_ABI {

/// LRU, Orvieto et al. 2023. A unit remembers a complex number s, which turns and shrinks and does not see the others:
///   s_t = lambda * s_{t-1} + gamma * (B x_t)      lambda = r (cos t + i sin t), of absolute value below 1
///   h_t = Re(C s_t) + D x_t
/// In weight_ih stand Re B, Im B and D, each (H, D) with its row of b, which the paper has not; in weight_hh Re C and
/// -Im C, each (H, H). Parameters per unit: nu, u, log gamma, with r = exp(-exp(nu)) and u = tan(t / 2), by which cos t
/// = (1 - u^2) / (1 + u^2) and sin t = 2 u / (1 + u^2); the paper has log t. At first r^2 is uniform in (0, 1), t in
/// (0, pi), and gamma = sqrt(1 - r^2). State: h, Re s, Im s; h is output alone.
template <class T = float> struct Lru : StagedCell<T> {
  using StagedCell<T>::StagedCell;
  static constexpr int GX = 3, GU = 2, S = 3, P = 3;
  static constexpr Bias usual_bias = Bias::single;
  static constexpr std::string_view name = "Lru", kind = "lru", header = "cell/lru.hpp";

  static constexpr void forward(const auto& p, const auto& U, const auto& x, const auto& prev, auto& next) {
    const auto scale = exp(-exp(p[0])) / (1 + p[1] * p[1]), gamma = exp(p[2]);
    const auto across = scale * (1 - p[1] * p[1]), up = 2 * scale * p[1];  // lambda
    const auto re = across * prev[1] - up * prev[2] + gamma * x[0];
    const auto im = across * prev[2] + up * prev[1] + gamma * x[1];
    next = {U(0, re) + U(1, im) + x[2], re, im};
  }
  static void initialize_units(Matrix<T>& p, Rng rng) {
    for (Index k = 0; k < p.rows(); ++k) {
      const double square = rng.uniform(1e-4, 1 - 1e-4), angle = rng.uniform(0, std::numbers::pi - 0.01);
      p(k, 0) = static_cast<T>(std::log(-std::log(square) / 2));
      p(k, 1) = static_cast<T>(std::tan(angle / 2));
      p(k, 2) = static_cast<T>(std::log1p(-square) / 2);
    }
  }
};
Lru(Index, Index) -> Lru<>;

#if !UNROLL_HEADER_ONLY
UNROLL_EQUATIONS_INSTANCES(extern template, Stagewise, Lru)
#endif

}  // namespace unroll::inline UNROLL_ABI
