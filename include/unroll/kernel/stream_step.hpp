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

/// Can a group of G gates leave n vectors over, when it is cut into tiles of `most`?
template <class V, class Shape, int G, int most> constexpr bool leaves_vectors(int n) {
  if constexpr (Shape::fixed) {
    constexpr Index group = ColumnLayout<G>::blocks_in_group * Shape::block, rest = Shape::units % group;
    return (Shape::units >= group && count_vectors<V>(group) % most == n) || count_vectors<V>(rest) % most == n;
  } else {
    return true;
  }
}
template <class Do, class Isa, class T, int G, int n, class Shape, class... Args>
UNROLL_INLINE void rest_of_tiles(Index left, const Shape& shape, const Args&... args) {
  if constexpr (n > 0) {
    if constexpr (leaves_vectors<StreamVector<Isa, Shape, T>, Shape, G, ColumnTiling<Isa, G>::vectors>(n)) {
      if (left == n) return Do::template tile<Isa, n>(shape, args...);
    }
    rest_of_tiles<Do, Isa, T, G, n - 1>(left, shape, args...);
  }
}
/// Calls Do::tile<Isa, vectors>(shape, the group's first block, its first row, row in the group, args...) for all rows.
template <class Do, class Isa, class T, int G, class Shape, class... Args>
UNROLL_INLINE void for_each_tile(const Shape& shape, const Args&... args) {
  using V = StreamVector<Isa, Shape, T>;
  constexpr Index group = ColumnLayout<G>::blocks_in_group * Shape::block;
  constexpr int most = ColumnTiling<Isa, G>::vectors;
  for (Index first = 0; first < shape.units; first += group) {
    const Index block = first / Shape::block, vectors = count_vectors<V>(std::min(shape.units - first, group));
    Index v = 0;
    if constexpr (!Shape::fixed || count_vectors<V>(Shape::units) >= most)
      for (; v + most <= vectors; v += most) Do::template tile<Isa, most>(shape, block, first, v * V::width, args...);
    rest_of_tiles<Do, Isa, T, G, most - 1>(vectors - v, shape, block, first, v * V::width, args...);
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
/// `projected` has room for n columns of GX * padded units where there is more than one input.
template <class E, class Functions, class Shape, class T = typename E::Scalar> struct StreamSteps {
  static constexpr int GX = E::GX, GU = E::GU, S = E::S, P = E::P;
  using Fields = std::array<T*, static_cast<std::size_t>(S)>;

  template <class Isa>
  static UNROLL_INLINE void run(const Shape& shape, const StreamWeights<T>& w, Fields fields, const T* x,
                                Index x_stride, T* y, Index n, T* projected) {
    const ColumnLayout<GX> input{shape.units, shape.inputs, Shape::block};
    const Index padded = input.padded();
    if (shape.inputs != 1)
      for (Index t = 0; t < n; ++t) project<Isa>(shape, w, x + t * x_stride, projected + t * GX * padded);
    for (Index t = 0; t < n; ++t) {
      // In one tile every sum is complete before the first h is written; else the old h must stay until the last.
      const T* h = is_single_tile<Isa>() || t == 0 ? fields[0] : y + (t - 1) * padded;
      step<Isa>(shape, w, fields, x + t * x_stride, projected + t * GX * padded, h, y + t * padded);
    }
    if constexpr (!is_single_tile<Isa>()) std::copy_n(y + (n - 1) * padded, shape.units, fields[0]);
  }

 private:
  template <class Isa> using Vector = StreamVector<Isa, Shape, T>;
  template <class Isa> static constexpr bool is_single_tile() {
    if constexpr (Shape::fixed)
      return count_vectors<Vector<Isa>>(Shape::units) <= ColumnTiling<Isa, GU>::vectors;
    else
      return false;
  }
  /// W x + b of one column.
  struct Project {
    template <class Isa, int n>
    static UNROLL_INLINE void tile(const Shape& shape, Index block, Index group, Index row, const StreamWeights<T>& w,
                                   const T* x, T* projected) {
      using V = Vector<Isa>;
      const ColumnLayout<GX> layout{shape.units, shape.inputs, Shape::block};
      const Index unit = group + row, padded = layout.padded();
      ColumnSums<V, n, GX> a;
      UNROLL_UNROLL
      for (std::size_t v = 0; v < n; ++v) {
        UNROLL_UNROLL
        for (std::size_t g = 0; g < GX; ++g) a[v][g] = V::load(w.bias + Index(g) * padded + unit + Index(v) * V::width);
      }
      multiply_column<V, n, GX, ColumnTiling<Isa, GX>::parts(n)>(a, w.input + layout.begin(block), layout,
                                                                 layout.stride(block), row, x, shape.inputs);
      UNROLL_UNROLL
      for (std::size_t v = 0; v < n; ++v) {
        UNROLL_UNROLL
        for (std::size_t g = 0; g < GX; ++g) a[v][g].store(projected + Index(g) * padded + unit + Index(v) * V::width);
      }
    }
  };
  template <class Isa>
  static UNROLL_INLINE void project(const Shape& shape, const StreamWeights<T>& w, const T* x, T* projected) {
    for_each_tile<Project, Isa, T, GX>(shape, w, x, projected);
  }

  /// U h + b_h, and the equations.
  struct Advance {
    template <class Isa, int n>
    static UNROLL_INLINE void tile(const Shape& shape, Index block, Index group, Index row, const StreamWeights<T>& w,
                                   const Fields& fields, const T* x, const T* projected, const T* h, T* y) {
      using V = Vector<Isa>;
      using A = Activated<V, Functions>;
      const ColumnLayout<GX> input{shape.units, shape.inputs, Shape::block};
      const ColumnLayout<GU> recurrent{shape.units, shape.units, Shape::block};
      const Index padded = input.padded();
      ColumnSums<V, n, GU> u;
      if constexpr (!E::same_ports) {
        UNROLL_UNROLL
        for (std::size_t v = 0; v < n; ++v) {
          UNROLL_UNROLL
          for (std::size_t g = 0; g < GU; ++g)
            u[v][g] = V::load(w.recurrent_bias + Index(g) * padded + group + row + Index(v) * V::width);
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
        for (std::size_t g = 0; g < GU; ++g) u_values[g] = u[v][g];
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
  template <class Isa>
  static UNROLL_INLINE void step(const Shape& shape, const StreamWeights<T>& w, const Fields& fields, const T* x,
                                 const T* projected, const T* h, T* y) {
    for_each_tile<Advance, Isa, T, GU>(shape, w, fields, x, projected, h, y);
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
