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

UNROLL_FUNCTION bool GraphBuilder::is_softmax(Index node) const {
  return std::ranges::find(softmaxes_, node) != softmaxes_.end();
}
UNROLL_FUNCTION Index GraphBuilder::plain(Index node) const {
  require(!is_softmax(node), "graph_of: ", place_,
          "the weights that softmax_over_time gives change with every step that comes: in a stream weighted_sum alone "
          "may read them");
  return node;
}

UNROLL_FUNCTION Index GraphBuilder::add_layers(std::vector<LayerData> layers, Index input) {
  for (LayerData& layer : layers) {
    const Description form = describe_layer(layer, width(input));
    const std::string name = concat_text("graph_of: ", place_, kind_name(layer));
    require(layer.parts.empty() && !layer.flag("reverse"), name,
            " reads its sequence from the end, which a stream has not seen");
    require(form.takes_tokens == (input < 0 && graph_.takes_tokens), name,
            form.takes_tokens ? " takes token ids" : " takes numbers", ", which is not what comes to it");
    require(form.takes_tokens || form.takes_any || form.inputs == width(input), name, " takes ", form.inputs,
            " values, got ", width(input));
    input = add({.layer = std::move(layer), .inputs = {input}, .width = form.outputs});
  }
  return input;
}

UNROLL_FUNCTION Index GraphBuilder::add_function(const CallForm& call, std::vector<Index> inputs) {
  std::string name(call.function);
  const bool is_attention = name == "weighted_sum" && inputs.size() == 2 && is_softmax(inputs.front());
  for (std::size_t k = is_attention ? 1 : 0; k < inputs.size(); ++k) static_cast<void>(plain(inputs[k]));
  if (name == "last_step" || name == "final_output") return inputs.front();  // of the steps so far
  if (name == "softmax_over_time") {
    const Index node = add({.function = "scale", .numbers = {1}, .inputs = inputs, .width = width(inputs.front())});
    return softmaxes_.push_back(node), node;
  }
  if (name.empty() || name == "each_step" || name == "dot_attention")
    fail("graph_of: ", place_, name.empty() ? "a function that says no name" : name,
         " has no stream: what it gives for a step is not of that step and those before it alone");
  if (is_attention) name = "attend";
  std::vector<Index> widths;
  for (const Index input : inputs) widths.push_back(width(input));
  const Index values = width_of_function(name, call.numbers, widths);
  return add({.function = name, .numbers = call.numbers, .inputs = std::move(inputs), .width = values});
}

UNROLL_FUNCTION bool GraphBuilder::same_calls(const Tape& a, const Tape& b) {
  return std::ranges::equal(a.calls(), b.calls(), [](const Call* one, const Call* other) {
    const CallForm x = one->form(), y = other->form();
    return x.part == y.part && x.function == y.function && x.numbers == y.numbers;
  });
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
    require(!call.borrows, "graph_of: ", place_, path,
            ": lends its parameters to another operation, which has no stream");
    require(!call.is_started, "graph_of: ", place_, path,
            ": starts from what another layer ends with, which a stream does not reach");
    require(inputs.size() == 1, "graph_of: ", place_, path, ": reads ", inputs.size(), " sequences, and has no stream");
    const auto part =
        std::ranges::find_if(parts, [&](const Part& of) { return of.self == entry.self && of.type == entry.type; });
    require(part != parts.end(), "graph_of: ", place_, path, ": is no part of the model");
    const std::string outer = std::exchange(place_, concat_text(place_, path, ": "));
    const Index made = part->add(*this, plain(inputs.front()));
    place_ = outer;
    values.emplace_back(call.output, made);
    if (call.state != nullptr) values.emplace_back(call.state, made);
  }
  return node_of(y);
}

UNROLL_FUNCTION Graph GraphBuilder::finish(Index last) {
  require(plain(last) >= 0, "graph_of: the model gives what it reads");
  if (last + 1 < static_cast<Index>(graph_.nodes.size()))
    add({.function = "scale", .numbers = {1}, .inputs = {last}, .width = width(last)});
  return std::move(graph_);
}

}  // namespace unroll::inline UNROLL_ABI::detail
