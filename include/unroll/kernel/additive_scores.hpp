// The score of additive attention, v . tanh(q + k), and its gradient, in one sweep each.
#pragma once

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/lane_sum.hpp>
#include <unroll/kernel/level.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

/// sum of v * tanh(q + k).
struct AdditiveScore {
  template <class T> struct Terms {
    const T *q, *k, *v;
    template <class V, class... Rest> UNROLL_INLINE V operator()(const V& sum, Index i, Rest... rest) const {
      return fma(V::load(v + i, rest...), tanh(V::load(q + i, rest...) + V::load(k + i, rest...)), sum);
    }
  };
  template <class Isa, class T> static UNROLL_INLINE T run(Index n, const T* q, const T* k, const T* v) {
    return LaneSum::of<typename Isa::template Vector<T>, T>(n, Terms<T>{q, k, v});
  }
};

/// The gradients of q, k and v +=, from that of the score.
template <class T> struct AdditiveScoreBackward {
  T d_score;
  template <class V> UNROLL_INLINE void operator()(const V& q, const V& k, const V& v, V& dq, V& dk, V& dv) const {
    const V u = tanh(q + k), d = V(d_score) * v * (V(T(1)) - u * u);
    dq += d;
    dk += d;
    dv = fma(V(d_score), u, dv);
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
