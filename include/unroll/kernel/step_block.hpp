// What the forward and the backward step share: the arrays of a block of 16 units, whole or not, and the products of
// packed weights with the columns of a batch.
#pragma once

#include <algorithm>
#include <array>

#include <unroll/core/config.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/product.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

inline constexpr Index unit_block = panel_rows;
inline constexpr Index columns_at_once = 24;  // of the buffer: a multiple of all tile widths

/// array + offset, where there is an array.
template <class T> UNROLL_INLINE T* at(T* array, Index offset) { return array == nullptr ? array : array + offset; }

/// n arrays of the units of one column, `stride` apart.
template <class T> struct Rows {
  T* data;
  Index stride;
  UNROLL_INLINE operator Rows<const T>() const { return {data, stride}; }
  /// values[first .. last - 1] of `unit`.
  template <std::size_t First, std::size_t Last, class V, std::size_t N>
  UNROLL_INLINE void load(std::array<V, N>& values, Index unit) const {
    UNROLL_UNROLL
    for (std::size_t i = First; i < Last; ++i)
      values[i] = V::load(data + static_cast<Index>(i - First) * stride + unit);
  }
  template <std::size_t First, std::size_t Last, class V, std::size_t N>
  UNROLL_INLINE void store(const std::array<V, N>& values, Index unit) const {
    UNROLL_UNROLL
    for (std::size_t i = First; i < Last; ++i) values[i].store(data + static_cast<Index>(i - First) * stride + unit);
  }
  template <class V, std::size_t N> UNROLL_INLINE void load(std::array<V, N>& values, Index unit) const {
    load<0, N>(values, unit);
  }
  template <class V, std::size_t N> UNROLL_INLINE void store(const std::array<V, N>& values, Index unit) const {
    store<0, N>(values, unit);
  }
};

/// A whole block of units for a block that has fewer: what is read is copied in, what is written is copied out.
template <class V, int N> struct Staged {
  using T = typename V::Scalar;
  alignas(64) T values[(std::max)(N, 1) * unit_block];

  UNROLL_INLINE Rows<T> in(const T* from, Index stride, Index units) {
    for (Index i = 0; i < N; ++i)
      for (Index lane = 0; lane < unit_block; lane += V::width)
        V::load(from + i * stride + lane, present(units, lane)).store(values + i * unit_block + lane);
    return room();
  }
  UNROLL_INLINE void out(T* to, Index stride, Index units) const {
    for (Index i = 0; i < N; ++i)
      for (Index lane = 0; lane < unit_block; lane += V::width)
        V::load(values + i * unit_block + lane).store(to + i * stride + lane, present(units, lane));
  }
  UNROLL_INLINE Rows<T> room() { return {values, unit_block}; }
  UNROLL_INLINE Rows<T> zeros() {
    for (Index i = 0; i < N * unit_block; i += V::width) V().store(values + i);
    return room();
  }

 private:
  static UNROLL_INLINE Index present(Index units, Index lane) { return std::clamp<Index>(units - lane, 0, V::width); }
};

/// state fields of one column: arrays of their own
template <class P, std::size_t S> UNROLL_INLINE std::array<P, S> shifted(std::array<P, S> fields, Index by) {
  for (P& field : fields) field += by;
  return fields;
}

/// c = sum over k of `left` times columns of `right`, in blocks of k.
template <class Isa, int Panels, class O, class A>
UNROLL_INLINE void multiply_blocks(LeftPanels<O> left, const O* right, Index right_stride, Index depth, View<A> c) {
  constexpr Index group = Tiling<Isa, A>::columns;
  for (Index k0 = 0; k0 < depth; k0 += depth_block)
    call<Isa, MultiplyPanels<Panels>>(LeftPanels<O>{left.data + k0 * left.stride, left.panel_stride, left.stride},
                                      RightGroups<O>{right + k0, 1, right_stride, group * right_stride},
                                      (std::min)(depth_block, depth - k0), c,
                                      k0 > 0 ? Addend<A>{c.data, c.stride} : Addend<A>{});
}
/// The same for `count` panels below each other in c, as many at once as the registers hold.
template <class Isa, int Most, class O, class A>
UNROLL_INLINE void multiply_all(LeftPanels<O> left, Index count, const O* right, Index right_stride, Index depth,
                                View<A> c) {
  constexpr int panels = (std::min)(Most, Tiling<Isa, A>::panels);
  Index first = 0;
  for (; first + panels <= count; first += panels)
    multiply_blocks<Isa, panels>(LeftPanels<O>{left.data + first * left.panel_stride, left.panel_stride, left.stride},
                                 right, right_stride, depth, c.middle_rows(first * panel_rows, panels * panel_rows));
  if constexpr (panels > 1)
    for (; first < count; ++first)
      multiply_blocks<Isa, 1>(LeftPanels<O>{left.data + first * left.panel_stride, left.panel_stride, left.stride},
                              right, right_stride, depth, c.middle_rows(first * panel_rows, panel_rows));
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
