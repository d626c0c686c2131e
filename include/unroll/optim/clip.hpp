// Gradient clipping, all in place. Sums are in double and in an order that depends on the shapes alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <unroll/core/finite.hpp>
#include <unroll/core/model_ref.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/core/parameters.hpp>
#include <unroll/core/range.hpp>
#include <unroll/kernel/sweep.hpp>
#include <unroll/optim/runs.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class T> struct Limit {
  T most;
  template <class V> UNROLL_INLINE void operator()(V& x) const { x = or_nan(x, clamp(x, V(-most), V(most))); }
};

// Of a gradient, whose runs are all of it or the columns touched.
template <class T> UNROLL_API double squared_norm(const Matrix<T>& g, const std::vector<Index>* touched);
template <class T> UNROLL_API void scale_runs(Matrix<T>& g, const std::vector<Index>* touched, double factor);
template <class T> UNROLL_API void limit_runs(Matrix<T>& g, const std::vector<Index>* touched, double limit);

template <class T> double squared_norm(const Matrix<T>& g, const std::vector<Index>* touched) {
  double total = 0;
  for_each_run(g, touched, [&](const T* x, Index n) {
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
template <class T> void scale_runs(Matrix<T>& g, const std::vector<Index>* touched, double factor) {
  for_each_run(g, touched, [&](T* x, Index n) { sweep(n, Scale<T>{static_cast<T>(factor)}, x); });
}
template <class T> void limit_runs(Matrix<T>& g, const std::vector<Index>* touched, double limit) {
  for_each_run(g, touched, [&](T* x, Index n) { sweep(n, Limit<T>{static_cast<T>(limit)}, x); });
}

#define UNROLL_CLIP_INSTANCES(DECLARE, T)                                   \
  DECLARE double squared_norm(const Matrix<T>&, const std::vector<Index>*); \
  DECLARE void scale_runs(Matrix<T>&, const std::vector<Index>*, double);   \
  DECLARE void limit_runs(Matrix<T>&, const std::vector<Index>*, double);
#if !UNROLL_HEADER_ONLY
UNROLL_CLIP_INSTANCES(extern template, float)
UNROLL_CLIP_INSTANCES(extern template, double)
#endif

// What is done to each parameter: no lambdas, which would be compiled for each model again.
template <class P> double checked_squared_norm(const char* who, const Path& path, const P& g) {
  check_touched(who, path, g.cols(), touched_columns(g));
  return squared_norm(g, touched_columns(g));
}
struct SumSquares {
  double total = 0;
  template <class P> void operator()(const Path& path, const P& g) {
    total += checked_squared_norm("global_norm", path, g);
  }
};
struct ScaleRuns {
  double factor;
  template <class P> void operator()(const Path&, P& g) const { scale_runs(g, touched_columns(g), factor); }
};
struct ClipEach {
  double max_norm, total = 0;
  template <class P> void operator()(const Path& path, P& g) {
    const double squared = checked_squared_norm("clip_each_by_norm", path, g), norm = std::sqrt(squared);
    total += squared;
    if (norm > max_norm && has_finite_bits(norm)) scale_runs(g, touched_columns(g), max_norm / norm);
  }
};
struct ClipByValue {
  double limit;
  template <class P> void operator()(const Path& path, P& g) const {
    check_touched("clip_by_value", path, g.cols(), touched_columns(g));
    limit_runs(g, touched_columns(g), limit);
  }
};
}  // namespace detail

/// The Euclidean norm of all gradients as one vector. Of a table only the touched columns are read.
template <class M> UNROLL_API double global_norm(const M& gradient) {
  static_assert(Visitable<M>);
  if constexpr (detail::is_erasable<M>) {
    return global_norm(detail::ErasedModel<typename M::Scalar>(gradient));
  } else {
    detail::SumSquares sum;
    visit(sum, gradient);
    return std::sqrt(sum.total);
  }
}

struct ClipOptions {
  double epsilon = 0;  ///< added to the norm that is divided by; PyTorch's clip_grad_norm_ has 1e-6
};

/// Scales all gradients by one factor so that their global norm is at most `max_norm`. Returns the norm before; the
/// norm afterwards is min(before, max_norm), up to rounding and epsilon. A norm that is not finite is returned and
/// nothing is scaled. Keras's `global_clipnorm`.
template <class M> UNROLL_API double clip_by_global_norm(M& gradient, double max_norm, ClipOptions options = {}) {
  static_assert(Visitable<M>);
  if constexpr (detail::is_erasable<M>) {
    detail::ErasedModel<typename M::Scalar> erased(gradient);
    return clip_by_global_norm(erased, max_norm, options);
  } else {
    detail::require_positive("clip_by_global_norm", "the limit", max_norm);
    detail::require_not_negative("clip_by_global_norm", "epsilon", options.epsilon);
    const double norm = global_norm(gradient), factor = max_norm / (norm + options.epsilon);
    if (factor < 1 && detail::has_finite_bits(norm)) visit(detail::ScaleRuns{factor}, gradient);
    return norm;
  }
}

/// Scales each parameter's gradient so that its own norm is at most `max_norm`: Keras's `clipnorm`. Returns the global
/// norm before.
template <class M> UNROLL_API double clip_each_by_norm(M& gradient, double max_norm) {
  static_assert(Visitable<M>);
  if constexpr (detail::is_erasable<M>) {
    detail::ErasedModel<typename M::Scalar> erased(gradient);
    return clip_each_by_norm(erased, max_norm);
  } else {
    detail::require_positive("clip_each_by_norm", "the limit", max_norm);
    detail::ClipEach clip{max_norm};
    visit(clip, gradient);
    return std::sqrt(clip.total);
  }
}

/// Moves every element of the gradients into -limit .. limit: Keras's `clipvalue`. NaN stays NaN.
template <class M> UNROLL_API void clip_by_value(M& gradient, double limit) {
  static_assert(Visitable<M>);
  if constexpr (detail::is_erasable<M>) {
    detail::ErasedModel<typename M::Scalar> erased(gradient);
    clip_by_value(erased, limit);
  } else {
    detail::require_positive("clip_by_value", "the limit", limit);
    visit(detail::ClipByValue{limit}, gradient);
  }
}

#define UNROLL_CLIP_MODEL_INSTANCES(DECLARE, T)                                     \
  DECLARE double global_norm(const detail::ErasedModel<T>&);                        \
  DECLARE double clip_by_global_norm(detail::ErasedModel<T>&, double, ClipOptions); \
  DECLARE double clip_each_by_norm(detail::ErasedModel<T>&, double);                \
  DECLARE void clip_by_value(detail::ErasedModel<T>&, double);
#if !UNROLL_HEADER_ONLY
UNROLL_CLIP_MODEL_INSTANCES(extern template, float)
UNROLL_CLIP_MODEL_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
