// How a stream's products are cut into tiles, and the input's part of the gates.
#pragma once

#include <algorithm>
#include <array>

#include <unroll/core/config.hpp>
#include <unroll/kernel/column_product.hpp>
#include <unroll/kernel/load.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Sizes that the compiler knows, or does not.
template <Index Inputs, Index Units, Index Outputs = Units> struct FixedShape {
  static constexpr bool fixed = true;
  static constexpr Index inputs = Inputs, units = Units, outputs = Outputs, block = block_for(Units);
  /// Of W_r.
  static constexpr FixedShape<Units, Outputs> projection() { return {}; }
};
struct DynamicShape {
  static constexpr bool fixed = false;
  static constexpr Index block = widest_block;
  Index inputs, units, outputs = units;
  constexpr DynamicShape projection() const { return {units, outputs}; }
};

template <class Isa, class Shape, class T> using StreamVector = VectorInBlock<Isa, T, Shape::block>;
template <class V> constexpr Index count_vectors(Index rows) { return (rows + V::width - 1) / V::width; }

// A product with a column names
//   layout(shape)                                               where the weights lie
//   most<Isa>                                                   the largest tile
//   tile<Isa, vectors>(shape, the group's first row, row in the group, args...)

/// Can a group leave n vectors over, when it is cut into tiles?
template <class Do, class Isa, class V, class Shape> constexpr bool leaves_vectors(int n) {
  if constexpr (Shape::fixed) {
    constexpr auto layout = Do::layout(Shape{});
    constexpr Index group = layout.blocks_in_group() * Shape::block, rest = Shape::units % group;
    constexpr int most = Do::template most<Isa>;
    return (Shape::units >= group && count_vectors<V>(group) % most == n) || count_vectors<V>(rest) % most == n;
  } else {
    return true;
  }
}
template <class V, class Shape> constexpr bool may_fill_tile(int most) {
  if constexpr (Shape::fixed)
    return count_vectors<V>(Shape::units) >= most;
  else
    return true;
}
template <class Do, class Isa, class V, int n, class Shape, class... Args>
UNROLL_INLINE void rest_of_tiles(Index left, const Shape& shape, const Args&... args) {
  if constexpr (n > 0) {
    if constexpr (leaves_vectors<Do, Isa, V, Shape>(n)) {
      if (left == n) return Do::template tile<Isa, n>(shape, args...);
    }
    rest_of_tiles<Do, Isa, V, n - 1>(left, shape, args...);
  }
}
/// All rows, group by group, from the first or from the last.
template <class Do, class Isa, class T, class Shape, class... Args>
UNROLL_INLINE void for_each_tile(const Shape& shape, bool backwards, const Args&... args) {
  using V = StreamVector<Isa, Shape, T>;
  constexpr int most = Do::template most<Isa>;
  const Index group = Do::layout(shape).blocks_in_group() * Shape::block, groups = (shape.units + group - 1) / group;
  for (Index k = 0; k < groups; ++k) {
    const Index first = (backwards ? groups - 1 - k : k) * group;
    const Index vectors = count_vectors<V>((std::min)(shape.units - first, group));
    Index v = 0;
    if constexpr (may_fill_tile<V, Shape>(most))
      for (; v + most <= vectors; v += most) Do::template tile<Isa, most>(shape, first, v * V::width, args...);
    rest_of_tiles<Do, Isa, V, most - 1>(vectors - v, shape, first, v * V::width, args...);
  }
}

/// W x + b of a few columns, which share what is loaded. Two partial sums each, whatever their number.
template <int G, class Shape, class T, int columns> struct ProjectColumns {
  template <class Isa> static constexpr int most = 1;
  static constexpr ColumnLayout<G> layout(const Shape& shape) { return {shape.units, shape.inputs, Shape::block}; }

  template <class Isa, int, class Stored>
  static UNROLL_INLINE void tile(const Shape& shape, Index group, Index row, const Stored* input, const T* scale,
                                 const T* bias, const T* x, Index x_stride, T* projected) {
    using V = StreamVector<Isa, Shape, T>;
    const auto at = layout(shape);
    const Index padded = at.padded(), stride = at.stride(group / Shape::block);
    const Stored* weights = input + at.begin(group / Shape::block) + at.within(row);
    auto even = zeros<V, columns * G>(), odd = zeros<V, columns * G>();
    Index k = 0;
    for (; k + 2 <= shape.inputs; k += 2, weights += 2 * stride) {
      add_columns(even, weights, x + k, x_stride);
      add_columns(odd, weights + stride, x + k + 1, x_stride);
    }
    if (k < shape.inputs) add_columns(even, weights, x + k, x_stride);
    UNROLL_UNROLL
    for (std::size_t g = 0; g < G; ++g) {
      const Index to = Index(g) * padded + group + row;
      const V b = V::load(bias + to);
      UNROLL_UNROLL
      for (std::size_t c = 0; c < columns; ++c) {
        const V sum = even[g * columns + c] + odd[g * columns + c];
        (std::is_same_v<Stored, T> ? sum + b : fma(sum, V::load(scale + to), b))
            .store(projected + Index(c) * G * padded + to);
      }
    }
  }
  template <class V, class Stored>
  static UNROLL_INLINE void add_columns(Registers<V, columns * G>& sum, const Stored* weights, const T* x,
                                        Index x_stride) {
    V element[columns];
    UNROLL_UNROLL
    for (std::size_t c = 0; c < columns; ++c) element[c] = V::fill(x + Index(c) * x_stride);
    UNROLL_UNROLL
    for (std::size_t g = 0; g < G; ++g) {
      const V weight = load_as<V>(weights + Index(g) * Shape::block);
      UNROLL_UNROLL
      for (std::size_t c = 0; c < columns; ++c) sum[g * columns + c] = fma(weight, element[c], sum[g * columns + c]);
    }
  }
};
/// n columns of x to `projected`, [column][gate][padded unit]. Bits do not depend on n.
template <class Isa, int G, class Shape, class T, class Stored>
UNROLL_INLINE void project(const Shape& shape, const Stored* input, const T* scale, const T* bias, const T* x,
                           Index x_stride, Index n, T* projected) {
  constexpr int columns = Isa::registers >= 32 ? 3 : 1;
  using Some = ProjectColumns<G, Shape, T, columns>;
  using One = ProjectColumns<G, Shape, T, 1>;
  const Index size = G * One::layout(shape).padded();
  Index t = 0;
  for (; t + columns <= n; t += columns)
    for_each_tile<Some, Isa, T>(shape, false, input, scale, bias, x + t * x_stride, x_stride, projected + t * size);
  if constexpr (columns > 1)
    for (; t < n; ++t)
      for_each_tile<One, Isa, T>(shape, false, input, scale, bias, x + t * x_stride, x_stride, projected + t * size);
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
