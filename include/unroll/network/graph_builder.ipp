// Bodies of network/graph_builder.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <unroll/core/error.hpp>
#include <unroll/network/graph_builder.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION Index GraphBuilder::add(GraphNode node) {
  graph_.nodes.push_back(std::move(node));
  return static_cast<Index>(graph_.nodes.size()) - 1;
}

UNROLL_FUNCTION Index GraphBuilder::add_layers(std::vector<LayerData> layers, Index input) {
  for (LayerData& layer : layers) {
    const Description form = describe_layer(layer, width(input));
    require(form.flaw.empty(), "graph_of: ", kind_name(layer), ": ", form.flaw);
    require(form.takes_tokens == (input < 0 && graph_.takes_tokens), "graph_of: ", kind_name(layer),
            form.takes_tokens ? " takes token ids" : " takes numbers", ", which is not what comes to it");
    require(form.takes_tokens || form.takes_any || form.inputs == width(input), "graph_of: ", kind_name(layer),
            " takes ", form.inputs, " values, got ", width(input));
    input = add({.layer = std::move(layer), .inputs = {input}, .width = form.outputs});
  }
  return input;
}

UNROLL_FUNCTION Index GraphBuilder::add_function(const CallForm& call, std::vector<Index> inputs) {
  const std::string_view name = call.function;
  const auto is_weight = [&](Index node) { return std::ranges::find(weights_, node) != weights_.end(); };
  const bool attends = name == "weighted_sum" && is_weight(inputs.front());
  for (const Index input : inputs)
    require(!is_weight(input) || (attends && input == inputs.front()),
            "graph_of: the weights that softmax_over_time gives change with every step that comes: in a stream "
            "weighted_sum alone may read them");
  if (name == "last_step" || name == "final_output") return inputs.front();  // of the steps so far
  if (name == "softmax_over_time") {
    const Index node = add({.function = "scale", .numbers = {1}, .inputs = inputs, .width = width(inputs.front())});
    return weights_.push_back(node), node;
  }
  Index values = width(inputs.front());
  if (name == "concat_rows") values += width(inputs.back());
  if (name == "rows") values = static_cast<Index>(call.numbers.back());
  if (name == "weighted_sum") values = width(inputs.back());
  constexpr std::string_view known[] = {
      "+", "-", "*", "scale", "concat_rows", "mean_over_time", "max_over_time", "rows", "weighted_sum"};
  require(std::ranges::find(known, name) != std::end(known),
          "graph_of: ", name.empty() ? "a function of the wiring" : name,
          " has no stream: what it gives for a step is not of that step and those before it, or it does not say its "
          "name");
  return add({.function = attends ? "attend" : std::string(name),
              .numbers = call.numbers,
              .inputs = std::move(inputs),
              .width = values});
}

UNROLL_FUNCTION Index GraphBuilder::add_calls(const Tape& tape, std::span<const Part> parts, const void* x, Index input,
                                              const void* y) {
  std::vector<std::pair<const void*, Index>> values{{x, input}};
  const auto node_of = [&](const void* value) {
    for (std::size_t k = values.size(); k-- > 0;)
      if (values[k].first == value) return values[k].second;
    fail("graph_of: the wiring reads a value that none of its calls gave");
  };
  for (const Call* each : tape.calls()) {
    const CallForm call = each->form();
    std::vector<Index> inputs;
    for (const void* from : call.inputs) inputs.push_back(node_of(from));
    if (call.part < 0) {
      values.emplace_back(call.output, add_function(call, std::move(inputs)));
      continue;
    }
    const PartEntry& entry = tape.parts[static_cast<std::size_t>(call.part)];
    const std::string path = tape.path_of(call.part, 0);
    require(!call.borrows, "graph_of: ", path, ": lends its parameters to another operation, which has no stream");
    require(!call.is_started, "graph_of: ", path,
            ": starts from what another layer ends with, which a stream does not reach");
    require(inputs.size() == 1, "graph_of: ", path, ": reads ", inputs.size(), " sequences, and has no stream");
    const auto part =
        std::ranges::find_if(parts, [&](const Part& of) { return of.self == entry.self && of.type == entry.type; });
    require(part != parts.end(), "graph_of: ", path, ": is no part of the model");
    const Index made = part->add(*this, inputs.front());
    values.emplace_back(call.output, made);
    if (call.state != nullptr) values.emplace_back(call.state, made);
  }
  return node_of(y);
}

UNROLL_FUNCTION Graph GraphBuilder::finish(Index last) {
  require(last >= 0, "graph_of: the model gives what it reads");
  if (last + 1 < static_cast<Index>(graph_.nodes.size()))
    add({.function = "scale", .numbers = {1}, .inputs = {last}, .width = width(last)});
  return std::move(graph_);
}

}  // namespace unroll::inline UNROLL_ABI::detail
