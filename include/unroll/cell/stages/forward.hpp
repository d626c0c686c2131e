// The forward step of a cell in stages: pass after pass over the units, each with the products that it begins with, a
// block of units at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include <unroll/cell/stages/step.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class E> struct StagedForward : StagedOperations<E> {
  using Base = StagedOperations<E>;
  using Base::plan, Base::group, Base::norm, Base::has_equations, Base::is_in;
  using typename Base::S;
  using typename Base::Step;
  using typename Base::T;
  template <int n> using Upto = typename Base::template Upto<n>;
  template <class V> using Values = typename Base::template Values<V>;

  template <class Isa> static UNROLL_INLINE void run(Step s) {
    statistics_before<Isa, 0>(s, Upto<plan.norm_count>());
    all_passes<Isa>(s, Upto<plan.passes>());
  }

 private:
  template <class Isa, std::size_t... Q> static UNROLL_INLINE void all_passes(Step& s, std::index_sequence<Q...>) {
    (pass<Isa, static_cast<int>(Q)>(s), ...);
  }
  template <class Isa, int Q> static UNROLL_INLINE void pass(Step& s) {
    mask_vectors<Q>(s, Upto<plan.group_count>());
    project<Isa, Q>(s, Upto<plan.group_count>());
    constexpr Index products = plan.products_in(Q), at_once = blocks_at_once<Isa>(Q);
    constexpr Index rows = (std::max<Index>)(products, 1) * at_once * unit_block;
    alignas(64) T u[rows * columns_at_once];
    const Index blocks = (s.units + unit_block - 1) / unit_block;
    if constexpr (has_equations(Q)) {
      for (Index block = 0; block < blocks; block += at_once)
        for (Index j = 0; j < s.columns; j += columns_at_once) {
          const Index n = (std::min)(columns_at_once, s.columns - j), taken = (std::min)(at_once, blocks - block);
          multiply<Isa, Q>(s, block, taken, j, View<T>{u, rows, n, rows}, Upto<plan.group_count>());
          for (Index b = 0; b < taken; ++b) {
            const Index unit = (block + b) * unit_block, units = (std::min)(unit_block, s.units - unit);
            if (Base::template is_number<Isa> || units == unit_block)
              equations<Isa, Q, true>(s, unit, units, b, j, n, u, rows);
            else
              equations<Isa, Q, false>(s, unit, units, b, j, n, u, rows);
          }
        }
    }
    statistics_before<Isa, Q + 1>(s, Upto<plan.norm_count>());
  }
  /// Blocks of units whose products are made together, to fill the tile.
  template <class Isa> static constexpr Index blocks_at_once(int pass) {
    return (std::max<Index>)(1, Tiling<Isa, T>::panels / (std::max)(plan.products_in(pass), 1));
  }

  /// Room for a masked vector of gate g.
  static UNROLL_INLINE T* masked(const Step& s, int g) {
    return s.masked + g * (std::max)(s.units, s.outputs) * s.columns;
  }
  template <int Q, std::size_t... G> static UNROLL_INLINE void mask_vectors(Step& s, std::index_sequence<G...>) {
    if (s.mask[0] != nullptr) (mask_vector<static_cast<int>(G), Q>(s), ...);
  }
  template <int G, int Q> static UNROLL_INLINE void mask_vector(Step& s) {
    if constexpr (is_in(G, Q)) {
      constexpr ProductGroup products = group(G);
      const auto from = Base::template source<products.operand>(s);
      const Index rows = s.weights[G].depth();
      for (int g = products.first; g < products.first + (s.mask_per_gate ? products.gates : 1); ++g) {
        const T* mask = s.mask[static_cast<std::size_t>(g)];
        T* to = masked(s, g);
        for (Index j = 0; j < s.columns; ++j)
          for (Index i = 0; i < rows; ++i) to[j * rows + i] = mask[j * rows + i] * from.at(j)[i];
      }
    }
  }
  template <class Isa, int Q, std::size_t... G>
  static UNROLL_INLINE void multiply(const Step& s, Index block, Index taken, Index j, View<T> u,
                                     std::index_sequence<G...>) {
    (multiply_group<Isa, Q, static_cast<int>(G)>(s, block, taken, j, u), ...);
  }
  template <class Isa, int Q, int G>
  static UNROLL_INLINE void multiply_group(const Step& s, Index block, Index taken, Index j, View<T> u) {
    if constexpr (is_in(G, Q)) {
      constexpr ProductGroup products = group(G);
      const StagedWeights<T>& weights = s.weights[G];
      const auto from = Base::template source<products.operand>(s);
      const bool is_masked = s.mask[0] != nullptr;
      const Index depth = weights.depth(), stride = is_masked ? depth : from.stride;
      constexpr Index row = first_row<Isa, Q>(G);
      const View<T> to = u.middle_rows(row, products.gates * taken * unit_block);
      if (!is_masked || !s.mask_per_gate) {
        const T* vectors = is_masked ? masked(s, products.first) + j * stride : from.at(j);
        multiply_all<Isa, 4>(weights.forward(block * products.gates), products.gates * taken, vectors, stride, depth,
                             to);
      } else {
        for (Index panel = 0; panel < products.gates * taken; ++panel)
          multiply_all<Isa, 1>(weights.forward(block * products.gates + panel), 1,
                               masked(s, products.first + static_cast<int>(panel % products.gates)) + j * stride,
                               stride, depth, to.middle_rows(panel * unit_block, unit_block));
      }
    }
  }
  /// Of group G's products among those of the pass.
  template <class Isa, int Q> static constexpr Index first_row(int G) {
    return plan.products_in(Q, G) * blocks_at_once<Isa>(Q) * unit_block;
  }
  /// W_r v, which is h.
  template <class Isa, int Q, std::size_t... G>
  static UNROLL_INLINE void project(const Step& s, std::index_sequence<G...>) {
    (project_group<Isa, Q, static_cast<int>(G)>(s), ...);
  }
  template <class Isa, int Q, int G> static UNROLL_INLINE void project_group(const Step& s) {
    if constexpr (group(G).pass == Q && group(G).projects) {
      constexpr Index rows = 4 * unit_block;
      alignas(64) T sums[rows * columns_at_once];
      const StagedWeights<T>& weights = s.weights[G];
      const auto from = Base::template source<group(G).operand>(s);
      for (Index row = 0; row < s.outputs; row += rows)
        for (Index j = 0; j < s.columns; j += columns_at_once) {
          const Index n = (std::min)(columns_at_once, s.columns - j), present = (std::min)(rows, s.outputs - row);
          multiply_all<Isa, 4>(weights.forward(row / unit_block), (present + unit_block - 1) / unit_block, from.at(j),
                               from.stride, weights.depth(), View<T>{sums, rows, n, rows});
          for (Index column = 0; column < n; ++column)
            std::copy_n(sums + column * rows, present, s.next[0] + (j + column) * s.outputs + row);
        }
    }
  }

  // Equations.
  /// `whole`: each vector is.
  template <class Isa, int Q, bool whole>
  static UNROLL_INLINE void equations(const Step& s, Index unit, Index units, Index b, Index first, Index n, const T* u,
                                      Index rows) {
    using V = typename Isa::template Vector<T>;
    for (Index column = 0; column < n; ++column) {
      const Index j = first + column;
      for (Index lane = 0; lane < units; lane += V::width) {
        Values<V> values;
        compute<Isa, Q, whole, V>(values, s, j, unit + lane, (std::min<Index>)(units - lane, V::width),
                                  u + column * rows + lane, b, typename S::All());
        keep<Q, whole, V>(values, s, j, unit + lane, (std::min<Index>)(units - lane, V::width), typename S::All());
      }
    }
  }
  template <class Isa, int Q, bool whole, class V, std::size_t... K>
  static UNROLL_INLINE void compute(Values<V>& values, const Step& s, Index j, Index unit, Index present, const T* u,
                                    Index b, std::index_sequence<K...>) {
    (compute_one<Isa, Q, whole, V, K>(values, s, j, unit, present, u, b), ...);
  }
  template <class Isa, int Q, bool whole, class V, std::size_t k>
  static UNROLL_INLINE void compute_one(Values<V>& values, const Step& s, Index j, Index unit, Index present,
                                        const T* u, Index b) {
    if constexpr (Base::is_projection(k)) {
    } else if constexpr (plan.pass[k] == Q && Base::is_product(k)) {
      constexpr int gate = S::operation(k).which, G = Base::group_of(gate);
      constexpr Index row = first_row<Isa, Q>(G), of_group = group(G).gates, in_group = gate - group(G).first;
      value_at<k>(values) = V::load(u + row + (b * of_group + in_group) * unit_block) +
                            Base::template load<whole, V>(s.bias + gate * s.units + unit, present);
    } else if constexpr (plan.pass[k] == Q) {
      value_at<k>(values) = Base::template evaluate<k, V>(values, s.statistics + 2 * plan.norm_count * j);
    } else if constexpr (Base::is_read_in(k, Q) || (Q == 0 && Base::is_x(k) && plan.saved[k])) {
      value_at<k>(values) = Base::template fetch<k, whole, false, V>(s, j, unit, present);
    }
  }
  template <int Q, bool whole, class V, std::size_t... K>
  static UNROLL_INLINE void keep(const Values<V>& values, const Step& s, Index j, Index unit, Index present,
                                 std::index_sequence<K...>) {
    (keep_one<Q, whole, V, K>(values, s, j, unit, present), ...);
  }
  template <int Q, bool whole, class V, std::size_t k>
  static UNROLL_INLINE void keep_one(const Values<V>& values, const Step& s, Index j, Index unit, Index present) {
    if constexpr (plan.pass[k] == Q && plan.output[k] >= 0 && !Base::is_projection(k)) {
      constexpr auto field = static_cast<std::size_t>(plan.output[k]);
      Base::template store<whole, V>(value_at<k>(values), s.next[field] + j * s.units + unit, present);
    } else if constexpr (plan.slot[k] >= 0 && (plan.pass[k] == Q || (Q == 0 && Base::is_x(k)))) {
      if (plan.crosses[k] || s.keep)
        Base::template store<whole, V>(value_at<k>(values),
                                       s.values + (j * plan.slot_count + plan.slot[k]) * s.units + unit, present);
    }
  }

  // Norms.
  template <class Isa, int Q, std::size_t... n>
  static UNROLL_INLINE void statistics_before(const Step& s, std::index_sequence<n...>) {
    (statistics<Isa, Q, static_cast<int>(n)>(s), ...);
  }
  template <class Isa, int Q, int n> static UNROLL_INLINE void statistics(const Step& s) {
    if constexpr (norm(n).pass == Q) {
      using V = typename Isa::template Vector<T>;
      constexpr int members = norm(n).count;
      const T count = static_cast<T>(members * s.units);
      for (Index j = 0; j < s.columns; ++j) {
        T* to = s.statistics + 2 * (plan.norm_count * j + n);
        const auto from = Base::template sources<n, false>(s, j, Upto<members>());
        to[0] = sum<V, false>(from.data(), members, s.units, T(0)) / count;
        to[1] = 1 / std::sqrt(sum<V, true>(from.data(), members, s.units, to[0]) / count + T(1e-5));
      }
    }
  }
  /// Of (value - mean), or of its square, over the units of all members.
  template <class V, bool squares> static UNROLL_INLINE T sum(const T* const* members, int count, Index units, T mean) {
    UnitSums<V> sums;
    sums.clear();
    const V middle = V::fill(&mean);
    for (int m = 0; m < count; ++m) {
      const T* from = members[m];
      const Index whole = units / unit_block * unit_block;
      for (Index unit = 0; unit < whole; unit += unit_block) {
        UNROLL_UNROLL
        for (int v = 0; v < UnitSums<V>::vectors; ++v)
          add<squares>(sums.sums[v], V::load(from + unit + v * V::width) - middle);
      }
      if (whole < units) {
        T rest[unit_block] = {};
        for (Index unit = whole; unit < units; ++unit) rest[unit - whole] = from[unit] - mean;
        UNROLL_UNROLL
        for (int v = 0; v < UnitSums<V>::vectors; ++v) add<squares>(sums.sums[v], V::load(rest + v * V::width));
      }
    }
    return sums.total();
  }
  template <bool squares, class V> static UNROLL_INLINE void add(V& sum, const V& value) {
    sum = squares ? fma(value, value, sum) : sum + value;
  }
};

template <class E> struct StagedForwardStep {
  template <class Isa, class T> static UNROLL_INLINE void run(StagedStep<E, T> step) {
    StagedForward<E>::template run<Isa>(step);
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
