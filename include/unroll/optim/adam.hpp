// Adam and AdamW.
#pragma once

#include <cmath>

#include <unroll/kernel/elementwise.hpp>
#include <unroll/optim/rule.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Both conventions in one form: w -= step * m / (sqrt(v) * root + epsilon).
template <class T> struct AdamUpdate {
  T step, root, epsilon, take1, take2, keep2, l2, shrink;
  template <class V> UNROLL_INLINE void operator()(const V& g, V& m, V& v, V& w) const {
    const V d = fma(V(l2), w, g);
    m = fma(V(take1), d - m, m);
    v = fma(V(take2) * d, d, V(keep2) * v);
    const V u = V(step) * m / fma(sqrt(v), V(root), V(epsilon));
    w = fma(V(shrink), w, -u);
  }
};
}  // namespace detail

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

  UNROLL_API void check(const char* who = "Adam") const;

  template <class T>
  UNROLL_API void update(const Update& update, Index n, T* w, const T* g, std::array<T*, 2> moment) const;
};

template <class T> void Adam::update(const Update& update, Index n, T* w, const T* g, std::array<T*, 2> moment) const {
  const detail::Decay decay(update, decoupled);
  const auto t = static_cast<double>(update.count);
  const double correction1 = 1 - std::pow(beta1, t), root2 = std::sqrt(1 - std::pow(beta2, t));
  const bool hat = convention == Convention::keras;
  const detail::AdamUpdate<T> formula{.step = static_cast<T>(update.rate * (hat ? root2 : 1) / correction1),
                                      .root = static_cast<T>(hat ? 1 : 1 / root2),
                                      .epsilon = static_cast<T>(epsilon),
                                      .take1 = static_cast<T>(1 - beta1),
                                      .take2 = static_cast<T>(1 - beta2),
                                      .keep2 = static_cast<T>(beta2),
                                      .l2 = static_cast<T>(decay.l2),
                                      .shrink = static_cast<T>(decay.shrink)};
  for_each_element(n, formula, g, moment[0], moment[1], w);
}

#define UNROLL_ADAM_INSTANCES(DECLARE)                                                                \
  DECLARE void Adam::update(const Update&, Index, float*, const float*, std::array<float*, 2>) const; \
  DECLARE void Adam::update(const Update&, Index, double*, const double*, std::array<double*, 2>) const;
#if !UNROLL_HEADER_ONLY
UNROLL_ADAM_INSTANCES(extern template)
#endif

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
  void check() const { adam().check("AdamW"); }
  template <class T> void update(const Update& update, Index n, T* w, const T* g, std::array<T*, 2> moment) const {
    adam().update(update, n, w, g, moment);
  }
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/optim/adam.ipp>
#endif
