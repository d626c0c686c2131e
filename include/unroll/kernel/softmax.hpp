// Softmax of columns, also in blocks of rows: what a block is worth before the others are known, and its gradient
// after.
#pragma once

#include <algorithm>
#include <limits>

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/lane_sum.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/view.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

/// For every column x of a block: its largest, and unless `sum` is null exp(x - largest) in its place, the sum of these
/// and that of x.
template <class T> struct SoftmaxBlock {
  View<T> x;
  T *largest, *sum, *sum_of_x;
};

/// Sums as LaneSum: the same bits at every width.
struct SoftmaxColumns {
  static constexpr int lanes = LaneSum::lanes;

  template <class Isa, class T> static UNROLL_INLINE void run(SoftmaxBlock<T> block) {
    using V = typename Isa::template Vector<T>;
    for (Index n = 0; n < block.x.cols; ++n) column<V>(block, n);
  }
  template <class V, class T> static UNROLL_INLINE void column(const SoftmaxBlock<T>& block, Index n) {
    constexpr int vectors = lanes / V::width;
    T* const x = block.x.data + n * block.x.stride;
    const Index rows = block.x.rows, whole = rows / lanes * lanes;
    alignas(64) T parts[lanes], rest[lanes];
    const T lowest = std::numeric_limits<T>::lowest();

    V largest[vectors];
    for (int v = 0; v < vectors; ++v) largest[v] = V(lowest);
    for (Index i = 0; i < whole; i += lanes) {
      UNROLL_UNROLL
      for (int v = 0; v < vectors; ++v) largest[v] = largest[v].larger(V::load(x + i + v * V::width));
    }
    for (int v = 0; v < vectors; ++v) largest[v].store(parts + v * V::width);
    T most = lowest;
    for (int k = 0; k < lanes; ++k) most = parts[k] > most ? parts[k] : most;
    for (Index i = whole; i < rows; ++i) most = x[i] > most ? x[i] : most;
    block.largest[n] = most;
    if (block.sum == nullptr) return;

    V sum[vectors], sum_of_x[vectors];
    for (Index i = 0; i < whole; i += lanes) {
      UNROLL_UNROLL
      for (int v = 0; v < vectors; ++v) add(x + i + v * V::width, V(most), sum[v], sum_of_x[v]);
    }
    if (whole < rows) {
      const Index n_rest = rows - whole;
      std::fill_n(rest, lanes, lowest);
      std::copy_n(x + whole, n_rest, rest);
      for (int v = 0; v < vectors; ++v) {
        V unused;
        add(rest + v * V::width, V(most), sum[v], unused);
        sum_of_x[v] += v * V::width < n_rest
                           ? V::load(x + whole + v * V::width, (std::min<Index>)(V::width, n_rest - v * V::width))
                           : V();
      }
      std::copy_n(rest, n_rest, x + whole);
    }
    block.sum[n] = LaneSum::total<V>(sum, parts);
    block.sum_of_x[n] = LaneSum::total<V>(sum_of_x, parts);
  }
  template <class V, class T> static UNROLL_INLINE void add(T* x, const V& largest, V& sum, V& sum_of_x) {
    const V value = V::load(x), e = exp(value - largest);
    e.store(x);
    sum += e;
    sum_of_x += value;
  }
};

/// x = factor_n * x - shift_n for every column.
struct ScaleColumns {
  template <class Isa, class T> static UNROLL_INLINE void run(View<T> x, const T* factor, const T* shift) {
    using V = typename Isa::template Vector<T>;
    for (Index n = 0; n < x.cols; ++n) {
      T* const column = x.data + n * x.stride;
      const V by(factor[n]), less(-shift[n]);
      Index i = 0;
      for (; i + V::width <= x.rows; i += V::width) fma(V::load(column + i), by, less).store(column + i);
      if (i < x.rows) fma(V::load(column + i, x.rows - i), by, less).store(column + i, x.rows - i);
    }
  }
};

/// x = exp(x - shift_n) for every column.
struct ExpColumns {
  template <class Isa, class T> static UNROLL_INLINE void run(View<T> x, const T* shift) {
    using V = typename Isa::template Vector<T>;
    for (Index n = 0; n < x.cols; ++n) {
      T* const column = x.data + n * x.stride;
      const V less(shift[n]);
      Index i = 0;
      for (; i + V::width <= x.rows; i += V::width) exp(V::load(column + i) - less).store(column + i);
      if (i < x.rows) exp(V::load(column + i, x.rows - i) - less).store(column + i, x.rows - i);
    }
  }
};

/// d = p * (d - sum(p * d)) for every column: from the gradient of a softmax p to that of what it is of. Sums as
/// LaneSum.
struct SoftmaxBackward {
  template <class Isa, class T> static UNROLL_INLINE void run(View<const T> p, View<T> d) {
    using V = typename Isa::template Vector<T>;
    for (Index n = 0; n < d.cols; ++n) column<V>(p.data + n * p.stride, d.data + n * d.stride, d.rows);
  }
  template <class V, class T> static UNROLL_INLINE void column(const T* p, T* d, Index rows) {
    const V mean(LaneSum::of<V, T>(rows, Dot::Terms<T>{p, d}));
    Index i = 0;
    for (; i + V::width <= rows; i += V::width) (V::load(p + i) * (V::load(d + i) - mean)).store(d + i);
    if (i < rows) (V::load(p + i, rows - i) * (V::load(d + i, rows - i) - mean)).store(d + i, rows - i);
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
