// From a network, whatever it is, to a model that trains.
#pragma once

#include <type_traits>
#include <vector>

#include <unroll/layer/any_sequential.hpp>
#include <unroll/network/make_layer.hpp>
#include <unroll/network/model.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Layers with the network's sizes and options; their numbers are zero.
template <class T> UNROLL_API std::vector<AnyLayer<T>> make_layers(const Network& network, MakeFormed<T> make);
UNROLL_API void check_output_of(const Network& network, bool is_of_sequence);

template <class T> std::vector<AnyLayer<T>> make_layers(const Network& network, MakeFormed<T> make) {
  std::vector<AnyLayer<T>> layers;
  for (const NetworkLayer& layer : network.layers) layers.push_back(make(layer));
  return layers;
}

#define UNROLL_MAKE_LAYERS_INSTANCES(DECLARE, T) \
  DECLARE std::vector<AnyLayer<T>> make_layers(const Network&, MakeFormed<T>);
#if !UNROLL_HEADER_ONLY
UNROLL_MAKE_LAYERS_INSTANCES(extern template, float)
UNROLL_MAKE_LAYERS_INSTANCES(extern template, double)
#endif
}  // namespace detail

/// The model that a network describes, with its weights: the way back from `network_of`. One of a network with a final
/// state gives a vector for every sequence, `model_of<Matrix<>>(network)`, any other one for every step. Kinds of one's
/// own: `model_of<PackedSequence<>, Kinds<LibraryKinds, MyKind>>(network)`. Throws std::invalid_argument for a network
/// that is not sound, a skip or gains (see AssignOptions), and a kind that the list has not.
template <class Y = PackedSequence<float>, class List = LibraryKinds>
AnySequential<Y> model_of(const Network& network, AssignOptions options = {}) {
  validate(network);
  detail::check_output_of(network, is_matrix<Y>);
  using T = typename AnySequential<Y>::Scalar;
  AnySequential<Y> model;
  model.layers = detail::make_layers<T>(network, detail::maker_of<List, T>());
  assign(network, model, options);
  return model;
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/network/model_of.ipp>
#endif
