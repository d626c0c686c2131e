// What flows between layers: vectors or tokens of sequences, or several of them.
#pragma once

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>

#include <unroll/core/packed_sequence.hpp>

namespace unroll::inline UNROLL_ABI {

template <class X> inline constexpr bool is_matrix = false;
template <class T> inline constexpr bool is_matrix<Matrix<T>> = true;
template <class X> inline constexpr bool is_packed = false;
template <class T> inline constexpr bool is_packed<PackedSequence<T>> = true;
template <class X, class T>
concept Sequences = std::same_as<X, PackedSequence<T>>;
/// Vectors: one per sequence (Matrix) or one per step (PackedSequence).
template <class X, class T>
concept Vectors = std::same_as<X, PackedSequence<T>> || std::same_as<X, Matrix<T>>;
template <class X>
concept Tokens = std::same_as<X, TokenBatch>;

/// A batch of several inputs, each a Matrix or sequences: what a model takes whose wiring takes as many nodes.
template <class... X> struct Inputs {
  std::tuple<X...> all;
};
template <class X> inline constexpr bool is_inputs = false;
template <class... X> inline constexpr bool is_inputs<Inputs<X...>> = true;

template <class X>
concept Batch = is_matrix<X> || is_inputs<X> || requires(const X& x) {
  { x.packing } -> std::convertible_to<const Packing&>;
};

namespace detail {
/// What the wiring of a model, `operator()(Wiring&, Node<X>..)`, takes: Inputs<X..>; nothing where it is overloaded.
template <class F> struct WiringInputs {
  static constexpr std::size_t count = 0;
};
template <class M, class R, class Run, class... N>
requires requires { (typename std::remove_cvref_t<N>::Value(), ...); }
struct WiringInputs<R (M::*)(Run&, N...) const> {
  using type = Inputs<typename std::remove_cvref_t<N>::Value...>;
  static constexpr std::size_t count = sizeof...(N);
};
template <class M>
concept TakesSeveral = requires { requires(WiringInputs<decltype(&M::operator())>::count > 1); };
template <class M> using SeveralInputs = typename WiringInputs<decltype(&M::operator())>::type;

/// f(input) for each of a batch.
template <class In, class F> decltype(auto) with_inputs(In& x, const F& f) {
  if constexpr (is_inputs<std::remove_const_t<In>>)
    return std::apply(f, x.all);
  else
    return f(x);
}
}  // namespace detail

template <class T> Matrix<T>& values(Matrix<T>& m) { return m; }
template <class T> const Matrix<T>& values(const Matrix<T>& m) { return m; }
template <class T> Matrix<T>& values(PackedSequence<T>& s) { return s.values; }
template <class T> const Matrix<T>& values(const PackedSequence<T>& s) { return s.values; }
/// Gives y as many columns as x, of the same sequences and times.
template <class T> void shape_like(Matrix<T>& y, const Matrix<T>& x, Index rows) { y.resize(rows, x.cols()); }
template <class T> void shape_like(PackedSequence<T>& y, const PackedSequence<T>& x, Index rows) {
  y.packing = x.packing;
  y.values.resize(rows, x.values.cols());
}

}  // namespace unroll::inline UNROLL_ABI
