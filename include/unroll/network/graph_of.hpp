// The graph of a model: its wiring is run once, on one step of zeros, and what it called is read.
#pragma once

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/core/packed_sequence.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/network/graph_builder.hpp>
#include <unroll/network/layers.hpp>
#include <unroll/network/model.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// What a model of any wiring reads, of the inputs that it takes.
template <class M, class T = typename M::Scalar>
using StepsOf = std::conditional_t<Accepts<M, TokenBatch>, TokenBatch,
                                   std::conditional_t<Accepts<M, PackedSequence<T>>, PackedSequence<T>, Matrix<T>>>;

/// One sequence of one step, of zeros.
template <class In> In one_step(Index width) {
  const std::vector<Index> lengths{1};
  if constexpr (Tokens<In>) {
    return {{0}, Packing::from_lengths(lengths, 1)};
  } else if constexpr (is_matrix<In>) {
    return In::Zero(width, 1);
  } else {
    In x;
    x.packing = Packing::from_lengths(lengths, 1);
    x.values = decltype(x.values)::Zero(width, 1);
    return x;
  }
}

template <class P> Index add_to_graph(GraphBuilder& to, const P& part, Index input);

/// Every part that the wiring may call, as `walk_parts` lists them.
template <class P> void list_graph_parts(std::vector<GraphBuilder::Part>& to, const P& part) {
  if constexpr (is_list<P>) {
    for (const auto& each : part) list_graph_parts(to, each);
  } else if constexpr (is_composite<P>) {
    for_each_part([&](auto, std::string_view, const auto& inner) { list_graph_parts(to, inner); }, part);
  } else if constexpr (requires { typename P::Scalar; }) {  // or options
    to.push_back({&part, TypeId::of<P>(),
                  [&part](GraphBuilder& builder, Index input) { return add_to_graph(builder, part, input); }});
  }
}
template <class P> Index add_to_graph(GraphBuilder& to, const P& part, Index input) {
  if constexpr (has_network<P>) {
    return to.add_layers(data_of_layers(adding_layers(part)), input);
  } else if constexpr (is_composite<P>) {
    using In = StepsOf<P>;
    const In x = one_step<In>(to.width(input));
    typename P::template Cache<In> cache;
    part.forward(Context{}, x, cache);
    std::vector<GraphBuilder::Part> parts;
    list_graph_parts(parts, part);
    return to.add_calls(cache.tape, parts, &x, input, cache.y.value);
  } else if constexpr (HasParts<P>) {  // Sequential, Stack, FinalState of such
    for_each_part([&](auto, std::string_view, const auto& inner) { input = add_to_graph(to, inner, input); }, part);
    return input;
  } else if constexpr (is_dropout<P>) {
    return input;
  } else {
    fail("graph_of: ", part.describe(), " has no kind in files, and no stream of any size");
  }
}

/// How many values the first layer of a model takes; 0 where it does not say.
template <class P> Index inputs_of_part(const P& part) {
  Index inputs = 0;
  if constexpr (is_list<P>) {
    for (const auto& each : part) inputs = inputs > 0 ? inputs : inputs_of_part(each);
  } else if constexpr (has_network<P>) {
    for (const LayerData& layer : data_of_layers(adding_layers(part)))
      inputs = inputs > 0 ? inputs : describe_layer(layer).inputs;
  } else if constexpr (HasParts<P>) {
    for_each_part(
        [&](auto, std::string_view, const auto& inner) { inputs = inputs > 0 ? inputs : inputs_of_part(inner); }, part);
  }
  return inputs;
}

}  // namespace detail

/// The layers of a model, Composites among them, and the functions between them, in float: `stream::AnyModel(graph_of(
/// model))`. What it gives for a step is what the model gives for the sequence so far: mean_over_time, max_over_time
/// and AttentionPool are over the steps that have come. `inputs` is how many values a step has; 0: as many as the first
/// layer among the parts takes. Throws std::invalid_argument for what looks ahead (bidirectional layers, each_step,
/// attention from step to step), a part that starts from another's final state, and a layer of no kind. The wiring is
/// asked once: it must not depend on lengths or values.
template <class M> Graph graph_of(const M& model, Index inputs = 0) {
  constexpr bool takes_tokens = Accepts<M, TokenBatch>;
  if (inputs == 0 && !takes_tokens) inputs = detail::inputs_of_part(model);
  require(inputs > 0 || takes_tokens, "graph_of: no layer says how many values a step has: graph_of(model, inputs)");
  detail::GraphBuilder builder(takes_tokens ? 0 : inputs, takes_tokens);
  return builder.finish(detail::add_to_graph(builder, model, -1));
}

}  // namespace unroll::inline UNROLL_ABI
