// Layers of a network computed by the book, in double.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// The layers alone.
inline Matrix<double> run_layers(const Network& network, Matrix<double> x) {
  for (const NetworkLayer& layer : network.layers) x = layer.kind->run(layer, x);
  return x;
}
/// Token ids as what a step takes, (1, steps).
inline Matrix<double> row_of(const std::vector<std::int32_t>& tokens) {
  Matrix<double> row(1, static_cast<Index>(tokens.size()));
  std::ranges::copy(tokens, row.data());
  return row;
}
/// Whether a step's output is of the steps so far alone.
inline bool is_causal(const Network& network) {
  return std::ranges::none_of(network.layers, [](const NetworkLayer& layer) {
    return !layer.parts.empty() || layer.flag("reverse") || layer.flag("final_state");
  });
}

}  // namespace unroll::inline UNROLL_ABI::detail
