// The gradients of what spans the units in the backward step of a cell in stages: of norms, and of products' vectors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <unroll/cell/stages/step.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class E> struct StagedBackwardSums : StagedOperations<E> {
  using Base = StagedOperations<E>;
  using Base::plan, Base::group, Base::norm;
  using typename Base::S;
  using typename Base::Step;
  using typename Base::T;
  template <int n> using Upto = typename Base::template Upto<n>;

  /// Norms: with z = normalize(a), da = (dz - mean(dz) - z mean(dz * z)) / deviation.
  template <class Isa, int Q, int n> static UNROLL_INLINE void norm_back(const Step& s) {
    if constexpr (norm(n).pass == Q && plan.live[norm(n).members[0]]) {
      using V = typename Isa::template Vector<T>;
      constexpr int members = norm(n).count;
      const T count = static_cast<T>(members * s.units);
      for (Index j = 0; j < s.columns; ++j) {
        const T* statistics = s.statistics + 2 * (plan.norm_count * j + n);
        const auto a = Base::template sources<n, true>(s, j, Upto<members>());
        const auto d = gradients<n>(s, j, Upto<members>());
        UnitSums<V> sums, products;
        sums.clear(), products.clear();
        for (std::size_t m = 0; m < a.size(); ++m) add_member(sums, products, a[m], d[m].dz, s.units, statistics);
        const T mean = sums.total() / count, slope = products.total() / count;
        for (std::size_t m = 0; m < a.size(); ++m)
          if (d[m].da != nullptr) spread<V>(mean, slope, a[m], d[m], s.units, statistics);
      }
    }
  }
  /// Of a member of a norm.
  struct MemberGradient {
    const T* dz;
    T* da;  ///< nullptr where nobody asks
    bool assigns;
  };
  template <int n, std::size_t... M>
  static UNROLL_INLINE auto gradients(const Step& s, Index j, std::index_sequence<M...>) {
    return std::array<MemberGradient, sizeof...(M)>{
        gradient_of_member<n, norm(n).members[M], norm(n).sources[M]>(s, j)...};
  }
  template <int n, std::size_t member, std::size_t of>
  static UNROLL_INLINE MemberGradient gradient_of_member(const Step& s, Index j) {
    const T* dz = Base::template gradient<member>(s).at(j);
    if constexpr (plan.live[of])
      return {dz, Base::template gradient<of>(s).at(j), plan.first[of] == plan.norm_time(n)};
    else
      return {dz, nullptr, false};
  }
  template <class V>
  static UNROLL_INLINE void add_member(UnitSums<V>& sums, UnitSums<V>& products, const T* a, const T* dz, Index units,
                                       const T* statistics) {
    const Index whole = units / unit_block * unit_block;
    for (Index unit = 0; unit < whole; unit += unit_block) add_block(sums, products, a + unit, dz + unit, statistics);
    if (whole < units) {
      T last_a[unit_block] = {}, last_dz[unit_block] = {};
      std::copy_n(a + whole, units - whole, last_a);
      std::copy_n(dz + whole, units - whole, last_dz);
      add_block(sums, products, last_a, last_dz, statistics);
    }
  }
  template <class V>
  static UNROLL_INLINE void add_block(UnitSums<V>& sums, UnitSums<V>& products, const T* a, const T* dz,
                                      const T* statistics) {
    UNROLL_UNROLL
    for (int v = 0; v < UnitSums<V>::vectors; ++v) {
      const V d = V::load(dz + v * V::width), z = V::load(a + v * V::width) - V::fill(statistics);
      sums.sums[v] += d;
      products.sums[v] = fma(d, z * V::fill(statistics + 1), products.sums[v]);
    }
  }
  template <class V>
  static UNROLL_INLINE void spread(T mean, T slope, const T* a, const MemberGradient& d, Index units,
                                   const T* statistics) {
    for (Index unit = 0; unit < units; unit += V::width)
      if (unit + V::width <= units)
        spread_some<true, V>(mean, slope, a + unit, d.dz + unit, d.da + unit, V::width, d.assigns, statistics);
      else
        spread_some<false, V>(mean, slope, a + unit, d.dz + unit, d.da + unit, units - unit, d.assigns, statistics);
  }
  template <bool whole, class V>
  static UNROLL_INLINE void spread_some(T mean, T slope, const T* a, const T* dz, T* to, Index present, bool assigns,
                                        const T* statistics) {
    const V z = (Base::template load<whole, V>(a, present) - V::fill(statistics)) * V::fill(statistics + 1);
    const V da =
        V::fill(statistics + 1) * (Base::template load<whole, V>(dz, present) - V::fill(&mean) - z * V::fill(&slope));
    Base::template store<whole, V>(assigns ? da : Base::template load<whole, V>(to, present) + da, to, present);
  }

  /// Products: the vector's gradient += sum over gates of mask * (U_g^T du_g), one sum over all gates with one mask.
  template <class Isa, int Q, int G> static UNROLL_INLINE void product_back(const Step& s) {
    if constexpr (group(G).pass == Q && plan.live[group(G).operand]) {
      constexpr bool projects = group(G).projects;
      constexpr std::size_t operand = group(G).operand;
      constexpr bool is_first = plan.first[operand] == plan.product_time(G);
      constexpr Index panels = Tiling<Isa, T>::panels, rows = panels * panel_rows;
      alignas(64) T sums[rows * columns_at_once];
      const StagedWeights<T>& weights = s.weights[G];
      const bool per_gate = !projects && s.mask_per_gate && s.mask[0] != nullptr;
      const Index groups = per_gate ? group(G).gates : 1, depth = weights.rows() / groups;
      const ColumnsOf<const T> du = Base::template gradient<Base::product_of(group(G).first)>(s);
      const auto to = Base::template gradient<operand>(s);
      for (Index row = 0; row < weights.depth(); row += rows)
        for (Index j = 0; j < s.columns; j += columns_at_once) {
          const Index n = (std::min)(columns_at_once, s.columns - j), present = (std::min)(rows, weights.depth() - row);
          for (Index g = 0; g < groups; ++g) {
            LeftPanels<T> left = weights.backward(row / panel_rows);
            left.data += g * depth * panel_rows;
            multiply_all<Isa, 4>(left, (present + panel_rows - 1) / panel_rows, du.at(j) + g * depth, du.stride, depth,
                                 View<T>{sums, rows, n, rows});
            const T* mask = projects ? nullptr : s.mask[static_cast<std::size_t>(group(G).first + g)];
            const bool assigns = is_first && g == 0;
            for (Index column = 0; column < n; ++column)
              add_columns<Isa>(to.at(j + column) + row,
                               mask == nullptr ? mask : mask + (j + column) * weights.depth() + row,
                               sums + column * rows, present, assigns);
          }
        }
    }
  }
  template <class Isa>
  static UNROLL_INLINE void add_columns(T* to, const T* mask, const T* sums, Index present, bool assigns) {
    using V = typename Isa::template Vector<T>;
    for (Index i = 0; i < present; i += V::width)
      if (i + V::width <= present)
        add<true, V>(to + i, at(mask, i), sums + i, V::width, assigns);
      else
        add<false, V>(to + i, at(mask, i), sums + i, present - i, assigns);
  }
  template <bool whole, class V>
  static UNROLL_INLINE void add(T* to, const T* mask, const T* sums, Index n, bool assigns) {
    const V sum = V::load(sums), before = assigns ? V() : Base::template load<whole, V>(to, n);
    Base::template store<whole, V>(
        mask != nullptr ? fma(Base::template load<whole, V>(mask, n), sum, before) : before + sum, to, n);
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
