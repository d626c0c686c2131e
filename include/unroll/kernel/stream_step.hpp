// A recurrent cell that takes one sample after the other: products with one column and the cell's equations.
#pragma once

#include <algorithm>
#include <array>

#include <unroll/core/config.hpp>
#include <unroll/kernel/activations.hpp>
#include <unroll/kernel/column_product.hpp>
#include <unroll/kernel/step_arguments.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Sizes that the compiler knows, or does not.
template <Index Inputs, Index Units> struct FixedShape {
  static constexpr bool fixed = true;
  static constexpr Index inputs = Inputs, units = Units, block = block_for(Units);
};
struct DynamicShape {
  static constexpr bool fixed = false;
  static constexpr Index block = widest_block;
  Index inputs, units;
};

/// No wider than a block.
template <class Isa, class Shape, class T>
using StreamVector = Simd<T, static_cast<int>(std::min<Index>(Shape::block, Isa::template width<T>))>;
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
    const Index vectors = count_vectors<V>(std::min(shape.units - first, group));
    Index v = 0;
    if constexpr (!Shape::fixed || count_vectors<V>(Shape::units) >= most)
      for (; v + most <= vectors; v += most) Do::template tile<Isa, most>(shape, first, v * V::width, args...);
    rest_of_tiles<Do, Isa, V, most - 1>(vectors - v, shape, first, v * V::width, args...);
  }
}

/// The weights of a pointwise cell as its steps read them. Per unit and gate: [gate][padded unit].
template <class T> struct StreamWeights {
  const T* input;           ///< W, packed as ColumnLayout<GX>
  const T* bias;            ///< b, with b_h in it where the equations see only sums
  const T* recurrent;       ///< U, packed as ColumnLayout<GU>
  const T* recurrent_bias;  ///< b_h
  const T* unit;            ///< [parameter][padded unit]
};

/// n steps of cell E: x of step t at x + t * x_stride, its h to y + t * padded units. `fields` hold the state, padded.
/// `projected` has room for n columns of GX * padded units where there is more than one input. `backwards` is part of
/// the state.
template <class E, class Functions, class Shape, class T = typename E::Scalar> struct StreamSteps {
  static constexpr int GX = E::GX, GU = E::GU, S = E::S, P = E::P;
  using Fields = std::array<T*, static_cast<std::size_t>(S)>;

  template <class Isa>
  static UNROLL_INLINE void run(const Shape& shape, const StreamWeights<T>& w, const Fields& fields, bool& backwards,
                                const T* x, Index x_stride, T* y, Index n, T* projected) {
    const Index padded = Advance::layout(shape).padded();
    if (shape.inputs != 1) {
      constexpr int columns = Isa::registers >= 32 ? 3 : 1;
      Index t = 0;
      for (; t + columns <= n; t += columns) project<Isa, columns>(shape, w, x + t * x_stride, x_stride, projected, t);
      if constexpr (columns > 1)
        for (; t < n; ++t) project<Isa, 1>(shape, w, x + t * x_stride, x_stride, projected, t);
    }
    for (Index t = 0; t < n; ++t) {
      // In one tile every sum is complete before the first h is written; else the old h must stay until the last.
      const T* h = is_single_tile<Isa>() || t == 0 ? fields[0] : y + (t - 1) * padded;
      for_each_tile<Advance, Isa, T>(shape, backwards, w, fields, x + t * x_stride, projected + t * GX * padded, h,
                                     y + t * padded);
      backwards = !backwards;
    }
    if constexpr (!is_single_tile<Isa>()) std::copy_n(y + (n - 1) * padded, shape.units, fields[0]);
  }

 private:
  template <class Isa> using Vector = StreamVector<Isa, Shape, T>;
  template <class Isa> static constexpr bool is_single_tile() {
    if constexpr (Shape::fixed)
      return count_vectors<Vector<Isa>>(Shape::units) <= Advance::template most<Isa> &&
             Shape::units <= Advance::layout(Shape{}).blocks_in_group() * Shape::block;
    else
      return false;
  }

  /// W x + b of a few columns, which share what is loaded. Two partial sums each, whatever their number.
  template <int columns> struct Project {
    template <class Isa> static constexpr int most = 1;
    static constexpr ColumnLayout<GX> layout(const Shape& shape) { return {shape.units, shape.inputs, Shape::block}; }

    template <class Isa, int>
    static UNROLL_INLINE void tile(const Shape& shape, Index group, Index row, const StreamWeights<T>& w, const T* x,
                                   Index x_stride, T* projected) {
      using V = Vector<Isa>;
      const auto at = layout(shape);
      const Index padded = at.padded(), stride = at.stride(group / Shape::block);
      const T* weights = w.input + at.begin(group / Shape::block) + at.within(row);
      auto even = zeros<V, columns * GX>(), odd = zeros<V, columns * GX>();
      Index k = 0;
      for (; k + 2 <= shape.inputs; k += 2, weights += 2 * stride) {
        add_columns(even, weights, x + k, x_stride);
        add_columns(odd, weights + stride, x + k + 1, x_stride);
      }
      if (k < shape.inputs) add_columns(even, weights, x + k, x_stride);
      UNROLL_UNROLL
      for (std::size_t g = 0; g < GX; ++g) {
        const Index to = Index(g) * padded + group + row;
        const V bias = V::load(w.bias + to);
        UNROLL_UNROLL
        for (std::size_t c = 0; c < columns; ++c)
          ((even[g * columns + c] + odd[g * columns + c]) + bias).store(projected + Index(c) * GX * padded + to);
      }
    }
    template <class V>
    static UNROLL_INLINE void add_columns(Registers<V, columns * GX>& sum, const T* weights, const T* x,
                                          Index x_stride) {
      V element[columns];
      UNROLL_UNROLL
      for (std::size_t c = 0; c < columns; ++c) element[c] = V::fill(x + Index(c) * x_stride);
      UNROLL_UNROLL
      for (std::size_t g = 0; g < GX; ++g) {
        const V weight = V::load(weights + Index(g) * Shape::block);
        UNROLL_UNROLL
        for (std::size_t c = 0; c < columns; ++c) sum[g * columns + c] = fma(weight, element[c], sum[g * columns + c]);
      }
    }
  };
  template <class Isa, int columns>
  static UNROLL_INLINE void project(const Shape& shape, const StreamWeights<T>& w, const T* x, Index x_stride,
                                    T* projected, Index t) {
    for_each_tile<Project<columns>, Isa, T>(shape, false, w, x, x_stride,
                                            projected + t * GX * Advance::layout(shape).padded());
  }

  /// U h + b_h, and the equations.
  struct Advance {
    template <class Isa> static constexpr int most = ColumnTiling<Isa, GU>::vectors;
    static constexpr ColumnLayout<GU> layout(const Shape& shape) { return {shape.units, shape.units, Shape::block}; }

    template <class Isa, int n>
    static UNROLL_INLINE void tile(const Shape& shape, Index group, Index row, const StreamWeights<T>& w,
                                   const Fields& fields, const T* x, const T* projected, const T* h, T* y) {
      using V = Vector<Isa>;
      using A = Activated<V, Functions>;
      const ColumnLayout<GX> input{shape.units, shape.inputs, Shape::block};
      const auto recurrent = layout(shape);
      const Index padded = recurrent.padded(), block = group / Shape::block;
      auto u = zeros<V, n * GU>();
      if constexpr (!E::same_ports) {
        UNROLL_UNROLL
        for (std::size_t v = 0; v < n; ++v) {
          UNROLL_UNROLL
          for (std::size_t g = 0; g < GU; ++g)
            u[v * GU + g] = V::load(w.recurrent_bias + Index(g) * padded + group + row + Index(v) * V::width);
        }
      }
      if constexpr (GU > 0)
        multiply_column<V, n, GU, ColumnTiling<Isa, GU>::parts(n)>(u, w.recurrent + recurrent.begin(block), recurrent,
                                                                   recurrent.stride(block), row, h, shape.units);
      UNROLL_UNROLL
      for (std::size_t v = 0; v < n; ++v) {
        const Index unit = group + row + Index(v) * V::width;
        std::array<A, E::P> p;
        std::array<A, E::GX> x_values;
        std::array<A, E::GU> u_values;
        std::array<A, E::S> prev, next;
        std::array<A, E::C> cache;
        UNROLL_UNROLL
        for (std::size_t f = 0; f < P; ++f) p[f] = V::load(w.unit + Index(f) * padded + unit);
        UNROLL_UNROLL
        for (std::size_t g = 0; g < GX; ++g) {
          const T* at = (shape.inputs == 1 ? w.bias : projected) + Index(g) * padded + unit;
          x_values[g] = shape.inputs == 1 ? fma(V::load(w.input + input.within(unit) + Index(g) * Shape::block),
                                                V::fill(x), V::load(at))
                                          : V::load(at);
        }
        UNROLL_UNROLL
        for (std::size_t g = 0; g < GU; ++g) u_values[g] = u[v * GU + g];
        prev[0] = V::load(h + unit);
        UNROLL_UNROLL
        for (std::size_t f = 1; f < S; ++f) prev[f] = V::load(fields[f] + unit);
        call_forward<E, A>(p, x_values, u_values, prev, next, cache);
        next[0].value().store(y + unit);
        if constexpr (is_single_tile<Isa>()) next[0].value().store(fields[0] + unit);
        UNROLL_UNROLL
        for (std::size_t f = 1; f < S; ++f) next[f].value().store(fields[f] + unit);
      }
    }
  };
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
