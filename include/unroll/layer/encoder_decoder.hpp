// A model that reads one sequence and writes another:
//   struct Translator : EncoderDecoder<Translator> {
//     Embedding<> source{8000, 256}, target{6000, 256};
//     Recurrent<Gru<>> encoder{Gru{256, 512}}, decoder{Gru{256, 512}};
//     SoftmaxClassifier<> head{512, 6000};
//     UNROLL_PARTS(source, target, encoder, decoder, head)
//     auto encode(Wiring& run, Node<TokenBatch> x) const { return run(encoder, run(source, x)); }
//     auto decode(Wiring& run, const auto& read, Node<TokenBatch> y) const {
//       return run(head, run(decoder, run(target, y), from(read.state)));
//     }
//   };
// Training runs both on whole sequences, translation (train/translate.hpp) the first once and the second step by step.
#pragma once

#include <concepts>
#include <tuple>
#include <type_traits>

#include <unroll/layer/composite.hpp>
#include <unroll/layer/initial_state.hpp>

namespace unroll::inline UNROLL_ABI {

/// The base of a model of Inputs<In, TokenBatch> that is a Composite made of
///   auto encode(Wiring& run, Node<In> x) const         gives what decode looks at, whatever it is: a node, what a
///                                                      recurrent layer gives, a std::tuple of such, or a struct that
///                                                      names them by UNROLL_PARTS; a column or sequence for each of x
///   auto decode(Wiring& run, const auto& read, Node<TokenBatch> y) const
///                                                      logits, or what the head takes, for each token of y
/// decode goes from step to step of y: what it knows of earlier ones is in states of its parts, each called once.
/// `from` says where they start.
template <class Self, class T = float, class In = TokenBatch> struct EncoderDecoder : Composite<Self, T> {
  using Source = In;

  auto operator()(Wiring& run, const Node<In>& x, const Node<TokenBatch>& y) const {
    const Self& self = static_cast<const Self&>(*this);
    return self.decode(run, self.encode(run, x), y);
  }
};

namespace detail {
template <class M>
concept IsEncoderDecoder =
    requires { typename M::Source; } && std::derived_from<M, EncoderDecoder<M, typename M::Scalar, typename M::Source>>;
/// What a model's encode gives.
template <class M>
using EncodedBy =
    std::remove_cvref_t<decltype(std::declval<const M&>().encode(std::declval<Wiring&>(), Node<typename M::Source>{}))>;

/// f(node) of each node in what `encode` gave.
template <class F, class Y> void for_each_node(const F& f, Node<Y>& node) { f(node); }
template <class F, class L, class Y> void for_each_node(const F& f, Result<L, Y>& result) {
  f(static_cast<Node<Y>&>(result));
  f(result.state);
}
template <class F, class... N> void for_each_node(const F& f, std::tuple<N...>& nodes) {
  std::apply([&](auto&... each) { (for_each_node(f, each), ...); }, nodes);
}
template <class F, HasParts S> void for_each_node(const F& f, S& nodes) {
  std::apply([&](auto&... each) { (for_each_node(f, each), ...); }, nodes.parts());
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
