// Bodies of io/network_layers.hpp.
#pragma once

#include <utility>

#include <unroll/io/network_layers.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION void split_directions(ModelLayer& layer) {
  if (layer.type != ModelLayer::Type::bidirectional) return;
  StoredParameters ahead;
  for (StoredParameter& p : layer.parameters)
    (p.path.ends_with("_reverse") ? layer.back : ahead).push_back(std::move(p));
  layer.parameters = std::move(ahead);
}

}  // namespace unroll::inline UNROLL_ABI::detail
