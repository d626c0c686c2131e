// An affine map of one column, and functions of its elements, for streams.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <unroll/core/config.hpp>
#include <unroll/stream/kernel/activations.hpp>
#include <unroll/stream/kernel/tiles.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

#if UNROLL_HAS_VECTORS
template <class T, int W, class Level, std::size_t... lane>
UNROLL_INLINE Simd<T, W / 2> upper_half(const Simd<T, W, Level>& x, std::index_sequence<lane...>) {
  return Simd<T, W / 2>::from(__builtin_shufflevector(x.lanes(), x.lanes(), (W / 2 + static_cast<int>(lane))...));
}
template <class T, int W, class Level, std::size_t... lane>
UNROLL_INLINE Simd<T, W / 2> lower_half(const Simd<T, W, Level>& x, std::index_sequence<lane...>) {
  return Simd<T, W / 2>::from(__builtin_shufflevector(x.lanes(), x.lanes(), static_cast<int>(lane)...));
}
#endif
/// The sum of all lanes, in halves.
template <class T, int W, class Level> UNROLL_INLINE T sum_of_lanes(const Simd<T, W, Level>& x) {
  if constexpr (W == 1) {
    return x[0];
#if UNROLL_HAS_VECTORS
  } else if constexpr (W * sizeof(T) > 16) {
    return sum_of_lanes(lower_half(x, std::make_index_sequence<W / 2>()) +
                        upper_half(x, std::make_index_sequence<W / 2>()));
  } else if constexpr (W == 4) {
    const auto lanes = x.lanes();
    const auto pairs = lanes + __builtin_shufflevector(lanes, lanes, 2, 3, 0, 1);
    return pairs[0] + pairs[1];
  } else {
    return x[0] + x[1];
#endif
  }
}

/// y = W x + b. Up to this many outputs are sums of products, row by row; more are products with a column.
inline constexpr Index most_dots = 3;

/// W as `StreamDense` reads it: rows padded, or packed as ColumnLayout<1>.
struct DenseLayout {
  Index inputs, outputs, block;
  constexpr bool dots() const { return outputs <= most_dots; }
  constexpr Index row_stride() const { return (inputs + widest_block - 1) / widest_block * widest_block; }
  constexpr ColumnLayout<1> column() const { return {outputs, inputs, block}; }
  constexpr Index size() const { return dots() ? outputs * row_stride() : column().size(); }
  constexpr Index at(Index row, Index k) const { return dots() ? row * row_stride() + k : column().at(row, 0, k); }
};

/// `to` = W (outputs, inputs), column by column.
template <class T> constexpr void pack_dense(const DenseLayout& layout, std::span<const T> from, T* to) {
  for (Index k = 0; k < layout.inputs; ++k)
    for (Index o = 0; o < layout.outputs; ++o)
      to[layout.at(o, k)] = from[static_cast<std::size_t>(k * layout.outputs + o)];
}

template <class T, class Shape> struct StreamDense {
  template <class Isa>
  static UNROLL_INLINE void run(const Shape& shape, const T* weights, const T* bias, const T* x, Index x_stride, T* y,
                                Index y_stride, Index n) {
    const DenseLayout layout{shape.inputs, shape.units, Shape::block};
    for (Index t = 0; t < n; ++t, x += x_stride, y += y_stride)
      if (layout.dots()) {
        for (Index o = 0; o < shape.units; ++o) y[o] = bias[o] + dot<Isa>(weights + layout.at(o, 0), x, shape.inputs);
      } else {
        for_each_tile<Tile, Isa, T>(shape, false, weights, bias, x, y);
      }
  }

 private:
  template <class Isa> static UNROLL_INLINE T dot(const T* a, const T* b, Index n) {
    using V = typename Isa::template Vector<T>;
    V sum[2];
    Index k = 0;
    for (; k + 2 * V::width <= n; k += 2 * V::width) {
      sum[0] = fma(V::load(a + k), V::load(b + k), sum[0]);
      sum[1] = fma(V::load(a + k + V::width), V::load(b + k + V::width), sum[1]);
    }
    for (; k + V::width <= n; k += V::width) sum[0] = fma(V::load(a + k), V::load(b + k), sum[0]);
    if (k < n) sum[1] = fma(V::load(a + k, n - k), V::load(b + k, n - k), sum[1]);
    return sum_of_lanes(sum[0] + sum[1]);
  }
  struct Tile {
    template <class Isa> static constexpr int most = ColumnTiling<Isa, 1>::vectors;
    static constexpr ColumnLayout<1> layout(const Shape& shape) { return {shape.units, shape.inputs, Shape::block}; }

    template <class Isa, int vectors>
    static UNROLL_INLINE void tile(const Shape& shape, Index group, Index row, const T* weights, const T* bias,
                                   const T* x, T* y) {
      using V = StreamVector<Isa, Shape, T>;
      const auto at = layout(shape);
      const Index block = group / Shape::block;
      auto sum = zeros<V, vectors>();
      UNROLL_UNROLL
      for (std::size_t v = 0; v < vectors; ++v) sum[v] = V::load(bias + group + row + Index(v) * V::width);
      multiply_column<V, vectors, 1, ColumnTiling<Isa, 1>::parts(vectors)>(sum, weights + at.begin(block), at,
                                                                           at.stride(block), row, x, shape.inputs);
      UNROLL_UNROLL
      for (std::size_t v = 0; v < vectors; ++v) sum[v].store(y + group + row + Index(v) * V::width);
    }
  };
};

/// y = f(x), element by element. Columns are padded: whole vectors.
template <class Function, class T, class Shape> struct StreamActivation {
  template <class Isa>
  static UNROLL_INLINE void run(const Shape& shape, const T* x, Index x_stride, T* y, Index y_stride, Index n) {
    using V = Activated<StreamVector<Isa, Shape, T>, stream::Accurate>;
    for (Index t = 0; t < n; ++t, x += x_stride, y += y_stride)
      for (Index k = 0; k < shape.units; k += V::width) Function::value(V::load(x + k)).store(y + k);
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
