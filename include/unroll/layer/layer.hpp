// What a layer is, and what a model is to those who train, save and run it.
#pragma once

#include <concepts>
#include <string>

#include <unroll/core/context.hpp>
#include <unroll/core/initialize.hpp>
#include <unroll/core/pack.hpp>  // for those who have a layer, and something to give it
#include <unroll/layer/batch.hpp>
#include <unroll/layer/checks.hpp>
#include <unroll/layer/state.hpp>

namespace unroll::inline UNROLL_ABI {

// A layer L is a value that names
//   Scalar                     float or double: of its parameters, and of what it gives
//   State                      what it carries from one window to the next; Nothing
//   Output<In>                 what it gives, for each input type In that it takes: a template constrained to those
//   Cache<In>                  what it keeps between forward and backward, made by {}; its output() is what the last
//                              forward pass gave
// and offers
//   const Output<In>& forward(context, x, cache, carry = {}) const     the output lives in the cache, or is x
//   const In&         backward(x, dy, cache, gradient, carry = {}) const   the gradient of x, too, which lives in the
//                                                                          cache or is dy; Nothing for tokens
//   void initialize(rng, scheme),  std::string describe() const
//   static void visit(f, path, self...)                                f(path, parameter...) for each parameter
// Backward computes the gradient of sum(dy .* y) and of sum(d final state .* final state) with respect to parameters
// (gradient +=), input and initial state. In a layer that FinalState wraps dy may be Nothing: none arrives there.
// If the layer says `static constexpr bool identity_in_inference = true`, it does nothing when a model runs, and files,
// networks and streams leave it out: Dropout.
// If the cache has a member `want_dx`, false says that nobody reads the gradient of x.
// A batch In is a Matrix, or has a member `packing`.
// check_batch(who, x), check_columns(who, x) and check_gradient_shapes(who, *this, gradient) say what was given
// wrongly.

template <class L, class In>
concept Accepts = requires { typename L::template Output<In>; };

/// The cache of a layer that needs no more than its output to go back.
template <class In> struct OutputCache {
  In y, dx;
  bool want_dx = true;
  const In& output() const { return y; }
};

namespace detail {
/// A sentence where a model cannot take an In.
template <class Model, class In> struct AssertTakes {
  static constexpr bool takes = Accepts<Model, In>;  // a compiler lists no reasons for a variable
  static_assert(takes,
                "unroll: this model cannot take this input. A recurrent layer needs a PackedSequence of its scalar "
                "type (see pack), an Embedding a TokenBatch; a Matrix has no lengths.");
};
template <class Model, class In> struct CacheOf : AssertTakes<Model, In> {};
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
concept Model = Visitable<M> && Batch<In> && Accepts<M, In> && std::copyable<M> &&
                requires(const M& model, M& gradient, const Context& context, const In& x,
                         typename M::template Cache<In>& cache, const typename M::template Output<In>& dy) {
                  { model.forward(context, x, cache) } -> std::convertible_to<const typename M::template Output<In>&>;
                  model.backward(x, dy, cache, gradient);
                };

namespace detail {
template <class L>
concept HasState = requires { typename L::State; };
/// Nothing where a layer names none.
template <class L> struct StateOf {
  using type = Nothing;
};
template <HasState L> struct StateOf<L> {
  using type = typename L::State;
};
template <class L, class In>
concept HasCache = requires {
  typename L::template Cache<In>;
  requires std::default_initializable<typename L::template Cache<In>>;
};
template <class L, class In>
concept HasOutput = requires(const typename L::template Cache<In>& cache) {
  { cache.output() } -> std::convertible_to<const typename L::template Output<In>&>;
};
template <class L, class In>
concept ForwardPass = requires(const L& layer, const Context& context, const In& x,
                               typename L::template Cache<In>& cache, Carry<typename StateOf<L>::type> carry) {
  { layer.forward(context, x, cache) } -> std::convertible_to<const typename L::template Output<In>&>;
  { layer.forward(context, x, cache, carry) } -> std::convertible_to<const typename L::template Output<In>&>;
};
template <class L, class In>
concept BackwardPass = requires(const L& layer, L& gradient, const In& x, const typename L::template Output<In>& dy,
                                typename L::template Cache<In>& cache, Carry<typename StateOf<L>::type> carry) {
  layer.backward(x, dy, cache, gradient);
  layer.backward(x, dy, cache, gradient, carry);
};
/// Whether a layer may be told that no gradient of its output arrives.
template <class L, class... X>
concept TakesNothing = requires(const L& layer, const X&... x, typename L::template Cache<X...>& c, L& gradient) {
  layer.backward(x..., Nothing{}, c, gradient);
};
template <class L>
concept HasInitialize = requires(L& layer, Rng rng, const Scheme& scheme) { layer.initialize(rng, scheme); };
template <class L>
concept HasDescribe = requires(const L& layer) {
  { layer.describe() } -> std::convertible_to<std::string>;
};
template <class L>
concept HasFinalOutput = requires(const L& layer, const typename L::State& state, typename L::State& d,
                                  Matrix<typename L::Scalar>& y, const Matrix<typename L::Scalar>& dy) {
  layer.final_output(state, y);
  layer.final_output_backward(state, dy, d);
};
/// A layer that takes In does with it all that is asked of it.
template <class L, class In>
concept Passes = Batch<In> && HasCache<L, In> && HasOutput<L, In> && ForwardPass<L, In> && BackwardPass<L, In>;
/// Equations or steps, which wait for a Recurrent around them.
template <class L>
concept CellItself = requires { L::S; } && (requires { L::GX; } || requires { L::gates; });
}  // namespace detail

/// What a layer is for the input type In; all that is asked of one is listed above.
template <class L, class In>
concept Layer = std::copyable<L> && detail::has_scalar<L> && detail::HasState<L> && Visitable<L> &&
                detail::HasInitialize<L> && detail::HasDescribe<L> && Accepts<L, In> && detail::Passes<L, In>;

namespace detail {
/// The same as sentences, one for each thing that may be missing: where layers are put together.
template <class L> consteval bool assert_layer() {
  if constexpr (CellItself<L>) {
    static_assert(!CellItself<L>, "unroll: a cell here is no layer: Recurrent{Lstm{..}} makes one of it.");
  } else {
    constexpr bool copyable = std::copyable<L>;  // a compiler lists no reasons for a variable
    static_assert(copyable, "unroll: a layer here cannot be copied: a layer is a value.");
    static_assert(has_scalar<L>, "unroll: a layer here does not name its Scalar, float or double.");
    static_assert(HasState<L>,
                  "unroll: a layer here does not name its State: `using State = Nothing;` if it has none.");
    static_assert(Visitable<L>, "unroll: a layer here has no `static void visit(f, const Path&, self...)`.");
    static_assert(HasInitialize<L>, "unroll: a layer here has no `void initialize(Rng, const Scheme&)`.");
    static_assert(HasDescribe<L>, "unroll: a layer here has no `std::string describe() const`.");
  }
  return true;
}
template <class L, class In> consteval bool assert_layer() {
  static_assert(Batch<In>, "unroll: a batch here is no Matrix and has no member `packing`.");
  static_assert(HasCache<L, In>, "unroll: a layer here has no Cache<In>, made by {}, for an input that it takes.");
  if constexpr (HasCache<L, In>) {
    static_assert(HasOutput<L, In>, "unroll: the Cache of a layer here has no `const Output<In>& output() const`.");
    static_assert(ForwardPass<L, In>,
                  "unroll: a layer here has no `const Output<In>& forward(const Context&, const In&, Cache<In>&, "
                  "Carry<State> = {}) const`.");
    static_assert(BackwardPass<L, In>,
                  "unroll: a layer here has no `backward(const In&, const Output<In>&, Cache<In>&, L& gradient, "
                  "Carry<State> = {}) const`.");
  }
  return true;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
