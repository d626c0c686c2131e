// Bodies of network/layers.hpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/network/layers.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION ModelLayer& add_layer(std::vector<ModelLayer>& to, const Path& at, std::string_view text,
                                      bool is_final) {
  ModelLayer& added = to.emplace_back();
  added.at = at.str();
  added.text = text;
  added.parameters.resize(1);
  added.is_final = is_final;
  return added;
}

UNROLL_FUNCTION std::vector<ModelLayer> layers_of(AddLayers model) {
  std::vector<ModelLayer> layers;
  model(layers);
  for (ModelLayer& layer : layers) {
    if (layer.is_final) layer.form.set_flag("final_state", true);
    if (layer.form.parts.empty()) continue;
    StoredParameters all = std::move(layer.parameters.front());  // the direction that runs back is the second part
    layer.parameters.assign(layer.form.parts.size(), {});
    for (StoredParameter& p : all) layer.parameters[p.path.ends_with("_reverse") ? 1 : 0].push_back(std::move(p));
  }
  return layers;
}

}  // namespace unroll::inline UNROLL_ABI::detail
