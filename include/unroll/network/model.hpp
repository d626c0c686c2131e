// Between a network and a model with types: what the model is, and its weights from a file of another program.
#pragma once

#include <type_traits>
#include <vector>

#include <unroll/network/layers.hpp>
#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

struct AssignOptions {
  /// The network's skip and gains, which a model of layers does not have, are the caller's to apply.
  bool layers_alone = false;
};

namespace detail {
UNROLL_API Network network_of_layers(AddLayers model);
UNROLL_API void assign_layers(const Network& network, AddLayers model, AssignOptions options);
}  // namespace detail

/// A model that a network can hold: Sequential, Stack and FinalState of the library's recurrent, bidirectional, dense,
/// embedding and activation layers; a user's cell or struct is not one.
template <class M>
concept NetworkModel = detail::has_network<std::remove_const_t<M>>;

/// The model as a network, in float: for streams of any size and the writers of other programs' formats.
template <NetworkModel M> Network network_of(const M& model) {
  return detail::network_of_layers(detail::adding_layers(model));
}

/// Sets every parameter of the model from the network's layers, in order; layers that do nothing when a model runs, as
/// Dropout, take none. Strict: kinds, sizes, direction and merge must be the model's; a model without a second bias or
/// a learned initial state does not take a network that has them, one with them gets zeros where the network has none.
/// Throws std::invalid_argument naming the layer; the model is then as it was.
template <NetworkModel M> void assign(const Network& network, M& model, AssignOptions options = {}) {
  detail::assign_layers(network, detail::adding_layers(model), options);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/network/model.ipp>
#endif
