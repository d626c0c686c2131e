// What a kind's `apply` does to one column after the other, for streams.
#pragma once

#include <cstddef>

#include <unroll/kind/layer_kind.hpp>
#include <unroll/kind/sample_weights.hpp>
#include <unroll/stream/kernel/activations.hpp>
#include <unroll/stream/kernel/tiles.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class T, std::size_t tensors, std::size_t numbers>
SampleWeights<T, tensors, numbers> weights_of(void (*)(const SampleWeights<T, tensors, numbers>&, const T*, T*, Index));
/// What `apply` of a kind wants beside the values of a step.
template <class K, class T>
using FunctionWeights = decltype(weights_of(&K::template apply<Activated<Simd<T, 1>, stream::Accurate>, T>));

/// A kind whose layer has no state, and that says what it does to the values of one step: `apply`, over a value type.
template <class K>
concept FunctionOfStep = requires { typename FunctionWeights<K, float>; };

/// y = f(x), column by column, as many values as come. Columns are padded: whole vectors.
template <class K, class T, class Shape> struct StreamFunction {
  template <class Isa>
  static UNROLL_INLINE void run(const Shape& shape, const FunctionWeights<K, T>& weights, const T* x, Index x_stride,
                                T* y, Index y_stride, Index n) {
    using V = Activated<StreamVector<Isa, Shape, T>, stream::Accurate>;
    for (Index t = 0; t < n; ++t, x += x_stride, y += y_stride) K::template apply<V>(weights, x, y, shape.units);
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
