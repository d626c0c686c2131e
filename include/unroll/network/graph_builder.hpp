// From what a model's wiring called to a graph.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <unroll/core/type_id.hpp>
#include <unroll/layer/tape.hpp>
#include <unroll/network/graph.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// Makes a graph, node by node. Throws std::invalid_argument for what no stream can do.
class GraphBuilder {
 public:
  /// How a part at this address becomes nodes that read node `input`: gives the last one's number.
  struct Part {
    const void* self;
    TypeId type;
    std::function<Index(GraphBuilder&, Index input)> add;
  };

  GraphBuilder(Index inputs, bool takes_tokens) : graph_{{}, inputs, takes_tokens} {}
  Index width(Index node) const {
    return node < 0 ? graph_.inputs : graph_.nodes[static_cast<std::size_t>(node)].width;
  }
  /// One behind the other.
  UNROLL_API Index add_layers(std::vector<LayerData> layers, Index input);
  /// What a composite of these parts called for an input that lies at `x`; gives the number of `y`.
  UNROLL_API Index add_calls(const Tape& tape, std::span<const Part> parts, const void* x, Index input, const void* y);
  /// Whether two passes made the same calls.
  UNROLL_API static bool same_calls(const Tape& a, const Tape& b);
  /// `last`: the node that the model gives.
  UNROLL_API Graph finish(Index last);

 private:
  Index add(GraphNode node);
  bool is_softmax(Index node) const;
  /// Of a node that is no softmax over time.
  Index plain(Index node) const;
  Index add_function(const CallForm& call, std::vector<Index> inputs);

  Graph graph_;
  std::string place_;             ///< the part that is added: "pool.hidden: "
  std::vector<Index> softmaxes_;  ///< nodes whose softmax over time is meant
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/network/graph_builder.ipp>
#endif
