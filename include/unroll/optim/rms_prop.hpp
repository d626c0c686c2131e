// RMSprop.
#pragma once

#include <tuple>

#include <unroll/kernel/elementwise.hpp>
#include <unroll/optim/rule.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// u = in_buffer * g / (sqrt(s + inside) + outside);  w -= of_buffer * (b or u): the conventions differ in constants.
/// `more` is a where centered, then b where there is momentum.
template <class T, bool centered, bool with_momentum> struct RmsPropUpdate {
  T keep, take, inside, outside, in_buffer, of_buffer, mu, l2, shrink;
  template <class V, class... More> UNROLL_INLINE void operator()(const V& g, V& v, V& w, More&... more) const {
    const V d = fma(V(l2), w, g);
    v = fma(V(take) * d, d, V(keep) * v);
    V s = v;
    if constexpr (centered) {
      V& a = std::get<0>(std::tie(more...));
      a = fma(V(take), d, V(keep) * a);
      s = relu(fma(-a, a, s));  // below zero by rounding alone
    }
    V u = V(in_buffer) * d / (sqrt(s + V(inside)) + V(outside));
    if constexpr (with_momentum) {
      V& b = std::get<centered ? 1 : 0>(std::tie(more...));
      u = b = fma(V(mu), b, u);
    }
    w = fma(V(shrink), w, V(-of_buffer) * u);
  }
};
}  // namespace detail

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

  UNROLL_API void check() const;

  template <class T>
  UNROLL_API void update(const Update& update, Index n, T* w, const T* g, std::array<T*, 3> moment) const;
};

template <class T>
void RmsProp::update(const Update& update, Index n, T* w, const T* g, std::array<T*, 3> moment) const {
  const detail::Decay decay(update, decoupled);
  const auto [v, a, b] = moment;
  const bool keras_form = convention == Convention::keras;
  const auto sweep = [&]<bool with_mean, bool with_momentum>(auto*... more) {
    const detail::RmsPropUpdate<T, with_mean, with_momentum> formula{
        .keep = static_cast<T>(rho),
        .take = static_cast<T>(1 - rho),
        .inside = static_cast<T>(keras_form ? epsilon : 0),
        .outside = static_cast<T>(keras_form ? 0 : epsilon),
        .in_buffer = static_cast<T>(keras_form ? update.rate : 1),
        .of_buffer = static_cast<T>(keras_form ? 1 : update.rate),
        .mu = static_cast<T>(momentum),
        .l2 = static_cast<T>(decay.l2),
        .shrink = static_cast<T>(decay.shrink)};
    for_each_element(n, formula, g, v, w, more...);
  };
  if (a != nullptr && b != nullptr)
    sweep.template operator()<true, true>(a, b);
  else if (a != nullptr)
    sweep.template operator()<true, false>(a);
  else if (b != nullptr)
    sweep.template operator()<false, true>(b);
  else
    sweep.template operator()<false, false>();
}

#define UNROLL_RMS_PROP_INSTANCES(DECLARE)                                                               \
  DECLARE void RmsProp::update(const Update&, Index, float*, const float*, std::array<float*, 3>) const; \
  DECLARE void RmsProp::update(const Update&, Index, double*, const double*, std::array<double*, 3>) const;
#if !UNROLL_HEADER_ONLY
UNROLL_RMS_PROP_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/optim/rms_prop.ipp>
#endif
