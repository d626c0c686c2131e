// One time step of a pointwise cell with vectors: the recurrent product of 16 units goes into a buffer in L1, and the
// equations follow while it is there.
//
// Sums run as in kernel/product.hpp: over k in order, in blocks. The columns a step is given, and how a batch is cut
// into them, do not enter.
#pragma once

#include <algorithm>
#include <array>
#include <type_traits>

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/product.hpp>
#include <unroll/kernel/step_arguments.hpp>
#include <unroll/kernel/step_block.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class E, class O> struct FusedForward {
  using T = typename E::Scalar;
  static constexpr Index GX = E::GX, GU = E::GU, S = E::S, C = E::C, P = E::P, K = kept_in_place<E>;

  template <class Isa> static UNROLL_INLINE void run(StepForward<E, O> s) {
    // A cell with one gate takes several blocks of units at once, to fill the tile.
    constexpr Index blocks_at_once = GU == 1 ? Tiling<Isa, T>::panels : 1;
    constexpr Index rows = (std::max<Index>)(GU, 1) * blocks_at_once * unit_block;
    alignas(64) T u[rows * columns_at_once];
    const Index H = s.units, blocks = (H + unit_block - 1) / unit_block;
    bool same_h = true;
    for (Index g = 1; g < GU; ++g) same_h &= s.h[std::size_t(g)] == s.h[0];
    for (Index block = 0; block < blocks; block += blocks_at_once)
      for (Index j = 0; j < s.columns; j += columns_at_once) {
        const Index n = (std::min)(columns_at_once, s.columns - j), taken = (std::min)(blocks_at_once, blocks - block);
        if constexpr (GU > 0) {
          const View<T> to{u, rows, n, rows};
          const O* weights = s.weights->forward_block(block);
          if (GU == 1)
            multiply_all<Isa, 4>(LeftPanels<O>{weights, H * unit_block, unit_block}, taken, s.h[0] + j * H, H, H, to);
          else if (same_h)
            multiply_all<Isa, GU>(LeftPanels<O>{weights, unit_block, GU * unit_block}, GU, s.h[0] + j * H, H, H, to);
          else
            for (Index g = 0; g < GU; ++g)
              multiply_all<Isa, 1>(LeftPanels<O>{weights + g * unit_block, 0, GU * unit_block}, 1,
                                   s.h[std::size_t(g)] + j * H, H, H, to.middle_rows(g * unit_block, unit_block));
        }
        for (Index b = 0; b < taken; ++b)
          equations<Isa>(s, (block + b) * unit_block, j, n, u + b * (std::max<Index>)(GU, 1) * unit_block, rows);
      }
  }

  /// The equations of a block of units, from `unit`, for columns [first, first + n).
  template <class Isa>
  static UNROLL_INLINE void equations(const StepForward<E, O>& s, Index unit, Index first, Index n, T* u,
                                      Index u_stride) {
    using V = typename Isa::template Vector<T>;
    const Index H = s.units, units = (std::min)(unit_block, H - unit);
    const bool whole = units == unit_block;
    Staged<V, E::P> staged_p;
    Staged<V, E::GX> staged_x;
    Staged<V, E::GU> staged_bias;
    Staged<V, 1> staged_prev[S], staged_next[S];
    Staged<V, E::C - K> staged_cache;
    Rows<const T> p{at(s.parameters, unit), H};
    if (P > 0 && !whole) p = staged_p.in(p.data, H, units);
    Rows<const T> bias{at(s.bias, unit), H};
    if (s.bias == nullptr)
      bias = staged_bias.zeros();
    else if (!whole)
      bias = staged_bias.in(bias.data, H, units);
    for (Index column = 0; column < n; ++column) {
      const Index j = first + column;
      Rows<T> x{at(s.x, j * GX * H + unit), H}, cache{at(s.cache, j * (C - K) * H + unit), H};
      std::array<const T*, S> prev = shifted(s.prev, j * H + unit);
      std::array<T*, S> next = shifted(s.next, j * H + unit);
      if (!whole) {
        x = staged_x.in(x.data, H, units);
        for (std::size_t f = 0; f < S; ++f) {
          prev[f] = staged_prev[f].in(prev[f], 0, units).data;
          next[f] = staged_next[f].values;
        }
        cache = staged_cache.room();
      }
      for (Index lane = 0; lane < unit_block; lane += V::width) {
        std::array<V, E::P> p_values;
        std::array<V, E::GX> x_values;
        std::array<V, E::GU> u_values, bias_values;
        std::array<V, S> prev_values, next_values;
        std::array<V, E::C> cache_values;
        p.load(p_values, lane);
        x.load(x_values, lane);
        bias.load(bias_values, lane);
        Rows<T>{u + column * u_stride, unit_block}.load(u_values, lane);
        UNROLL_UNROLL
        for (std::size_t g = 0; g < GU; ++g) u_values[g] += bias_values[g];
        UNROLL_UNROLL
        for (std::size_t f = 0; f < S; ++f) prev_values[f] = V::load(prev[f] + lane);
        call_forward<E, V>(p_values, x_values, u_values, prev_values, next_values, cache_values);
        UNROLL_UNROLL
        for (std::size_t f = 0; f < S; ++f) next_values[f].store(next[f] + lane);
        if (s.keep) {
          x.template store<0, K>(cache_values, lane);
          cache.template store<K, C>(cache_values, lane);
        }
      }
      if (!whole) {
        for (std::size_t f = 0; f < S; ++f) staged_next[f].out(s.next[f] + j * H + unit, 0, units);
        if (s.keep) {
          staged_x.out(at(s.x, j * GX * H + unit), H, units);
          staged_cache.out(at(s.cache, j * (C - K) * H + unit), H, units);
        }
      }
    }
  }
};

template <class E, class O> struct FusedBackward {
  using T = typename E::Scalar;
  static constexpr Index GX = E::GX, GU = E::GU, S = E::S, C = E::C, P = E::P, K = kept_in_place<E>;

  template <class Isa> static UNROLL_INLINE void run(StepBackward<E, O> s) {
    for (Index unit = 0; unit < s.units; unit += unit_block) equations<Isa>(s, unit);
    if constexpr (!std::is_same_v<O, T>) std::copy_n(s.du, GU * s.units * s.columns, s.du_operand);
    if constexpr (GU > 0) add_product<Isa>(s);
  }

  template <class Isa> static UNROLL_INLINE void equations(const StepBackward<E, O>& s, Index unit) {
    using V = typename Isa::template Vector<T>;
    const Index H = s.units, units = (std::min)(unit_block, H - unit);
    const bool whole = units == unit_block;
    Staged<V, E::P> staged_p, staged_dp;
    Staged<V, E::C - K> staged_cache;
    Staged<V, E::GX> staged_dx;
    Staged<V, E::GU> staged_du;
    Staged<V, 1> staged_prev[S], staged_next[S], staged_d[S];
    Rows<const T> p{at(s.parameters, unit), H};
    if (P > 0 && !whole) p = staged_p.in(p.data, H, units);
    for (Index j = 0; j < s.columns; ++j) {
      std::array<const T*, S> prev = shifted(s.prev, j * H + unit), next = shifted(s.next, j * H + unit);
      std::array<T*, S> d = shifted(s.d, j * H + unit);
      Rows<const T> cache{at(s.cache, j * (C - K) * H + unit), H};
      Rows<T> dx{at(s.dx, j * GX * H + unit), H}, du{at(s.du, j * GU * H + unit), H},
          dp{at(s.parameters_d, j * P * H + unit), H};
      if (!whole) {
        for (std::size_t f = 0; f < S; ++f) {
          prev[f] = staged_prev[f].in(prev[f], 0, units).data;
          next[f] = staged_next[f].in(next[f], 0, units).data;
          d[f] = staged_d[f].in(d[f], 0, units).data;
        }
        cache = staged_cache.in(cache.data, H, units);
        dx = staged_dx.in(dx.data, H, units);
        du = staged_du.room();
        dp = staged_dp.room();
      }
      for (Index lane = 0; lane < unit_block; lane += V::width) {
        std::array<V, E::P> p_values, dp_values;
        std::array<V, E::GX> dx_values;
        std::array<V, E::GU> du_values;
        std::array<V, S> prev_values, next_values, d_values, d_prev_values;
        std::array<V, E::C> cache_values;
        p.load(p_values, lane);
        dx.template load<0, K>(cache_values, lane);
        cache.template load<K, C>(cache_values, lane);
        UNROLL_UNROLL
        for (std::size_t f = 0; f < S; ++f) {
          prev_values[f] = V::load(prev[f] + lane);
          next_values[f] = V::load(next[f] + lane);
          d_values[f] = V::load(d[f] + lane);
        }
        call_backward<E, V>(p_values, dp_values, prev_values, next_values, cache_values, d_values, dx_values, du_values,
                            d_prev_values);
        UNROLL_UNROLL
        for (std::size_t f = 0; f < S; ++f) d_prev_values[f].store(d[f] + lane);
        dx.store(dx_values, lane);
        if constexpr (!E::same_ports) du.store(du_values, lane);
        dp.store(dp_values, lane);
      }
      if (!whole) {
        for (std::size_t f = 0; f < S; ++f) staged_d[f].out(s.d[f] + j * H + unit, 0, units);
        staged_dx.out(at(s.dx, j * GX * H + unit), H, units);
        if constexpr (!E::same_ports) staged_du.out(at(s.du, j * GU * H + unit), H, units);
        staged_dp.out(at(s.parameters_d, j * P * H + unit), H, units);
      }
    }
  }

  /// d[0] += sum over gates of mask * (U_g^T du_g): one sum over all gates where they share a mask.
  template <class Isa> static UNROLL_INLINE void add_product(const StepBackward<E, O>& s) {
    using V = typename Isa::template Vector<T>;
    constexpr Index panels = Tiling<Isa, T>::panels, rows = panels * panel_rows;
    alignas(64) T sums[rows * columns_at_once];
    const Index H = s.units, groups = s.mask_per_gate ? GU : 1, depth = GU * H / groups;
    for (Index row = 0; row < H; row += rows)
      for (Index j = 0; j < s.columns; j += columns_at_once) {
        const Index n = (std::min)(columns_at_once, s.columns - j), present = (std::min)(rows, H - row);
        for (Index g = 0; g < groups; ++g) {
          const O* weights = s.weights->backward_panel(row / panel_rows) + g * H * panel_rows;
          multiply_all<Isa, 4>(LeftPanels<O>{weights, GU * H * panel_rows, panel_rows},
                               (present + panel_rows - 1) / panel_rows, du_operand(s) + (j * GU + g) * H, GU * H, depth,
                               View<T>{sums, rows, n, rows});
          const T* mask = s.mask[std::size_t(g)];
          for (Index column = 0; column < n; ++column) {
            const Index at = (j + column) * H + row;
            const T* sum = sums + column * rows;
            Index i = 0;
            for (; i + V::width <= present; i += V::width)
              add(s.d[0] + at + i, mask != nullptr ? mask + at + i : nullptr, V::load(sum + i), V::width);
            if (i < present)
              add(s.d[0] + at + i, mask != nullptr ? mask + at + i : nullptr, V::load(sum + i), present - i);
          }
        }
      }
  }
  static UNROLL_INLINE const O* du_operand(const StepBackward<E, O>& s) {
    if constexpr (std::is_same_v<O, T>)
      return s.du;
    else
      return s.du_operand;
  }
  template <class V> static UNROLL_INLINE void add(T* d, const T* mask, const V& sum, Index n) {
    if (n == V::width)
      (mask != nullptr ? fma(V::load(mask), sum, V::load(d)) : V::load(d) + sum).store(d);
    else
      (mask != nullptr ? fma(V::load(mask, n), sum, V::load(d, n)) : V::load(d, n) + sum).store(d, n);
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
