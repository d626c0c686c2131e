// Sums in sixteen lanes, with the same bits at every width.
#pragma once

#include <algorithm>

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/level.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Element i enters sum i mod 16, and these are added in a fixed order.
struct LaneSum {
  static constexpr int lanes = 16;

  /// Over n elements: terms(sum, i) is sum with the elements from i on that fill a vector, terms(sum, i, rest) with the
  /// rest.
  template <class V, class T, class Terms> static UNROLL_INLINE T of(Index n, const Terms& terms) {
    constexpr int vectors = lanes / V::width;
    const Index whole = n / lanes * lanes;
    alignas(64) T parts[lanes];
    V sum[vectors];
    for (Index i = 0; i < whole; i += lanes) {
      UNROLL_UNROLL
      for (int v = 0; v < vectors; ++v) sum[v] = terms(sum[v], i + v * V::width);
    }
    for (int v = 0; v < vectors; ++v)
      if (const Index i = whole + v * V::width; i < n) sum[v] = terms(sum[v], i, (std::min<Index>)(V::width, n - i));
    return total<V>(sum, parts);
  }
  template <class V, class T, int vectors> static UNROLL_INLINE T total(const V (&sum)[vectors], T* parts) {
    for (int v = 0; v < vectors; ++v) sum[v].store(parts + v * V::width);
    for (int half = lanes / 2; half > 0; half /= 2)
      for (int k = 0; k < half; ++k) parts[k] += parts[k + half];
    return parts[0];
  }
};

/// sum of a * b.
struct Dot {
  template <class T> struct Terms {
    const T *a, *b;
    template <class V, class... Rest> UNROLL_INLINE V operator()(const V& sum, Index i, Rest... rest) const {
      return fma(V::load(a + i, rest...), V::load(b + i, rest...), sum);
    }
  };
  template <class Isa, class T> static UNROLL_INLINE T run(Index n, const T* a, const T* b) {
    return LaneSum::of<typename Isa::template Vector<T>, T>(n, Terms<T>{a, b});
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
