// A cell in stages that takes one sample after the other: its passes over the units, each with the products that it
// begins with.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <unroll/stream/kernel/activations.hpp>
#include <unroll/stream/kernel/dense.hpp>
#include <unroll/stream/kernel/staged_weights.hpp>
#include <unroll/stream/kernel/tiles.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// n steps of cell E, as StreamSteps. `between` has the room that StagedStreamPlan says.
template <class E, class Functions, class Shape> struct StagedStreamSteps : StagedStreamPlan<E> {
  using Base = StagedStreamPlan<E>;
  using Base::plan, Base::group, Base::norm, Base::waiting, Base::has_equations, Base::is_in;
  using typename Base::S;
  using T = typename E::Scalar;
  using Weights = StagedStreamWeights<E, T>;
  using Fields = std::array<T*, static_cast<std::size_t>(E::S)>;
  template <int n> using Upto = std::make_index_sequence<static_cast<std::size_t>(n)>;

  /// Where a step finds what it reads and writes.
  struct Places {
    const T* x;
    Fields prev, next;
    T *between, *statistics, *y;
    Index padded;
  };

  template <class Isa>
  static UNROLL_INLINE void run(const Shape& shape, const Weights& w, const Fields& fields, const T* x, Index x_stride,
                                T* y, Index n, T* projected, T* between) {
    const Index padded = ColumnLayout<1>{shape.units, 1, Shape::block}.padded(), y_stride = column_stride(shape);
    T statistics[2 * plan.norm_count + 1];
    project<Isa, E::GX>(shape, w.input, static_cast<const T*>(nullptr), w.bias, x, x_stride, n, projected);
    Places at{projected, fields, fields, between, statistics, y, padded};
    for (std::size_t f = 0; f < std::size_t(E::S); ++f)
      if (waiting[f])
        at.next[f] = between + plan.slot_count * padded + static_cast<Index>(f) * (std::max)(padded, y_stride);
    for (Index t = 0; t < n; ++t, at.x += E::GX * padded, at.y += y_stride) {
      statistics_before<Isa, 0>(shape, at, Upto<plan.norm_count>());
      all_passes<Isa>(shape, w, at, Upto<plan.passes>());
      for (std::size_t f = 0; f < std::size_t(E::S); ++f)
        if (waiting[f]) std::copy_n(at.next[f], f == 0 ? y_stride : padded, at.prev[f]);
    }
  }

 private:
  template <class Isa> using Vector = StreamVector<Isa, Shape, T>;
  template <class Isa, std::size_t... Q>
  static UNROLL_INLINE void all_passes(const Shape& shape, const Weights& w, const Places& at,
                                       std::index_sequence<Q...>) {
    (pass<Isa, static_cast<int>(Q)>(shape, w, at), ...);
  }
  template <class Isa, int Q> static UNROLL_INLINE void pass(const Shape& shape, const Weights& w, const Places& at) {
    if constexpr (has_equations(Q)) for_each_tile<Pass<Q>, Isa, T>(shape, false, w, at);
    project_in<Isa, Q>(shape, w, at, Upto<plan.group_count>());
    statistics_before<Isa, Q + 1>(shape, at, Upto<plan.norm_count>());
  }
  template <int G> static constexpr ColumnLayout<group(G).gates> layout_of(const Shape& shape) {
    return {shape.units, shape.outputs, Shape::block};
  }
  /// Of what it gives.
  static constexpr Index column_stride(const Shape& shape) {
    return Shape::fixed ? stride_for(shape.outputs) : ColumnLayout<1>{shape.outputs, 1, Shape::block}.padded();
  }

  /// The tiles of a pass are no larger than a group of blocks of each of its products.
  struct Grouping {
    Index blocks;
    constexpr Index blocks_in_group() const { return blocks; }
  };
  template <int Q> struct Pass {
    /// Of any size: few tiles, because every one is compiled.
    template <class Isa>
    static constexpr int most = (std::min)(ColumnTiling<Isa, plan.products_in(Q)>::vectors, Shape::fixed ? 4 : 2);
    static constexpr Grouping layout(const Shape& shape) { return {least(shape, Upto<plan.group_count>())}; }
    template <std::size_t... G> static constexpr Index least(const Shape& shape, std::index_sequence<G...>) {
      Index blocks = 4;
      ((blocks = is_in(static_cast<int>(G), Q)
                     ? (std::min)(blocks, layout_of<static_cast<int>(G)>(shape).blocks_in_group())
                     : blocks),
       ...);
      return blocks;
    }
    template <class Isa, int n>
    static UNROLL_INLINE void tile(const Shape& shape, Index first, Index row, const Weights& w, const Places& at) {
      using V = Vector<Isa>;
      auto u = zeros<V, n*(std::max)(plan.products_in(Q), 1)>();
      multiply<Isa, Q, n>(shape, first + row, w, at, u, Upto<plan.group_count>());
      UNROLL_UNROLL
      for (int v = 0; v < n; ++v) {
        ValuesOf<Activated<V, Functions>, typename S::All> values;
        compute<Q, n, V>(values, w, at, first + row + v * V::width, v, u, typename S::All());
        keep<Q, V>(values, at, first + row + v * V::width, typename S::All());
      }
    }
  };

  // Products: of vector v and gate g in u[before * n + v * gates + g].
  template <class Isa, int Q, int n, class Sums, std::size_t... G>
  static UNROLL_INLINE void multiply(const Shape& shape, Index unit, const Weights& w, const Places& at, Sums& u,
                                     std::index_sequence<G...>) {
    (multiply_group<Isa, Q, n, static_cast<int>(G)>(shape, unit, w, at, u), ...);
  }
  template <class Isa, int Q, int n, int G, class Sums>
  static UNROLL_INLINE void multiply_group(const Shape& shape, Index unit, const Weights& w, const Places& at,
                                           Sums& u) {
    if constexpr (is_in(G, Q)) {
      using V = Vector<Isa>;
      constexpr int gates = group(G).gates, before = plan.products_in(Q, G);
      const auto layout = layout_of<G>(shape);
      const Index block = unit / Shape::block / layout.blocks_in_group() * layout.blocks_in_group();
      auto sums = zeros<V, n * gates>();
      multiply_column<V, n, gates, ColumnTiling<Isa, gates>::parts(n)>(
          sums, w.products[G] + layout.begin(block), layout, layout.stride(block), unit - block * Shape::block,
          source<group(G).operand>(at), shape.outputs);
      UNROLL_UNROLL
      for (std::size_t k = 0; k < sums.size(); ++k) u[before * n + k] = sums[k];
    }
  }

  /// W_r v, which is h.
  template <class Isa, int Q, std::size_t... G>
  static UNROLL_INLINE void project_in(const Shape& shape, const Weights& w, const Places& at,
                                       std::index_sequence<G...>) {
    (project_group<Isa, Q, static_cast<int>(G)>(shape, w, at), ...);
  }
  template <class Isa, int Q, int G>
  static UNROLL_INLINE void project_group(const Shape& shape, const Weights& w, const Places& at) {
    if constexpr (group(G).pass == Q && group(G).projects) {
      const auto of = shape.projection();
      T* const h = at.next[0];
      StreamDense<T, std::remove_const_t<decltype(of)>>::template run<Isa>(of, w.products[G], w.no_bias,
                                                                           source<group(G).operand>(at), 0, h, 0, 1);
      std::copy_n(h, shape.outputs, at.y);
    }
  }

  /// Where value k is, of all units.
  template <std::size_t k> static UNROLL_INLINE T* source(const Places& at) {
    if constexpr (plan.output[k] >= 0)
      return at.next[static_cast<std::size_t>(plan.output[k])];
    else if constexpr (Base::is_prev(k))
      return at.prev[k - S::prev_at];
    else
      return at.between + plan.slot[k] * at.padded;
  }
  template <int Q, int n, class V, class Values, class Sums, std::size_t... K>
  static UNROLL_INLINE void compute(Values& values, const Weights& w, const Places& at, Index unit, int v,
                                    const Sums& u, std::index_sequence<K...>) {
    (compute_one<Q, n, V, K>(values, w, at, unit, v, u), ...);
  }
  template <int Q, int n, class V, std::size_t k, class Values, class Sums>
  static UNROLL_INLINE void compute_one(Values& values, const Weights& w, const Places& at, Index unit, int v,
                                        const Sums& u) {
    constexpr Operation o = S::operation(k);
    if constexpr (Base::is_projection(k)) {
    } else if constexpr (plan.pass[k] == Q && o.op == Op::product) {
      constexpr int G = Base::group_of(o.which), before = plan.products_in(Q, G);
      value_at<k>(values) = u[static_cast<std::size_t>(before * n + v * group(G).gates + o.which - group(G).first)] +
                            V::load(w.recurrent_bias + o.which * at.padded + unit);
    } else if constexpr (plan.pass[k] == Q && o.op == Op::normalize) {
      const T* statistics = at.statistics + 2 * Base::template norm_of<k>;
      value_at<k>(values) =
          (value_at<static_cast<std::size_t>(o.of[0])>(values).value() - V::fill(statistics)) * V::fill(statistics + 1);
    } else if constexpr (plan.pass[k] == Q) {
      value_at<k>(values) =
          result_of<o.op>(operand<o.of[0]>(values), operand<o.of[1]>(values), operand<o.of[2]>(values));
    } else if constexpr (Base::is_read_in(k, Q)) {
      if constexpr (o.op == Op::number)
        value_at<k>(values) = o.number;
      else if constexpr (Base::is_parameter(k))
        value_at<k>(values) = V::load(w.unit + static_cast<Index>(k) * at.padded + unit);
      else if constexpr (Base::is_x(k))
        value_at<k>(values) = V::load(at.x + static_cast<Index>(k - S::x_at) * at.padded + unit);
      else
        value_at<k>(values) = V::load(source<k>(at) + unit);
    }
  }
  template <int K, class Values> static UNROLL_INLINE auto operand(const Values& values) {
    return value_at<static_cast<std::size_t>((std::max)(K, 0))>(values);
  }
  template <int Q, class V, class Values, std::size_t... K>
  static UNROLL_INLINE void keep(const Values& values, const Places& at, Index unit, std::index_sequence<K...>) {
    (keep_one<Q, V, K>(values, at, unit), ...);
  }
  template <int Q, class V, std::size_t k, class Values>
  static UNROLL_INLINE void keep_one(const Values& values, const Places& at, Index unit) {
    if constexpr (plan.pass[k] == Q && !Base::is_projection(k) && (plan.output[k] >= 0 || plan.crosses[k])) {
      value_at<k>(values).value().store(source<k>(at) + unit);
      if constexpr (plan.output[k] == 0) value_at<k>(values).value().store(at.y + unit);
    }
  }

  // Norms.
  template <class Isa, int Q, std::size_t... n>
  static UNROLL_INLINE void statistics_before(const Shape& shape, const Places& at, std::index_sequence<n...>) {
    (statistics<Isa, Q, static_cast<int>(n)>(shape, at), ...);
  }
  template <class Isa, int Q, int n> static UNROLL_INLINE void statistics(const Shape& shape, const Places& at) {
    if constexpr (norm(n).pass == Q) {
      using V = Vector<Isa>;
      const T count = static_cast<T>(norm(n).count * shape.units);
      const T mean = sum<n, false, V>(shape.units, at, T(0), Upto<norm(n).count>()) / count;
      const T variance = sum<n, true, V>(shape.units, at, mean, Upto<norm(n).count>()) / count;
      at.statistics[2 * n] = mean;
      at.statistics[2 * n + 1] = 1 / std::sqrt(variance + T(1e-5));
    }
  }
  template <int n, bool squares, class V, std::size_t... M>
  static UNROLL_INLINE T sum(Index units, const Places& at, T mean, std::index_sequence<M...>) {
    V total = V();
    ((total = total + sum_of<squares, V>(member<norm(n).sources[M]>(at), units, mean)), ...);
    T lanes[V::width], result = 0;
    total.store(lanes);
    for (int lane = 0; lane < V::width; ++lane) result += lanes[lane];
    return result;
  }
  template <std::size_t k> static UNROLL_INLINE const T* member(const Places& at) {
    if constexpr (Base::is_x(k))
      return at.x + static_cast<Index>(k - S::x_at) * at.padded;
    else
      return source<k>(at);
  }
  template <bool squares, class V> static UNROLL_INLINE V sum_of(const T* from, Index units, T mean) {
    V total = V();
    const V middle = V::fill(&mean);
    for (Index unit = 0; unit < units; unit += V::width) {
      const V value = first_lanes(V::load(from + unit) - middle, units - unit);
      total = squares ? fma(value, value, total) : total + value;
    }
    return total;
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
