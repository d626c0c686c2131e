// Stochastic gradient descent, with momentum.
#pragma once

#include <unroll/kernel/elementwise.hpp>
#include <unroll/optim/rule.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class T> struct SgdUpdate {
  T step, l2, shrink;
  template <class V> UNROLL_INLINE void operator()(const V& g, V& w) const {
    const V d = fma(V(l2), w, g);
    w = fma(V(-step), d, V(shrink) * w);
  }
};
/// b = mu b + taken d;  w += moved * (of_b b + of_d d).
template <class T> struct MomentumUpdate {
  T l2, shrink, mu, taken, moved, of_b, of_d;
  template <class V> UNROLL_INLINE void operator()(const V& g, V& b, V& w) const {
    const V d = fma(V(l2), w, g);
    b = fma(V(taken), d, V(mu) * b);
    w = fma(V(moved), fma(V(of_b), b, V(of_d) * d), V(shrink) * w);
  }
};
}  // namespace detail

/// With mu the momentum, d the dampening:
///   pytorch: b = mu b + (1 - d) g (first time b = g);  w -= rate * b,                 Nesterov: w -= rate * (g + mu b)
///   keras:   b = mu b - rate g;                        w += b,                        Nesterov: w += mu b - rate g
/// The same for a constant rate; after a change Keras's buffer still carries the old one.
struct Sgd {
  double rate = 1e-2;
  double momentum = 0;
  bool nesterov = false;
  double dampening = 0;  ///< PyTorch's form only
  double weight_decay = 0;
  bool decoupled = false;  ///< decay shrinks the weights by 1 - rate * weight_decay instead of joining the gradient
  Convention convention = Convention::pytorch;
  bool lazy_tables = false;  ///< tables: update touched columns only

  static constexpr std::array<std::string_view, 1> moments{"momentum_buffer"};
  bool uses(std::size_t) const { return momentum != 0; }
  bool moved_by_zero(double decay) const { return momentum != 0 || decay != 0; }

  /// Keras's formula, its decay.
  static Sgd keras(double rate = 1e-2) { return {.rate = rate, .decoupled = true, .convention = Convention::keras}; }

  UNROLL_API void check() const;

  template <class T>
  UNROLL_API void update(const Update& update, Index n, T* w, const T* g, std::array<T*, 1> moment) const;
};

template <class T> void Sgd::update(const Update& update, Index n, T* w, const T* g, std::array<T*, 1> moment) const {
  const detail::Decay decay(update, decoupled);
  const auto step = static_cast<T>(update.rate), mu = static_cast<T>(momentum), l2 = static_cast<T>(decay.l2),
             shrink = static_cast<T>(decay.shrink);
  if (moment[0] == nullptr) {
    for_each_element(n, detail::SgdUpdate<T>{step, l2, shrink}, g, w);
    return;
  }
  const bool keras_form = convention == Convention::keras;
  const T taken = keras_form ? -step : update.count == 1 ? T(1) : static_cast<T>(1 - dampening);
  const detail::MomentumUpdate<T> formula{.l2 = l2,
                                          .shrink = shrink,
                                          .mu = mu,
                                          .taken = taken,
                                          .moved = keras_form ? T(1) : -step,
                                          .of_b = nesterov ? mu : T(1),
                                          .of_d = nesterov ? taken : T(0)};
  for_each_element(n, formula, g, moment[0], w);
}

#define UNROLL_SGD_INSTANCES(DECLARE)                                                                \
  DECLARE void Sgd::update(const Update&, Index, float*, const float*, std::array<float*, 1>) const; \
  DECLARE void Sgd::update(const Update&, Index, double*, const double*, std::array<double*, 1>) const;
#if !UNROLL_HEADER_ONLY
UNROLL_SGD_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/optim/sgd.ipp>
#endif
