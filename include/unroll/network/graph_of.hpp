// The graph of a model: its wiring is run on a step of zeros, and what it called is read.
#pragma once

#include <cstdint>
#include <stdexcept>
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

/// One sequence of so many steps, of zeros.
template <class In> In zero_steps(Index width, Index steps) {
  const std::vector<Index> lengths{steps};
  if constexpr (Tokens<In>) {
    return {std::vector<std::int32_t>(static_cast<std::size_t>(steps)), Packing::from_lengths(lengths, steps)};
  } else if constexpr (is_matrix<In>) {
    return In::Zero(width, steps);
  } else {
    In x;
    x.packing = Packing::from_lengths(lengths, steps);
    x.values = decltype(x.values)::Zero(width, steps);
    return x;
  }
}

/// Layers one behind the other, some of which are Composites.
template <class P> inline constexpr bool is_chain = is_final_state<P> || is_stack<P>;
template <class... Ls> inline constexpr bool is_chain<Sequential<Ls...>> = true;

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
    return to.add_layers(data_of_layers("graph_of", adding_layers(part)), input);
  } else if constexpr (is_composite<P>) {
    using In = StepsOf<P>;
    const In x = zero_steps<In>(to.width(input), 1), longer = zero_steps<In>(to.width(input), 2);
    typename P::template Cache<In> cache, other;
    try {
      part.forward(Context{}, x, cache);
      part.forward(Context{}, longer, other);
    } catch (const std::invalid_argument& error) {
      fail("graph_of: given ", to.width(input),
           " values a step (graph_of(model, inputs) says how many): ", error.what());
    }
    require(GraphBuilder::same_calls(cache.tape, other.tape), "graph_of: ", part.describe(),
            ": its wiring depends on how many steps there are");
    std::vector<GraphBuilder::Part> parts;
    list_graph_parts(parts, part);
    return to.add_calls(cache.tape, parts, &x, input, cache.y.value);
  } else if constexpr (is_chain<P>) {
    for_each_part([&](auto, std::string_view, const auto& inner) { input = add_to_graph(to, inner, input); }, part);
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
    for (const LayerData& layer : data_of_layers("graph_of", adding_layers(part)))
      inputs = inputs > 0 ? inputs : describe_layer(layer).inputs;
  } else if constexpr (is_chain<P> || is_composite<P>) {
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
/// attention from step to step), a part that starts from another's final state, a layer of no kind, and a wiring that
/// calls other parts for two steps than for one: it must not depend on lengths or values.
template <class M> Graph graph_of(const M& model, Index inputs = 0) {
  using T = typename M::Scalar;
  constexpr bool takes_tokens = Accepts<M, TokenBatch>;
  constexpr bool takes_one = takes_tokens || Accepts<M, PackedSequence<T>> || Accepts<M, Matrix<T>>;
  static_assert(takes_one, "unroll::graph_of: a stream is of a model of one input: a TokenBatch or a PackedSequence.");
  if constexpr (takes_one) {
    if (inputs == 0 && !takes_tokens) inputs = detail::inputs_of_part(model);
    require(inputs > 0 || takes_tokens, "graph_of: no layer says how many values a step has: graph_of(model, inputs)");
    detail::GraphBuilder builder(takes_tokens ? 0 : inputs, takes_tokens);
    return builder.finish(detail::add_to_graph(builder, model, -1));
  } else {
    return {};
  }
}

}  // namespace unroll::inline UNROLL_ABI
