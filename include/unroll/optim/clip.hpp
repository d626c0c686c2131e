// Gradient clipping, all in place. Sums are in double and in an order that depends on the shapes alone.
#pragma once

#include <algorithm>
#include <cmath>

#include <unroll/core/parameters.hpp>
#include <unroll/kernel/elementwise.hpp>
#include <unroll/kernel/parallel.hpp>
#include <unroll/optim/runs.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class P> double squared_norm(const P& p) {
  double total = 0;
  for_each_run(p, [&](const auto* x, Index n) {
    constexpr Index most = 64, least = 16384;  // pieces that n alone decides, so that threads cannot
    const Index pieces = std::clamp<Index>(n / least, 1, most);
    double sums[most];
    parallel_ranges(pieces, 1, [&](Index first, Index last) {
      for (Index k = first; k < last; ++k)
        sums[k] = sum_of_squares(n * (k + 1) / pieces - n * k / pieces, x + n * k / pieces);
    });
    for (Index k = 0; k < pieces; ++k) total += sums[k];
  });
  return total;
}

template <class P> void scale_runs(P& p, double factor) {
  using T = typename P::Scalar;
  for_each_run(p, [&](T* x, Index n) {
    parallel_ranges(n, 16384,
                    [x, s = static_cast<T>(factor)](Index first, Index last) { scale(last - first, s, x + first); });
  });
}

template <class T> struct Limit {
  T most;
  template <class V> UNROLL_INLINE void operator()(V& x) const { x = or_nan(x, clamp(x, V(-most), V(most))); }
};
}  // namespace detail

/// The Euclidean norm of all gradients as one vector. Of a table only the touched columns are read.
template <Visitable M> double global_norm(const M& gradient) {
  double total = 0;
  visit(
      [&](const Path& path, const auto& g) {
        detail::check_touched("global_norm", path, g);
        total += detail::squared_norm(g);
      },
      gradient);
  return std::sqrt(total);
}

struct ClipOptions {
  double epsilon = 0;  ///< added to the norm that is divided by; PyTorch's clip_grad_norm_ has 1e-6
};

/// Scales all gradients by one factor so that their global norm is at most `max_norm`. Returns the norm before; the
/// norm afterwards is min(before, max_norm), up to rounding and epsilon. A norm that is not finite is returned and
/// nothing is scaled. Keras's `global_clipnorm`.
template <Visitable M> double clip_by_global_norm(M& gradient, double max_norm, ClipOptions options = {}) {
  detail::require_positive("clip_by_global_norm", "the limit", max_norm);
  detail::require_not_negative("clip_by_global_norm", "epsilon", options.epsilon);
  const double norm = global_norm(gradient), factor = max_norm / (norm + options.epsilon);
  if (factor < 1 && detail::has_finite_bits(norm))
    visit([&](const Path&, auto& g) { detail::scale_runs(g, factor); }, gradient);
  return norm;
}

/// Scales each parameter's gradient so that its own norm is at most `max_norm`: Keras's `clipnorm`. Returns the global
/// norm before.
template <Visitable M> double clip_each_by_norm(M& gradient, double max_norm) {
  detail::require_positive("clip_each_by_norm", "the limit", max_norm);
  double total = 0;
  visit(
      [&](const Path& path, auto& g) {
        detail::check_touched("clip_each_by_norm", path, g);
        const double squared = detail::squared_norm(g), norm = std::sqrt(squared);
        total += squared;
        if (norm > max_norm && detail::has_finite_bits(norm)) detail::scale_runs(g, max_norm / norm);
      },
      gradient);
  return std::sqrt(total);
}

/// Moves every element of the gradients into -limit .. limit: Keras's `clipvalue`. NaN stays NaN.
template <Visitable M> void clip_by_value(M& gradient, double limit) {
  detail::require_positive("clip_by_value", "the limit", limit);
  visit(
      [&](const Path& path, auto& g) {
        detail::check_touched("clip_by_value", path, g);
        using T = typename std::remove_cvref_t<decltype(g)>::Scalar;
        detail::for_each_run(g, [&](T* x, Index n) {
          parallel_ranges(n, 16384, [x, limited = detail::Limit<T>{static_cast<T>(limit)}](Index first, Index last) {
            for_each_element(last - first, limited, x + first);
          });
        });
      },
      gradient);
}

}  // namespace unroll::inline UNROLL_ABI
