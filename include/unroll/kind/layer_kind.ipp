// Bodies of kind/layer_kind.hpp.
#pragma once

#include <string>

#include <unroll/core/error.hpp>
#include <unroll/kind/layer_kind.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION Description describe_layer(const LayerData& layer, Index before) {
  require(layer.kind != nullptr, "a layer without a kind");
  Description description(layer, before);
  layer.kind->describe(description);
  return description;
}
UNROLL_FUNCTION std::string kind_name(const LayerData& layer) {
  if (layer.kind == nullptr) return "nothing";
  return layer.parts.empty() ? std::string(layer.kind->name)
                             : concat_text(layer.kind->name, " ", kind_name(layer.parts.front()));
}

}  // namespace unroll::inline UNROLL_ABI
