// The backward step of a cell in stages: the passes from the last to the first, each followed by the gradients of the
// norms and of the products that it reads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <unroll/cell/stages/backward_sums.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

template <class E> struct StagedBackward : StagedBackwardSums<E> {
  using Sums = StagedBackwardSums<E>;
  using Base = StagedOperations<E>;
  using Base::plan, Base::group, Base::norm;
  using typename Base::S;
  using typename Base::Step;
  using typename Base::T;
  template <int n> using Upto = typename Base::template Upto<n>;
  template <class V> using Values = typename Base::template Values<V>;

  template <class Isa> static UNROLL_INLINE void run(Step s) {
    if constexpr (E::projects) std::copy_n(s.d[0], s.outputs * s.columns, s.d_projection);
    all_passes<Isa>(s, Upto<plan.passes>());
    finish(s, typename S::All());
  }

 private:
  template <class Isa, std::size_t... Q>
  static UNROLL_INLINE void all_passes(const Step& s, std::index_sequence<Q...>) {
    (pass<Isa, plan.passes - 1 - static_cast<int>(Q)>(s), ...);
  }
  template <class Isa, int Q> static UNROLL_INLINE void pass(const Step& s) {
    constexpr bool any = has_equations(Q);
    for (Index unit = 0; any && unit < s.units; unit += unit_block) {
      const Index units = (std::min)(unit_block, s.units - unit);
      if (Base::template is_number<Isa> || units == unit_block)
        equations<Isa, Q, true>(s, unit, units);
      else
        equations<Isa, Q, false>(s, unit, units);
    }
    norms_of_pass<Isa, Q>(s, Upto<plan.norm_count>());
    products_of_pass<Isa, Q>(s, Upto<plan.group_count>());
  }
  template <class Isa, int Q, std::size_t... n>
  static UNROLL_INLINE void norms_of_pass(const Step& s, std::index_sequence<n...>) {
    (Sums::template norm_back<Isa, Q, static_cast<int>(n)>(s), ...);
  }
  template <class Isa, int Q, std::size_t... G>
  static UNROLL_INLINE void products_of_pass(const Step& s, std::index_sequence<G...>) {
    (Sums::template product_back<Isa, Q, static_cast<int>(G)>(s), ...);
  }

  // Equations.
  static constexpr bool has_equations(int pass) {
    for (std::size_t k = 0; k < S::N; ++k)
      if (plan.pass[k] == pass && plan.live[k] && !Base::is_product(k)) return true;
    return false;
  }
  /// Values that the gradients of a pass are made of.
  static constexpr std::array<bool, S::N> values_for(int pass) {
    std::array<bool, S::N> wanted{};
    for (std::size_t k = 0; k < S::N; ++k)
      if (plan.pass[k] == pass && plan.live[k] && !spans_units(S::operation(k).op))
        for_reads(
            S::operation(k), k, [](std::size_t of) { return plan.live[of]; },
            [&](std::size_t at) { wanted[at] = true; });
    for (std::size_t k = S::N; k-- > 0;)
      if (wanted[k] && plan.again[k])
        for_operands(S::operation(k), [&](std::size_t, std::size_t of) { wanted[of] = true; });
    return wanted;
  }
  template <int Q> static constexpr std::array<bool, S::N> wanted = values_for(Q);

  /// `whole`: each vector is.
  template <class Isa, int Q, bool whole> static UNROLL_INLINE void equations(const Step& s, Index unit, Index units) {
    using V = typename Isa::template Vector<T>;
    for (Index j = 0; j < s.columns; ++j)
      for (Index lane = 0; lane < units; lane += V::width) {
        const Index at = unit + lane, present = (std::min<Index>)(units - lane, V::width);
        Values<V> values, d;
        compute<Q, whole, V>(values, s, j, at, present, typename S::All());
        open<Q, whole, V>(d, s, j, at, present, typename S::All());
        go_back<Q, V>(values, d, typename S::All());
        close<Q, whole, V>(d, s, j, at, present, typename S::All());
      }
  }
  template <int Q, bool whole, class V, std::size_t... K>
  static UNROLL_INLINE void compute(Values<V>& values, const Step& s, Index j, Index unit, Index present,
                                    std::index_sequence<K...>) {
    (compute_one<Q, whole, V, K>(values, s, j, unit, present), ...);
  }
  template <int Q, bool whole, class V, std::size_t k>
  static UNROLL_INLINE void compute_one(Values<V>& values, const Step& s, Index j, Index unit, Index present) {
    if constexpr (!wanted<Q>[k]) {
    } else if constexpr (plan.again[k]) {
      value_at<k>(values) = Base::template evaluate<k, V>(values, s.statistics + 2 * plan.norm_count * j);
    } else {
      value_at<k>(values) = Base::template fetch<k, whole, true, V>(s, j, unit, present);
    }
  }
  /// What the gradients of a pass's own values begin with.
  template <int Q, bool whole, class V, std::size_t... K>
  static UNROLL_INLINE void open(Values<V>& d, const Step& s, Index j, Index unit, Index present,
                                 std::index_sequence<K...>) {
    (open_one<Q, whole, V, K>(d, s, j, unit, present), ...);
  }
  template <int Q, bool whole, class V, std::size_t k>
  static UNROLL_INLINE void open_one(Values<V>& d, const Step& s, Index j, Index unit, Index present) {
    if constexpr (plan.pass[k] == Q && plan.live[k] && (!Base::is_product(k) || Base::is_read_in(k, Q, true))) {
      if constexpr (plan.output[k] >= 0)
        value_at<k>(d) =
            Base::template load<whole, V>(s.d[static_cast<std::size_t>(plan.output[k])] + j * s.units + unit, present);
      if constexpr (plan.first[k] < plan.time(Q))
        value_at<k>(d) += Base::template load<whole, V>(Base::template gradient<k>(s).at(j) + unit, present);
    }
  }
  template <int Q, class V, std::size_t... K>
  static UNROLL_INLINE void go_back(const Values<V>& values, Values<V>& d, std::index_sequence<K...>) {
    (go_back_one<Q, V, S::N - 1 - K>(values, d, std::make_index_sequence<3>()), ...);
  }
  template <int Q, class V, std::size_t k, std::size_t... operand>
  static UNROLL_INLINE void go_back_one(const Values<V>& values, Values<V>& d, std::index_sequence<operand...>) {
    if constexpr (plan.pass[k] == Q && plan.live[k] && !spans_units(S::operation(k).op))
      (add_to_operand<V, k, operand>(values, d), ...);
  }
  template <class V, std::size_t k, std::size_t operand>
  static UNROLL_INLINE void add_to_operand(const Values<V>& values, Values<V>& d) {
    constexpr Operation o = S::operation(k);
    if constexpr (o.of[operand] >= 0) {
      constexpr auto of = static_cast<std::size_t>(o.of[operand]);
      if constexpr (plan.live[of])
        value_at<of>(d) += gradient_of<o.op, operand>(value_at<k>(d), Base::template operand<o.of[0]>(values),
                                                      Base::template operand<o.of[1]>(values), value_at<k>(values));
    }
  }
  /// To memory: the gradients of products and norms of this pass, and what it adds to those of other values.
  template <int Q, bool whole, class V, std::size_t... K>
  static UNROLL_INLINE void close(const Values<V>& d, const Step& s, Index j, Index unit, Index present,
                                  std::index_sequence<K...>) {
    (close_one<Q, whole, V, K>(d, s, j, unit, present), ...);
  }
  template <int Q, bool whole, class V, std::size_t k>
  static UNROLL_INLINE void close_one(const Values<V>& d, const Step& s, Index j, Index unit, Index present) {
    if constexpr (!plan.live[k] || Base::is_projection(k)) {
    } else if constexpr (plan.pass[k] == Q) {
      if constexpr ((Base::is_product(k) && !plan.same_ports && Base::is_read_in(k, Q, true)) || Base::is_norm(k))
        Base::template store<whole, V>(value_at<k>(d), Base::template gradient<k>(s).at(j) + unit, present);
    } else if constexpr (Base::is_read_in(k, Q, true)) {
      T* to = Base::template gradient<k>(s).at(j) + unit;
      if constexpr (plan.first[k] == plan.time(Q) && !Base::is_parameter(k))
        Base::template store<whole, V>(value_at<k>(d), to, present);
      else
        Base::template store<whole, V>(Base::template load<whole, V>(to, present) + value_at<k>(d), to, present);
    }
  }

  // What did not go to its place at once, and what nothing was added to.
  template <std::size_t... K> static UNROLL_INLINE void finish(const Step& s, std::index_sequence<K...>) {
    (finish_one<K>(s), ...);
  }
  template <std::size_t k> static UNROLL_INLINE void finish_one(const Step& s) {
    if constexpr (k >= S::x_at && k < S::inputs) {
      constexpr bool is_state = Base::is_prev(k);
      constexpr std::size_t n = k - (is_state ? S::prev_at : S::x_at);
      const Index rows = k == S::prev_at ? s.outputs : s.units, stride = is_state ? rows : E::GX * rows;
      T* const to = is_state ? s.d[is_state ? n : 0] : s.x + static_cast<Index>(n) * rows;
      if constexpr (plan.first[k] == plan.never)
        for (Index j = 0; j < s.columns; ++j) std::fill_n(to + j * stride, rows, T(0));
      else if constexpr (plan.d_slot[k] >= 0)
        for (Index j = 0; j < s.columns; ++j) std::copy_n(Base::template gradient<k>(s).at(j), rows, to + j * stride);
    }
  }
};

template <class E> struct StagedBackwardStep {
  template <class Isa, class T> static UNROLL_INLINE void run(StagedStep<E, T> step) {
    StagedBackward<E>::template run<Isa>(step);
  }
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
