// A pointwise cell: the equations of one hidden unit, written once over a value type.
#pragma once

#include <array>
#include <concepts>
#include <string_view>

#include <unroll/core/size.hpp>
#include <unroll/kernel/functions.hpp>

namespace unroll::inline UNROLL_ABI {

/// How many bias vectors a recurrent layer has: none; b (Keras's LSTM and SimpleRNN); b and b_h (PyTorch; Keras's GRU).
enum class Bias { none, single, dual };

/// What every pointwise cell has besides its equations: its sizes and its scalar type. A cell derives from it and says
///   GX, GU   gates fed by the input (W x + b) and by the state (U h + b_h); either may be 0
///   S        state fields, field 0 being the output h
///   C        values that its backward wants to see again
///   P        parameters per hidden unit (peepholes, decay rates); 0 here
///   same_ports   true where the backward always has dx == du (the equations see only the sum of x and u)
///   name     for messages and files
/// and, if it wants its gates to be seen (RecurrentRecord),
///   gate_names   a letter for each of the first values in its cache, at most GX; - for what is no gate from 0 to 1
template <class T = float> struct CellSize {
  static_assert(std::same_as<T, float> || std::same_as<T, double>, "unroll: the scalar of a cell is float or double.");
  using Scalar = T;
  static constexpr int P = 0;
  static constexpr bool same_ports = false;

  Index inputs, units;  ///< D, H
  CellSize(Index D, Index H) : inputs(D), units(H) {
    detail::require_size("a cell", D, "inputs", 0);
    detail::require_size("a cell", H, "units", 1);
  }
};

/// Equations can be called with value type V: without or, where P > 0, with per-unit parameters in front.
namespace detail {
template <class E, class V>
concept HasForward =
    requires(const std::array<V, E::GX>& x, const std::array<V, E::GU>& u, const std::array<V, E::S>& prev,
             std::array<V, E::S>& next, std::array<V, E::C>& cache, const std::array<V, E::P>& p) {
      requires(E::P > 0) || requires { E::forward(x, u, prev, next, cache); };
      requires(E::P == 0) || requires { E::forward(p, x, u, prev, next, cache); };
    };
template <class E, class V>
concept HasBackward =
    requires(const std::array<V, E::S>& prev, const std::array<V, E::S>& next, const std::array<V, E::C>& cache,
             const std::array<V, E::S>& d_next, std::array<V, E::GX>& dx, std::array<V, E::GU>& du,
             std::array<V, E::S>& d_prev, const std::array<V, E::P>& p, std::array<V, E::P>& dp) {
      requires(E::P > 0) || requires { E::backward(prev, next, cache, d_next, dx, du, d_prev); };
      requires(E::P == 0) || requires { E::backward(p, dp, prev, next, cache, d_next, dx, du, d_prev); };
    };
/// Nothing but equations: `Derived` makes a cell of them.
template <class E, class V>
concept HasEquations =
    requires(const std::array<V, E::GX>& x, const std::array<V, E::GU>& u, const std::array<V, E::S>& prev,
             std::array<V, E::S>& next, const std::array<V, E::P>& p) {
      requires(E::P > 0) || requires { E::forward(x, u, prev, next); };
      requires(E::P == 0) || requires { E::forward(p, x, u, prev, next); };
    };
/// A StagedCell.
template <class E>
concept InStages = requires { requires E::in_stages; };
/// Whether its output is a projection of its units.
template <class C> inline constexpr bool projects = false;
template <class C> requires requires { C::projects; }
inline constexpr bool projects<C> = C::projects;
template <class E, class V = Value<double>>
concept LacksBackward = (HasEquations<E, V> || HasForward<E, V>) && !HasBackward<E, V> && !InStages<E>;
}  // namespace detail

/// One hidden unit of a recurrent cell: GX, GU, S, C, P, `forward` and `backward`, static templates over a value type.
/// Axioms: `backward` computes the gradient of sum(d_next .* next) with respect to x, u, prev (through the equations
/// alone: the library adds U^T du) and, where P > 0, the parameters (dp is the value of one column; the library sums);
/// it assigns, it does not add. Neither branches on a value: one value stands for many units. `Derived` makes one of a
/// `forward` alone.
template <class E>
concept PointwiseCell =
    requires {
      typename E::Scalar;
      { E::GX } -> std::convertible_to<int>;
      { E::GU } -> std::convertible_to<int>;
      { E::S } -> std::convertible_to<int>;
      { E::C } -> std::convertible_to<int>;
      { E::P } -> std::convertible_to<int>;
      { E::same_ports } -> std::convertible_to<bool>;
      { E::name } -> std::convertible_to<std::string_view>;
    } && (E::S >= 1) && detail::HasForward<E, Value<double>> && detail::HasBackward<E, Value<double>> &&
    requires(const E e) {
      { e.inputs } -> std::convertible_to<Index>;
      { e.units } -> std::convertible_to<Index>;
    };

}  // namespace unroll::inline UNROLL_ABI
