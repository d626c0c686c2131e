// Bodies of format/plan_json.hpp.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <unroll/file/json_value.hpp>
#include <unroll/format/plan_json.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::vector<PlannedLayer> read_plan(std::string_view json, const std::string& source) {
  const detail::Json tree = detail::parse_json(std::as_bytes(std::span(json)), source);
  const detail::JsonAt root(tree, source);
  std::vector<PlannedLayer> plan;
  Index before = 0;
  for (std::size_t k = 0; k < root.size(); ++k) {
    const detail::JsonAt at = root[k];
    PlannedLayer layer;
    layer.kind = at.at("type").string();
    const auto inputs = at.find("inputs"), outputs = at.find("outputs");
    if (before == 0 && !inputs) at.refuse("no 'inputs', which the first layer says");
    layer.inputs = inputs ? inputs->size_value() : before;
    if (before > 0 && layer.inputs != before) inputs->refuse("got ", layer.inputs, ", the layer before gives ", before);
    layer.outputs = outputs ? outputs->size_value() : layer.inputs;
    before = layer.outputs;
    for (const auto& [name, value] : at.object().items()) {
      const detail::JsonAt option = at.at(name);
      if (name == "type" || name == "inputs" || name == "outputs") continue;
      if (layer.kind == "dropout") {
        if (name != "rate") at.refuse("a dropout has a 'rate' and nothing else");
        layer.rate = option.number(0, 1);
      } else if (name == "bias")
        layer.how.bias = option.boolean();
      else if (name == "final_state")
        layer.how.final_state = option.boolean();
      else if (name == "units")
        layer.how.units = option.size_value();
      else if (name == "input_dropout")
        layer.how.recurrent.input_dropout = option.number(0, 1);
      else if (name == "recurrent_dropout")
        layer.how.recurrent.recurrent_dropout = option.number(0, 1);
      else if (name == "weight_dropout")
        layer.how.recurrent.weight_dropout = option.number(0, 1);
      else if (value.is_boolean())
        layer.how.options[name] = option.boolean();
      else if (value.is_number())
        layer.how.options[name] = option.number();
      else
        layer.how.options[name] = option.string();
    }
    if (layer.kind == "dropout" && (!at.has("rate") || layer.outputs != layer.inputs))
      at.refuse("a dropout has a 'rate' and nothing else");
    plan.push_back(std::move(layer));
  }
  return plan;
}

}  // namespace unroll::inline UNROLL_ABI
