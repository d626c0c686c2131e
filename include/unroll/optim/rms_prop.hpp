// RMSprop.
#pragma once

#include <algorithm>
#include <cmath>

#include <unroll/optim/rule.hpp>

namespace unroll::inline UNROLL_ABI {

/// v = rho v + (1 - rho) g^2;  centered: a = rho a + (1 - rho) g, and s = v - a^2, else s = v
///   pytorch: u = g / (sqrt(s) + epsilon);     momentum: b = mu b + u,  w -= rate * b,  else w -= rate * u
///   keras:   u = rate * g / sqrt(s + epsilon); momentum: b = mu b + u,  w -= b,         else w -= u
/// Tieleman and Hinton 2012; centered: Graves 2013.
struct RmsProp {
  double rate = 1e-2;
  double rho = 0.99;  ///< PyTorch's alpha
  double epsilon = 1e-8;
  double momentum = 0;
  bool centered = false;
  double weight_decay = 0;
  bool decoupled = false;  ///< decay shrinks the weights by 1 - rate * weight_decay instead of joining the gradient
  Convention convention = Convention::pytorch;
  bool lazy_tables = false;  ///< tables: update touched columns only

  static constexpr std::array<std::string_view, 3> moments{"square_avg", "grad_avg", "momentum_buffer"};
  bool uses(std::size_t k) const { return k == 0 || (k == 1 && centered) || (k == 2 && momentum != 0); }
  /// Without momentum an element without gradient stays, but its average decays all the same.
  bool moved_by_zero(double) const { return true; }

  /// Keras's formula and defaults.
  static RmsProp keras(double rate = 1e-3) {
    return {.rate = rate, .rho = 0.9, .epsilon = 1e-7, .decoupled = true, .convention = Convention::keras};
  }

  void check() const {
    detail::check_options("RmsProp", rate, weight_decay);
    detail::check_fraction("RmsProp", "rho", rho);
    require(momentum >= 0, "RmsProp: momentum is ", momentum, ", expected 0 or more");
    require(epsilon >= 0, "RmsProp: epsilon is ", epsilon, ", expected 0 or more");
  }

  template <class T> void update(const Update& update, Index n, T* w, const T* g, std::array<T*, 3> moment) const {
    const detail::Decay decay(update, decoupled);
    const auto [v, a, b] = moment;
    const bool inside = convention == Convention::keras;
    const auto step = static_cast<T>(update.rate), keep = static_cast<T>(rho), take = static_cast<T>(1 - rho),
               l2 = static_cast<T>(decay.l2), shrink = static_cast<T>(decay.shrink), mu = static_cast<T>(momentum);
    const T epsilon_in = inside ? static_cast<T>(epsilon) : T(0), epsilon_out = inside ? T(0) : static_cast<T>(epsilon);
    const T in_buffer = inside ? step : T(1), of_buffer = inside ? T(1) : step;
    for (Index i = 0; i < n; ++i) {
      const T d = g[i] + l2 * w[i];
      T s = v[i] = keep * v[i] + take * (d * d);
      if (a != nullptr) {
        a[i] = keep * a[i] + take * d;
        s = std::max(s - a[i] * a[i], T(0));  // below zero by rounding alone
      }
      T u = in_buffer * d / (std::sqrt(s + epsilon_in) + epsilon_out);
      if (b != nullptr) u = b[i] = mu * b[i] + u;
      w[i] = shrink * w[i] - of_buffer * u;
    }
  }
};

}  // namespace unroll::inline UNROLL_ABI
