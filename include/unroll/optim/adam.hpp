// Adam and AdamW.
#pragma once

#include <cmath>

#include <unroll/optim/rule.hpp>

namespace unroll::inline UNROLL_ABI {

/// m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g^2;  for the t-th update
///   pytorch: w -= rate * m' / (sqrt(v') + epsilon),  m' = m / (1 - beta1^t),  v' = v / (1 - beta2^t)
///   keras:   w -= rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon)   (the paper's "epsilon hat")
/// Kingma and Ba 2015. Weight decay joins the gradient (L2, PyTorch's Adam), or is decoupled: AdamW, and Keras's Adam.
struct Adam {
  double rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  ///< decay shrinks the weights by 1 - rate * weight_decay instead of joining the gradient
  Convention convention = Convention::pytorch;
  bool lazy_tables = false;  ///< tables: update touched columns and their moments only (PyTorch's SparseAdam)

  static constexpr std::array<std::string_view, 2> moments{"exp_avg", "exp_avg_sq"};
  bool uses(std::size_t) const { return true; }
  bool moved_by_zero(double) const { return true; }

  /// Keras's formula and defaults.
  static Adam keras(double rate = 1e-3) {
    return {.rate = rate, .epsilon = 1e-7, .decoupled = true, .convention = Convention::keras};
  }

  void check() const {
    detail::check_options("Adam", rate, weight_decay);
    detail::check_fraction("Adam", "beta1", beta1);
    detail::check_fraction("Adam", "beta2", beta2);
    require(epsilon >= 0, "Adam: epsilon is ", epsilon, ", expected 0 or more");
  }

  template <class T> void update(const Update& update, Index n, T* w, const T* g, std::array<T*, 2> moment) const {
    const detail::Decay decay(update, decoupled);
    const auto [m, v] = moment;
    const auto t = static_cast<double>(update.count);
    const double correction1 = 1 - std::pow(beta1, t), root2 = std::sqrt(1 - std::pow(beta2, t));
    const bool hat = convention == Convention::keras;
    // One form for both: w -= step * m / (sqrt(v) * root + epsilon).
    const auto step = static_cast<T>(update.rate * (hat ? root2 : 1) / correction1),
               root = static_cast<T>(hat ? 1 : 1 / root2), outside = static_cast<T>(epsilon),
               take1 = static_cast<T>(1 - beta1), take2 = static_cast<T>(1 - beta2), keep2 = static_cast<T>(beta2),
               l2 = static_cast<T>(decay.l2), shrink = static_cast<T>(decay.shrink);
    for (Index i = 0; i < n; ++i) {
      const T d = g[i] + l2 * w[i];
      m[i] += take1 * (d - m[i]);
      v[i] = keep2 * v[i] + take2 * (d * d);
      w[i] = shrink * w[i] - step * m[i] / (std::sqrt(v[i]) * root + outside);
    }
  }
};

/// Adam with decoupled weight decay, PyTorch's defaults. Loshchilov and Hutter 2019.
struct AdamW {
  double rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;
  Convention convention = Convention::pytorch;
  bool lazy_tables = false;

  static constexpr auto moments = Adam::moments;
  bool uses(std::size_t) const { return true; }
  bool moved_by_zero(double) const { return true; }

  /// Keras's formula and defaults.
  static AdamW keras(double rate = 1e-3) {
    return {.rate = rate, .epsilon = 1e-7, .weight_decay = 4e-3, .convention = Convention::keras};
  }

  Adam adam() const { return {rate, beta1, beta2, epsilon, weight_decay, true, convention, lazy_tables}; }
  void check() const { adam().check(); }
  template <class T> void update(const Update& update, Index n, T* w, const T* g, std::array<T*, 2> moment) const {
    adam().update(update, n, w, g, moment);
  }
};

}  // namespace unroll::inline UNROLL_ABI
