// What a layer is, what flows between layers, and what a model is to those who train, save and run it.
#pragma once

#include <concepts>
#include <tuple>

#include <unroll/core/context.hpp>
#include <unroll/core/initialize.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/parameters.hpp>

namespace unroll::inline UNROLL_ABI {

/// Forward: the state to start from and where the final state goes. Backward, the other way: the gradient of the final
/// state, and where that of the initial state goes. Null: zeros, and not wanted. So truncated BPTT is
/// `forward(context, window, cache, {&state, &state})` for each window, and an encoder and decoder share their state.
template <class State> struct Carry {
  const State* in = nullptr;
  State* out = nullptr;
};

// A layer L names Output<In> and Cache<In> for each input type In that it takes, and State, and offers
//   const Output<In>& forward(context, x, cache, carry = {}) const     the output lives in the cache
//   const In&         backward(x, dy, cache, gradient, carry = {}) const   the gradient of x, too; None for token ids
//   void initialize(rng, scheme),  std::string describe() const
//   static void visit(f, path, self...)
// Backward computes the gradient of sum(dy .* y) and of sum(d final state .* final state) with respect to parameters
// (gradient +=), input and initial state. dy may be None: no gradient arrives there.
// cache.want_dx = false says that nobody reads the gradient of x.

template <class L, class In>
concept Accepts = requires { typename L::template Output<In>; };

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

namespace detail {
/// Every backward asks this of the gradient it is given.
template <class T> void require_gradient(std::string_view who, const Matrix<T>& dy, Index rows, Index cols) {
  require(dy.rows() == rows && dy.cols() == cols, who, ": dy is ", dy.rows(), " x ", dy.cols(), ", expected ", rows,
          " x ", cols);
}
template <class Model, class In> struct CacheOf {
  static_assert(
      Accepts<Model, In>,
      "unroll: this model cannot take this input. A recurrent layer needs a PackedSequence of its scalar type "
      "(see pack), an Embedding a TokenBatch; a Matrix has no lengths.");
};
template <class Model, class In> requires Accepts<Model, In>
struct CacheOf<Model, In> {
  using type = typename Model::template Cache<In>;
};
}  // namespace detail

/// What `model` needs to keep between forward and backward of an `In`: the caller's, made once, used for every batch.
template <class Model, class In> using CacheFor = typename detail::CacheOf<Model, In>::type;

/// What `fit`, `evaluate`, `save` and the gradient checker ask of a model: that it is a layer, the outermost one. A
/// user's struct of layers is one when it has the members listed above.
template <class M, class In>
concept Model = Visitable<M> && Accepts<M, In> && std::copyable<M> &&
                requires(const M& model, M& gradient, const Context& context, const In& x,
                         typename M::template Cache<In>& cache, const typename M::template Output<In>& dy) {
                  { model.forward(context, x, cache) } -> std::convertible_to<const typename M::template Output<In>&>;
                  model.backward(x, dy, cache, gradient);
                };

// States.

/// State of a layer without one.
template <class S> inline constexpr bool is_stateless = std::same_as<S, None>;

/// Calls f(path, field...) for the matrices (rows, B) of a state and of others of its type.
template <class F, class S, class... Others> void visit_state(F&& f, S& state, Others&... others) {
  if constexpr (!is_stateless<std::remove_const_t<S>>) std::remove_const_t<S>::visit(f, Path{}, state, others...);
}
/// State fields of these sequences (the user's rows) back to zero: streams that end in mid-batch.
template <class S> void reset_state(S& state, std::span<const Index> rows) {
  visit_state(
      [&](const Path& path, auto& field) {
        for (const Index b : rows) {
          require(b >= 0 && b < field.cols(), "reset_state: row ", b, " of ", path.str(), ", expected 0 to ",
                  field.cols() - 1);
          field.col(b).setZero();
        }
      },
      state);
}
/// The states of these sequences, in this order.
template <class S> S select_state(const S& state, std::span<const Index> rows) {
  S selected = state;
  visit_state(
      [&](const Path& path, auto& to, const auto& from) {
        to.resize(from.rows(), static_cast<Index>(rows.size()));
        for (std::size_t k = 0; k < rows.size(); ++k) {
          require(rows[k] >= 0 && rows[k] < from.cols(), "select_state: row ", rows[k], " of ", path.str(),
                  ", expected 0 to ", from.cols() - 1);
          to.col(static_cast<Index>(k)) = from.col(rows[k]);
        }
      },
      selected, state);
  return selected;
}

}  // namespace unroll::inline UNROLL_ABI
