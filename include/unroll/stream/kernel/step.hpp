// A recurrent cell that takes one sample after the other: products with one column and the cell's equations.
#pragma once

#include <algorithm>
#include <array>
#include <type_traits>

#include <unroll/core/config.hpp>
#include <unroll/kernel/step_arguments.hpp>
#include <unroll/stream/kernel/activations.hpp>
#include <unroll/stream/kernel/tiles.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// The weights of a pointwise cell as its steps read them. Per unit and gate: [gate][padded unit].
template <class T, class Input = T, class Recurrent = T> struct StreamWeights {
  const Input* input;                  ///< W, packed as ColumnLayout<GX>
  const T* bias;                       ///< b, with b_h in it where the equations see only sums
  const Recurrent* recurrent;          ///< U, packed as ColumnLayout<GU>
  const T* recurrent_bias;             ///< b_h
  const T* unit;                       ///< [parameter][padded unit]
  const T* input_scale = nullptr;      ///< of weights that are whole numbers
  const T* recurrent_scale = nullptr;  ///< likewise
};

/// n steps of cell E: x of step t at x + t * x_stride, its h to y + t * padded units. `fields` hold the state, padded.
/// `projected` has room for n columns of GX * padded units where there is more than one input. `backwards` is part of
/// the state.
template <class E, class Functions, class Shape, class Input = typename E::Scalar, class Recurrent = Input>
struct StreamSteps {
  using T = typename E::Scalar;
  using Weights = StreamWeights<T, Input, Recurrent>;
  static constexpr int GX = E::GX, GU = E::GU, S = E::S, P = E::P;
  using Fields = std::array<T*, static_cast<std::size_t>(S)>;

  template <class Isa>
  static UNROLL_INLINE void run(const Shape& shape, const Weights& w, const Fields& fields, bool& backwards, const T* x,
                                Index x_stride, T* y, Index n, T* projected) {
    const Index padded = Advance::layout(shape).padded();
    if (shape.inputs != 1) project<Isa, GX>(shape, w.input, w.input_scale, w.bias, x, x_stride, n, projected);
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

  /// U h + b_h, and the equations.
  struct Advance {
    template <class Isa> static constexpr int most = ColumnTiling<Isa, GU>::vectors;
    static constexpr ColumnLayout<GU> layout(const Shape& shape) { return {shape.units, shape.units, Shape::block}; }

    template <class Isa, int n>
    static UNROLL_INLINE void tile(const Shape& shape, Index group, Index row, const Weights& w, const Fields& fields,
                                   const T* x, const T* projected, const T* h, T* y) {
      using V = Vector<Isa>;
      using A = Activated<V, Functions>;
      const ColumnLayout<GX> input{shape.units, shape.inputs, Shape::block};
      const auto recurrent = layout(shape);
      const Index padded = recurrent.padded(), block = group / Shape::block;
      auto u = zeros<V, n * GU>();
      constexpr bool is_scaled = !std::is_same_v<Recurrent, T>;
      if constexpr (!E::same_ports && !is_scaled) {
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
          x_values[g] = shape.inputs == 1 ? fma(load_as<V>(w.input + input.within(unit) + Index(g) * Shape::block),
                                                V::fill(x), V::load(at))
                                          : V::load(at);
        }
        UNROLL_UNROLL
        for (std::size_t g = 0; g < GU; ++g) {
          const Index at = Index(g) * padded + unit;
          u_values[g] = u[v * GU + g];
          if constexpr (is_scaled) {
            const V bias = E::same_ports ? V() : V::load(w.recurrent_bias + at);
            u_values[g] = fma(u[v * GU + g], V::load(w.recurrent_scale + at), bias);
          }
        }
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
