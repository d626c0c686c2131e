// What a recurrent layer is in files, for any cell: its cell's counts say all of it.
#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <type_traits>

#include <unroll/cell/pointwise_cell.hpp>
#include <unroll/kind/by_the_book.hpp>
#include <unroll/kind/layer_kind.hpp>

namespace unroll::inline UNROLL_ABI {

template <class C> class Recurrent;

namespace detail {
template <class C> constexpr CellCounts counts_of() {
  if constexpr (requires { C::GX; })
    return {C::GX, C::GU, C::S, C::P, projects<C>};
  else
    return {C::gates, C::gates, C::S, 0};
}
/// weight_ih (GX H, D), bias_ih, weight_hh (GU H, H), bias_hh, weight_unit (H, P), (H) where P is 1, the states to
/// start from; reverse, final_state. With a projection weight_hh is (GU H, R) and there is weight_hr (R, H).
UNROLL_API void describe_recurrent(Description& layer, CellCounts counts);

/// A step of a cell in stages (cell/stages/by_the_book.hpp).
template <class E> void run_staged_step(const ReferenceStep& s);

/// The cell over another scalar: Lstm<double> of Lstm<float>, and of Derived<MyCell<float>> likewise.
template <class C, class T> struct WithScalar {
  using type = std::conditional_t<std::is_floating_point_v<C>, T, C>;
};
template <template <class> class C, class Of, class T> struct WithScalar<C<Of>, T> {
  using type = C<typename WithScalar<Of, T>::type>;
};
}  // namespace detail

/// A recurrent layer of cell C, in float: one that says its name in files, `kind`. A cell that is not pointwise says
/// its step by the book, `reference_step`.
template <class C> struct RecurrentKind {
  using Cell = C;
  template <class T> using Layer = Recurrent<typename detail::WithScalar<C, T>::type>;
  static constexpr std::string_view name = C::kind;
  static constexpr CellCounts counts = detail::counts_of<C>();
  static_assert(counts.S <= static_cast<int>(std::size(initial_names)),
                "unroll::RecurrentKind: a cell in files has at most four state fields.");

  static void describe(Description& layer) { detail::describe_recurrent(layer, counts); }
  static Matrix<double> run(const LayerData& layer, const Matrix<double>& x) {
    return detail::run_recurrent(layer, x, counts, &step);
  }
  static LayerData sized(Index inputs, Index outputs) { return sized(inputs, outputs, outputs); }
  static LayerData sized(Index inputs, Index units, Index outputs) {
    LayerData layer{&layer_kind<RecurrentKind>};
    layer.set_zeros("weight_ih", counts.GX * units, inputs);
    if (counts.GU > 0) layer.set_zeros("weight_hh", counts.GU * units, outputs);
    if (counts.P > 0) layer.set_zeros("weight_unit", units, counts.P);
    if (counts.projects) layer.set_zeros("weight_hr", outputs, units);
    return layer;
  }
  /// A cell of these sizes.
  template <class T> static auto cell(Index inputs, Index units, Index outputs) {
    using Of = typename detail::WithScalar<C, T>::type;
    if constexpr (counts.projects)
      return Of(inputs, units, outputs);
    else
      return static_cast<void>(outputs), Of(inputs, units);
  }
  template <class T> static Layer<T> make(const LayerData& of) {
    const Description form = describe_layer(of);
    typename Layer<T>::Options how;
    using Biases = typename decltype(how.bias)::value_type;
    how.bias = of.tensor("bias_ih").size() == 0   ? Biases::none
               : of.tensor("bias_hh").size() == 0 ? Biases::single
                                                  : Biases::dual;
    how.reverse = of.flag("reverse");
    for (const std::string_view start : initial_names)
      how.learned_initial_state = how.learned_initial_state || of.tensor(start).size() > 0;
    return Layer<T>(cell<T>(form.inputs, of.tensor("weight_ih").rows() / counts.GX, form.outputs), how);
  }
  /// The options of a trained layer.
  static void take_options(const auto& trained, LayerData& to) {
    if (trained.options.reverse) to.set_flag("reverse", true);
  }

 private:
  static void step(const ReferenceStep& s) {
    if constexpr (detail::InStages<C>) {
      detail::run_staged_step<C>(s);
    } else if constexpr (requires { C::reference_step(s); }) {
      C::reference_step(s);
    } else {
      using V = Value<double>;
      s.multiply(0, counts.GU, s.state);
      for (Index k = 0; k < s.units; ++k) {
        const auto gather = [&]<std::size_t n>(const double* from, std::array<V, n>& to) {
          for (std::size_t g = 0; g < n; ++g) to[g] = V(from[static_cast<Index>(g) * s.units + k]);
        };
        std::array<V, C::GX> x{};
        std::array<V, C::GU> u{};
        std::array<V, C::S> prev{}, next{};
        std::array<V, C::C> cache{};
        std::array<V, C::P> p{};
        gather(s.x, x), gather(s.u, u), gather(s.state, prev), gather(s.unit, p);
        if constexpr (C::P > 0)
          C::forward(p, x, u, prev, next, cache);
        else
          C::forward(x, u, prev, next, cache);
        for (std::size_t f = 0; f < C::S; ++f) s.state[static_cast<Index>(f) * s.units + k] = next[f][0];
      }
    }
  }
};

namespace detail {
/// Of a trained layer's cell, whose scalar may be another; void where the cell has no name in files.
template <class C> struct KindOfCell {
  using type = void;
};
template <class C> requires requires { std::string_view(C::kind); }
struct KindOfCell<C> {
  using type = RecurrentKind<typename WithScalar<C, float>::type>;
};
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/cell/cell_kind.ipp>
#endif
