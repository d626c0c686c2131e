// The update of dynamic evaluation: a step down the gradient, and one back to the weights that the model came with.
#pragma once

#include <optional>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/parameters.hpp>
#include <unroll/kernel/sweep.hpp>

namespace unroll::inline UNROLL_ABI {

struct DynamicEvaluationOptions {
  Index window = 5;      ///< K: so many tokens are predicted, and then learned from
  double rate = 2e-4;    ///< eta; without mean squares about 0.1 is of use
  double decay = 1e-3;   ///< lambda: the way back to the trained weights, of their distance, at each window
  double epsilon = 0.1;  ///< beside the root of a mean square, as a share of their mean
  double clip_norm = 0;  ///< largest global norm of a window's gradient; 0: none. For DynamicEvaluation alone
};

namespace detail {
UNROLL_API void check_dynamic_evaluation(const DynamicEvaluationOptions& options);

template <class T> struct RootOfShare {
  T share;
  template <class V> UNROLL_INLINE void operator()(V& x) const { x = sqrt(V(share) * x); }
};
/// w += -rate g + decay (start - w)
template <class T> struct DynamicFormula {
  T rate, decay;
  template <class V> UNROLL_INLINE void operator()(const V& g, const V& start, V& w) const {
    w = fma(V(-rate), g, fma(V(decay), start - w, w));
  }
};
/// w += -rate g / (r + epsilon) + min(1, decay r) (start - w)
template <class T> struct ScaledDynamicFormula {
  T rate, decay, epsilon;
  template <class V> UNROLL_INLINE void operator()(const V& g, const V& r, const V& start, V& w) const {
    const V back = clamp(V(decay) * r, V(T(0)), V(T(1)));
    w = fma(V(-rate), g / (r + V(epsilon)), fma(back, start - w, w));
  }
};
}  // namespace detail

/// An optimizer for models that learn on where they are used, whose weights may not drift away: Krause et al. 2018,
/// "Dynamic Evaluation of Neural Sequence Models". With g the gradient of the mean loss of a window and w_0 the weights
/// that the model came with,
///   w += -eta g + lambda (w_0 - w)                                             without mean squares
///   w += -eta g / (r + epsilon mean(r)) + min(1, lambda r / mean(r)) (w_0 - w) with r = sqrt(MS / K)
/// Frozen parameters stay.
template <class M> class DynamicUpdate {
 public:
  using T = typename M::Scalar;

  double share = 1;  ///< of a window: a shorter one moves the weights the less

  /// @param mean_squares  what mean_squared_gradient gives of the same model, if it shall count.
  explicit DynamicUpdate(M model, const DynamicEvaluationOptions& options = {},
                         const std::optional<M>& mean_squares = {})
      : start_(std::move(model)), options_(options), roots_(mean_squares) {
    detail::check_dynamic_evaluation(options_);
    if (roots_) take_roots();
  }

  void step(M& model, const M& gradient) const {
    const auto rate = static_cast<T>(options_.rate * share), decay = static_cast<T>(options_.decay * share);
    if (roots_) {
      const detail::ScaledDynamicFormula<T> formula{rate, static_cast<T>(options_.decay * share / mean_root_),
                                                    static_cast<T>(options_.epsilon * mean_root_)};
      visit(
          [&](const Path&, auto& w, const auto& start, const auto& g, const auto& r) {
            if (w.trainable) detail::sweep(w.size(), formula, g.data(), r.data(), start.data(), w.data());
          },
          model, start_, gradient, *roots_);
    } else {
      visit(
          [&](const Path&, auto& w, const auto& start, const auto& g) {
            if (w.trainable)
              detail::sweep(w.size(), detail::DynamicFormula<T>{rate, decay}, g.data(), start.data(), w.data());
          },
          model, start_, gradient);
    }
  }

 private:
  void take_roots() {
    double sum = 0, count = 0;
    visit(
        [&](const Path& path, const auto& w, auto& r) {
          if (!w.trainable) return;
          require(r.rows() == w.rows() && r.cols() == w.cols(), "DynamicEvaluation: the mean squares of ", path.str(),
                  " are ", r.rows(), " x ", r.cols(), ", expected ", w.rows(), " x ", w.cols());
          require(r.size() == 0 || r.minCoeff() >= 0, "DynamicEvaluation: a mean square of ", path.str(),
                  " is below 0");
          detail::sweep(r.size(), detail::RootOfShare<T>{static_cast<T>(1 / static_cast<double>(options_.window))},
                        r.data());
          sum += r.template cast<double>().sum();
          count += static_cast<double>(r.size());
        },
        start_, *roots_);
    mean_root_ = sum / count;
    require(mean_root_ > 0 && detail::has_finite_bits(mean_root_),
            "DynamicEvaluation: the mean of the roots of the "
            "mean squares is ",
            mean_root_, ", expected a finite number above 0");
  }

  M start_;
  DynamicEvaluationOptions options_;
  std::optional<M> roots_;
  double mean_root_ = 0;
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/dynamic_update.ipp>
#endif
