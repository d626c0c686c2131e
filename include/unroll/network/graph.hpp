// A model of any wiring without its type: layers and functions of values, each with what it reads. For streams of
// composites, whose forward pass it is for one step after the other.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/kind/layer_kind.hpp>

namespace unroll::inline UNROLL_ABI {

/// A layer, or a function where the layer has no kind: "+", "-", "*", "scale", "concat_rows", "rows", "mean_over_time",
/// "max_over_time", "weighted_sum", or "attend", a weighted_sum of softmax_over_time.
struct GraphNode {
  LayerData layer{};
  std::string function{};
  std::vector<double> numbers{};  ///< of "scale" the factor, of "rows" first and count
  std::vector<Index> inputs{};    ///< numbers of nodes before it; -1: what the model reads
  Index width = 0;                ///< values of a step that it gives
};

/// What the last node gives is what the model gives.
struct Graph {
  std::vector<GraphNode> nodes;
  Index inputs = 0;           ///< values of a step, of a model that takes numbers
  bool takes_tokens = false;  ///< ids, which its embeddings read
};

/// Throws std::invalid_argument, naming the node, for the first that does not fit, as `validate` of a network does.
UNROLL_API void validate(const Graph& graph);

namespace detail {
/// How many values a function gives for so many. Throws for a name that there is not, and for widths and options that
/// it cannot have.
UNROLL_API Index width_of_function(std::string_view name, std::span<const double> numbers,
                                   std::span<const Index> widths);
}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/network/graph.ipp>
#endif
