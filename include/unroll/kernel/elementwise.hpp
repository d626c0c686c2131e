// Operations on arrays, element by element, in one sweep over memory and at the level in use.
#pragma once

#include <algorithm>
#include <type_traits>

#include <unroll/core/config.hpp>
#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/load.hpp>
#include <unroll/kernel/view.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

/// One array of the sweep: its values come in as V, and go back if it is not const.
template <class V, class T> struct Swept {
  T* data;
  V value;
  UNROLL_INLINE Swept(T* array, Index i) : data(array + i), value(V::load(data)) {}
  UNROLL_INLINE Swept(T* array, Index i, Index n) : data(array + i), value(V::load(data, n)) {}
  UNROLL_INLINE void store() const {
    if constexpr (!std::is_const_v<T>) value.store(data);
  }
  UNROLL_INLINE void store(Index n) const {
    if constexpr (!std::is_const_v<T>) value.store(data, n);
  }
};

struct ForEachElement {
  template <class F, class... S> static UNROLL_INLINE void full(const F& f, S... swept) {
    UNROLL_INLINE_CALL f(swept.value...);
    (swept.store(), ...);
  }
  template <class F, class... S> static UNROLL_INLINE void partial(Index n, const F& f, S... swept) {
    UNROLL_INLINE_CALL f(swept.value...);
    (swept.store(n), ...);
  }
  template <class Isa, class F, class... T> static UNROLL_INLINE void run(Index n, F f, T*... arrays) {
    using V = typename Isa::template Vector<std::remove_const_t<std::common_type_t<T...>>>;
    Index i = 0;
    for (; i + V::width <= n; i += V::width) full(f, Swept<V, T>(arrays, i)...);
    if (i < n) partial(n - i, f, Swept<V, T>(arrays, i, n - i)...);
  }
};

template <class T> struct SetTo {
  T value;
  template <class V> UNROLL_INLINE void operator()(V& x) const { x = value; }
};
template <class T> struct Scale {
  T factor;
  template <class V> UNROLL_INLINE void operator()(V& x) const { x *= factor; }
};
template <class T> struct Axpy {
  T factor;
  template <class V> UNROLL_INLINE void operator()(const V& x, V& y) const { y = fma(V(factor), x, y); }
};
struct Add {
  template <class V> UNROLL_INLINE void operator()(const V& x, V& y) const { y += x; }
};
struct Multiply {
  template <class V> UNROLL_INLINE void operator()(const V& x, V& y) const { y *= x; }
};

struct SumOfSquares {
  static constexpr int partial_sums = 16;
  template <class Isa, class T> static UNROLL_INLINE double run(Index n, const T* x) {
    using V = typename Isa::template Vector<double>;
    constexpr int vectors = partial_sums / V::width;
    V sum[vectors];
    T rest[partial_sums] = {};
    Index i = 0;
    for (; i + partial_sums <= n; i += partial_sums) add(sum, x + i);
    for (Index k = 0; i + k < n; ++k) rest[k] = x[i + k];
    add(sum, rest);
    double sums[partial_sums];
    for (int v = 0; v < vectors; ++v) sum[v].store(sums + v * V::width);
    for (int half = partial_sums / 2; half > 0; half /= 2)
      for (int k = 0; k < half; ++k) sums[k] += sums[k + half];
    return sums[0];
  }
  template <class V, int vectors, class T> static UNROLL_INLINE void add(V (&sum)[vectors], const T* x) {
    UNROLL_UNROLL
    for (int v = 0; v < vectors; ++v) {
      const V value = load_as<V>(x + v * V::width);
      sum[v] = fma(value, value, sum[v]);
    }
  }
};

struct RowSums {
  static constexpr Index columns_in_a_sum = 64, rows_at_once = 1024;
  template <class Isa, class T> static UNROLL_INLINE void run(View<const T> m, T* out) {
    using V = typename Isa::template Vector<T>;
    alignas(64) T sums[rows_at_once];
    for (Index row = 0; row < m.rows; row += rows_at_once)
      for (Index first = 0; first < m.cols; first += columns_in_a_sum) {
        const Index rows = (std::min)(rows_at_once, m.rows - row), last = (std::min)(first + columns_in_a_sum, m.cols);
        for (Index i = 0; i < rows; i += V::width) V().store(sums + i);
        const T* from = m.data + row + first * m.stride;
        Index j = first;
        for (; j + 4 <= last; j += 4, from += 4 * m.stride) add<V, 4>(from, m.stride, rows, sums);
        for (; j < last; ++j, from += m.stride) add<V, 1>(from, m.stride, rows, sums);
        for (Index i = 0; i < rows; i += V::width) {
          const Index n = (std::min<Index>)(V::width, rows - i);
          (V::load(out + row + i, n) + V::load(sums + i)).store(out + row + i, n);
        }
      }
  }
  /// sums += a few columns, one after the other.
  template <class V, int Columns, class T>
  static UNROLL_INLINE void add(const T* m, Index stride, Index rows, T* sums) {
    Index i = 0;
    for (; i + V::width <= rows; i += V::width) {
      V sum = V::load(sums + i);
      UNROLL_UNROLL
      for (int j = 0; j < Columns; ++j) sum += V::load(m + j * stride + i);
      sum.store(sums + i);
    }
    if (i < rows) {
      V sum = V::load(sums + i);
      for (int j = 0; j < Columns; ++j) sum += V::load(m + j * stride + i, rows - i);
      sum.store(sums + i);
    }
  }
};

}  // namespace detail

/// f(V&...) for every element of the arrays, V a Simd of their scalar: one value from each, in the order given, written
/// back to those arrays that are not const. f is a class with a template operator(), or a generic lambda; like a cell's
/// equations it is one formula without branches. Lanes past the end hold 0. Arrays may be equal, not shifted.
template <class F, class... T> void for_each_element(Index n, const F& f, T*... arrays) {
  detail::dispatch<detail::ForEachElement>(n, f, arrays...);
}

template <class T> UNROLL_API void fill(Index n, std::type_identity_t<T> value, T* x);
/// x *= factor.
template <class T> UNROLL_API void scale(Index n, std::type_identity_t<T> factor, T* x);
/// y += factor x.
template <class T> UNROLL_API void axpy(Index n, std::type_identity_t<T> factor, const T* x, T* y);
/// y += x.
template <class T> UNROLL_API void add(Index n, const T* x, T* y);
/// y *= x.
template <class T> UNROLL_API void multiply(Index n, const T* x, T* y);

/// In double. Element i enters sum i mod 16, and these are added in a fixed order: of floats, whose squares are exact
/// in double, the same bits at every level.
template <class T> UNROLL_API double sum_of_squares(Index n, const T* x);

/// out += the sum of m's columns, in blocks of 64 so that rounding grows with cols / 64. The same bits for any split of
/// the rows.
template <class T> UNROLL_API void add_row_sums(View<const T> m, std::type_identity_t<T>* out);

template <class T> void fill(Index n, std::type_identity_t<T> value, T* x) {
  for_each_element(n, detail::SetTo<T>{value}, x);
}
template <class T> void scale(Index n, std::type_identity_t<T> factor, T* x) {
  for_each_element(n, detail::Scale<T>{factor}, x);
}
template <class T> void axpy(Index n, std::type_identity_t<T> factor, const T* x, T* y) {
  for_each_element(n, detail::Axpy<T>{factor}, x, y);
}
template <class T> void add(Index n, const T* x, T* y) { for_each_element(n, detail::Add{}, x, y); }
template <class T> void multiply(Index n, const T* x, T* y) { for_each_element(n, detail::Multiply{}, x, y); }
template <class T> double sum_of_squares(Index n, const T* x) { return detail::dispatch<detail::SumOfSquares>(n, x); }
template <class T> void add_row_sums(View<const T> m, std::type_identity_t<T>* out) {
  detail::dispatch<detail::RowSums>(m, out);
}

#define UNROLL_ELEMENTWISE_INSTANCES(DECLARE, T)     \
  DECLARE void fill<T>(Index, T, T*);                \
  DECLARE void scale<T>(Index, T, T*);               \
  DECLARE void axpy<T>(Index, T, const T*, T*);      \
  DECLARE void add<T>(Index, const T*, T*);          \
  DECLARE void multiply<T>(Index, const T*, T*);     \
  DECLARE double sum_of_squares<T>(Index, const T*); \
  DECLARE void add_row_sums<T>(View<const T>, T*);
#if !UNROLL_HEADER_ONLY
UNROLL_ELEMENTWISE_INSTANCES(extern template, float)
UNROLL_ELEMENTWISE_INSTANCES(extern template, double)
#endif

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
