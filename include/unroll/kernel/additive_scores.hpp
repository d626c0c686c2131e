// The score of additive attention, v . tanh(q + k), and its gradient, in one sweep each.
#pragma once

#include <algorithm>

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/softmax.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

/// sum of v * tanh(q + k). Element i enters sum i mod 16, as in SoftmaxColumns.
struct AdditiveScore {
  static constexpr int lanes = SoftmaxColumns::lanes;

  template <class Isa, class T> static UNROLL_INLINE T run(Index n, const T* q, const T* k, const T* v) {
    using V = typename Isa::template Vector<T>;
    constexpr int vectors = lanes / V::width;
    const Index whole = n / lanes * lanes;
    alignas(64) T parts[lanes];
    V sum[vectors];
    for (Index i = 0; i < whole; i += lanes)
      for (int j = 0; j < vectors; ++j) {
        const Index at = i + j * V::width;
        sum[j] = fma(V::load(v + at), tanh(V::load(q + at) + V::load(k + at)), sum[j]);
      }
    for (int j = 0; j < vectors; ++j)
      if (const Index at = whole + j * V::width; at < n) {
        const Index rest = (std::min<Index>)(V::width, n - at);
        sum[j] = fma(V::load(v + at, rest), tanh(V::load(q + at, rest) + V::load(k + at, rest)), sum[j]);
      }
    return SoftmaxColumns::total<V>(sum, parts);
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

/// sum of a * b. Element i enters sum i mod 16.
struct Dot {
  static constexpr int lanes = SoftmaxColumns::lanes;

  template <class Isa, class T> static UNROLL_INLINE T run(Index n, const T* a, const T* b) {
    using V = typename Isa::template Vector<T>;
    constexpr int vectors = lanes / V::width;
    const Index whole = n / lanes * lanes;
    alignas(64) T parts[lanes];
    V sum[vectors];
    for (Index i = 0; i < whole; i += lanes)
      for (int j = 0; j < vectors; ++j)
        sum[j] = fma(V::load(a + i + j * V::width), V::load(b + i + j * V::width), sum[j]);
    for (int j = 0; j < vectors; ++j)
      if (const Index at = whole + j * V::width; at < n) {
        const Index rest = (std::min<Index>)(V::width, n - at);
        sum[j] = fma(V::load(a + at, rest), V::load(b + at, rest), sum[j]);
      }
    return SoftmaxColumns::total<V>(sum, parts);
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
