// The type of a stream from that of a trained model, whose plan is written once.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <unroll/kind/identity_in_inference.hpp>
#include <unroll/stream/activation.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/embedding.hpp>
#include <unroll/stream/function.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/sequential.hpp>
#include <unroll/stream/staged.hpp>

namespace unroll::inline UNROLL_ABI {
// The trained layers.
template <class C> class Recurrent;
template <class Inner> class FinalState;
template <class T> class Embedding;
template <class T> class Dense;
template <class T> struct Relu;
template <class T> struct Tanh;
template <class T> struct Sigmoid;
template <class... Ls> class Sequential;
template <class... Ls> class Stack;

namespace detail {

/// The layers of a stream up to here, and the widths that are left, the current one first.
template <class Layers, Index... widths> struct StreamSoFar;
template <class... S, Index... widths> struct StreamSoFar<std::tuple<S...>, widths...> {
  static constexpr std::size_t left = sizeof...(widths);
  using type = stream::Sequential<S...>;
};
/// In the place of what cannot stream, so that nothing more is said about it.
struct NoStream {
  static constexpr std::size_t left = 1;
  using type = stream::Dense<1, 1>;
};
template <class L> struct LayerTag {};

// with_layer(so far, the tag of a trained layer): so far, and what a stream has in its place.

template <class L, class... S, Index D, Index... rest> auto with_function(StreamSoFar<std::tuple<S...>, D, rest...>) {
  return StreamSoFar<std::tuple<S..., stream::Function<L, D>>, D, rest...>();
}
template <class SoFar, class L> auto with_layer(SoFar so_far, LayerTag<L>) {
  static_assert(is_identity_in_inference<L> || is_function_of_step<L>,
                "unroll::stream::StreamOf: a layer of the model has no stream of fixed size. Recurrent, Dense, "
                "Embedding and layers whose kind has `apply` have one, and Sequential, Stack and FinalState of them; a "
                "bidirectional layer reads its sequence from the end, too.");
  if constexpr (is_identity_in_inference<L>)
    return so_far;
  else if constexpr (is_function_of_step<L>)
    return with_function<L>(so_far);
  else
    return NoStream();
}
/// Of a layer that takes vectors of one width and gives vectors of another.
template <template <Index, Index> class Made, class... S, Index D, Index... rest>
auto with_widths(StreamSoFar<std::tuple<S...>, D, rest...> so_far) {
  static_assert(sizeof...(rest) > 0,
                "unroll::stream::StreamOf: the model has more layers with a width than there are widths.");
  if constexpr (sizeof...(rest) > 0)
    return []<Index H, Index... more>(std::integer_sequence<Index, H, more...>) {
      return StreamSoFar<std::tuple<S..., Made<D, H>>, H, more...>();
    }(std::integer_sequence<Index, rest...>());
  else
    return so_far;
}
template <class C> struct MakeRecurrent {
  template <Index D, Index H> using Made = stream::Recurrent<C, D, H>;
};
/// Of a cell that projects the first width is that of its units.
template <class C, Index D> struct MakeProjected {
  template <Index H, Index R> using Made = stream::ProjectedRecurrent<C, D, H, R>;
};
template <class T> struct MakeDense {
  template <Index D, Index H> using Made = stream::Dense<D, H, T>;
};
template <class SoFar, class C> auto with_layer(SoFar so_far, LayerTag<unroll::Recurrent<C>>) {
  return with_widths<MakeRecurrent<C>::template Made>(so_far);
}
template <class... S, Index D, Index H, Index... rest, class C> requires projects<C>
auto with_layer(StreamSoFar<std::tuple<S...>, D, H, rest...>, LayerTag<unroll::Recurrent<C>>) {
  return with_widths<MakeProjected<C, D>::template Made>(StreamSoFar<std::tuple<S...>, H, rest...>());
}
template <class SoFar, class T> auto with_layer(SoFar so_far, LayerTag<unroll::Dense<T>>) {
  return with_widths<MakeDense<T>::template Made>(so_far);
}
/// An embedding gives the first width.
template <class... S, Index D, Index... rest, class T>
auto with_layer(StreamSoFar<std::tuple<S...>, D, rest...>, LayerTag<unroll::Embedding<T>>) {
  return StreamSoFar<std::tuple<S..., stream::Embedding<D, T>>, D, rest...>();
}
template <class... S, Index... widths, class Function, class T>
auto with_layer(StreamSoFar<std::tuple<S...>, widths...>, LayerTag<unroll::Activation<Function, T>>) {
  return StreamSoFar<std::tuple<S..., stream::Activation<Function, T>>, widths...>();
}
template <class SoFar, class T> auto with_layer(SoFar so_far, LayerTag<unroll::Tanh<T>>) {
  return with_layer(so_far, LayerTag<unroll::Activation<TanhFunction, T>>());
}
template <class SoFar, class T> auto with_layer(SoFar so_far, LayerTag<unroll::Relu<T>>) {
  return with_layer(so_far, LayerTag<unroll::Activation<ReluFunction, T>>());
}
template <class SoFar, class T> auto with_layer(SoFar so_far, LayerTag<unroll::Sigmoid<T>>) {
  return with_layer(so_far, LayerTag<unroll::Activation<SigmoidFunction, T>>());
}
template <class SoFar, class L> auto with_layer(SoFar so_far, LayerTag<unroll::FinalState<L>>) {
  return with_layer(so_far, LayerTag<L>());
}
template <class SoFar> auto with_layers(SoFar so_far) { return so_far; }
template <class SoFar, class L, class... Rest> auto with_layers(SoFar so_far, LayerTag<L> layer, Rest... rest) {
  using Next = decltype(with_layer(so_far, layer));
  if constexpr (std::is_same_v<Next, NoStream>)
    return Next();
  else
    return with_layers(Next(), rest...);
}
template <class SoFar, class... L> auto with_layer(SoFar so_far, LayerTag<unroll::Sequential<L...>>) {
  return with_layers(so_far, LayerTag<L>()...);
}
template <class SoFar, class... L> auto with_layer(SoFar so_far, LayerTag<unroll::Stack<L...>>) {
  return with_layers(so_far, LayerTag<L>()...);
}

template <class Model, Index... widths> struct StreamOfModel {
  using All = decltype(with_layer(StreamSoFar<std::tuple<>, widths...>(), LayerTag<Model>()));
  static_assert(All::left == 1,
                "unroll::stream::StreamOf: there are more widths than layers of the model that have one.");
  using type = typename All::type;
};

}  // namespace detail
namespace stream {

/// `StreamOf<decltype(model), 1, 20, 1>`: the stream of fixed size of a trained model's type, Recurrent<Lstm<>, 1, 20>
/// and Dense<20, 1> for instance. The widths are how many values reach the first layer, or an embedding gives, and how
/// many each Recurrent and Dense gives, of a cell that projects first its units; `assign` refuses a model of others.
/// Costs nothing beside the type written out.
template <class Model, Index... widths>
using StreamOf = typename detail::StreamOfModel<std::remove_cvref_t<Model>, widths...>::type;

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
