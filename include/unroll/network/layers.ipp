// Bodies of network/layers.hpp.
#pragma once

#include <utility>

#include <unroll/network/layers.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION void add_parameters(ModelLayer& layer, StoredParameters parameters) {
  if (layer.form.parts.empty()) return layer.parameters.push_back(std::move(parameters));
  layer.parameters.resize(layer.form.parts.size());
  for (StoredParameter& p : parameters) layer.parameters[p.path.ends_with("_reverse") ? 1 : 0].push_back(std::move(p));
}

}  // namespace unroll::inline UNROLL_ABI::detail
