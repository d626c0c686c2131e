// The GRU with the reset before the product, one sample after the other: two products in a row.
#pragma once

#include <algorithm>
#include <array>

#include <unroll/core/config.hpp>
#include <unroll/stream/kernel/activations.hpp>
#include <unroll/stream/kernel/tiles.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class T> struct ResetBeforeWeights {
  const T* input;      ///< W of r z n, packed as ColumnLayout<3>
  const T* bias;       ///< [gate][padded unit]
  const T* gates;      ///< U of r z, packed as ColumnLayout<2>
  const T* candidate;  ///< U of n, packed as ColumnLayout<1>
};

/// n steps. `projected` has room for n columns of 3 padded units, `between` for two: z, and r * h.
template <class T, class Functions, class Shape> struct ResetBeforeSteps {
  template <class Isa>
  static UNROLL_INLINE void run(const Shape& shape, const ResetBeforeWeights<T>& w, T* state, const T* x,
                                Index x_stride, T* y, Index n, T* projected, T* between) {
    const Index padded = Gates::layout(shape).padded();
    project<Isa, 3>(shape, w.input, static_cast<const T*>(nullptr), w.bias, x, x_stride, n, projected);
    for (Index t = 0; t < n; ++t, projected += 3 * padded, y += padded) {
      for_each_tile<Gates, Isa, T>(shape, false, w.gates, projected, state, between, between + padded);
      for_each_tile<Candidate, Isa, T>(shape, false, w.candidate, projected + 2 * padded, between, between + padded,
                                       state, y);
    }
  }

 private:
  /// r = sigmoid(x_r + U_r h), z = sigmoid(x_z + U_z h)
  struct Gates {
    template <class Isa> static constexpr int most = ColumnTiling<Isa, 2>::vectors;
    static constexpr ColumnLayout<2> layout(const Shape& shape) { return {shape.units, shape.units, Shape::block}; }

    template <class Isa, int n>
    static UNROLL_INLINE void tile(const Shape& shape, Index group, Index row, const T* weights, const T* x,
                                   const T* state, T* z, T* reset_h) {
      using V = StreamVector<Isa, Shape, T>;
      const auto at = layout(shape);
      const Index block = group / Shape::block;
      auto u = zeros<V, n * 2>();
      multiply_column<V, n, 2, ColumnTiling<Isa, 2>::parts(n)>(u, weights + at.begin(block), at, at.stride(block), row,
                                                               state, shape.units);
      UNROLL_UNROLL
      for (std::size_t v = 0; v < n; ++v) {
        const Index unit = group + row + Index(v) * V::width;
        const V r = Functions::sigmoid(V::load(x + unit) + u[2 * v]);
        Functions::sigmoid(V::load(x + at.padded() + unit) + u[2 * v + 1]).store(z + unit);
        (r * V::load(state + unit)).store(reset_h + unit);
      }
    }
  };
  /// n = tanh(x_n + U_n (r * h)), h = n + z * (h - n)
  struct Candidate {
    template <class Isa> static constexpr int most = ColumnTiling<Isa, 1>::vectors;
    static constexpr ColumnLayout<1> layout(const Shape& shape) { return {shape.units, shape.units, Shape::block}; }

    template <class Isa, int n>
    static UNROLL_INLINE void tile(const Shape& shape, Index group, Index row, const T* weights, const T* x, const T* z,
                                   const T* reset_h, T* state, T* y) {
      using V = StreamVector<Isa, Shape, T>;
      const auto at = layout(shape);
      const Index block = group / Shape::block;
      auto u = zeros<V, n>();
      multiply_column<V, n, 1, ColumnTiling<Isa, 1>::parts(n)>(u, weights + at.begin(block), at, at.stride(block), row,
                                                               reset_h, shape.units);
      UNROLL_UNROLL
      for (std::size_t v = 0; v < n; ++v) {
        const Index unit = group + row + Index(v) * V::width;
        const V candidate = Functions::tanh(V::load(x + unit) + u[v]);
        const V h = candidate + V::load(z + unit) * (V::load(state + unit) - candidate);
        h.store(state + unit);
        h.store(y + unit);
      }
    }
  };
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
