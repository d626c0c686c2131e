// A layer of every kind with random weights, and a network that it can stand in.
#pragma once

#include <string>
#include <variant>

#include <unroll/network/library_kinds.hpp>
#include <unroll/network/model.hpp>
#include <unroll/network/run.hpp>

#include "../support/sequences.hpp"

inline constexpr unroll::Index kind_inputs = 3, kind_outputs = 6;
inline constexpr unroll::Index kind_units = 11;  // of a cell that projects them

template <class K> unroll::LayerData sized_sample() {
  if constexpr (requires { K::sized(kind_inputs, kind_outputs, kind_outputs); })  // of which some project their units
    return K::sized(kind_inputs, K::counts.projects ? kind_units : kind_outputs, kind_outputs);
  else
    return K::sized(kind_inputs, kind_outputs);
}
/// `all`: with the tensors that it may have, too.
template <class K> unroll::LayerData sample_of(bool all = true) {
  unroll::LayerData layer = sized_sample<K>();
  const auto fill = [&](unroll::LayerData& of, unroll::Index before) {
    std::uint64_t seed = 1;
    for (const unroll::TensorForm& form : unroll::describe_layer(of, before).tensors)
      if (all || form.need == unroll::Need::required)
        of.tensors.insert_or_assign(std::string(form.name), random_matrix<float>(form.rows, form.cols, ++seed, 0.7));
  };
  for (unroll::LayerData& part : layer.parts) fill(part, kind_inputs);
  fill(layer, kind_inputs);
  for (const unroll::OptionForm& option : unroll::describe_layer(layer, kind_inputs).options)
    if (const double* usual = std::get_if<double>(&option.usual)) layer.options[std::string(option.name)] = *usual / 2;
  return layer;
}
/// The layer; behind a dense layer where it says of itself not how many values it takes.
template <class K> unroll::Network network_of_kind(bool all = true) {
  unroll::Network network;
  const unroll::LayerData layer = sample_of<K>(all);
  if (unroll::describe_layer(layer).takes_any) {
    network.layers.push_back({&unroll::layer_kind<unroll::DenseKind>});
    network.layers.back().tensors["weight"] = random_matrix<float>(kind_inputs, kind_inputs, 31);
    network.layers.back().tensors["bias"] = random_matrix<float>(kind_inputs, 1, 32);
  }
  network.layers.push_back(layer);
  return network;
}

template <class K>
concept TrainedKind = requires(const unroll::LayerData& layer) { K::template make<double>(layer); };

/// The same network as a model with types, with its weights.
template <class K, class T> auto model_of_kind(const unroll::Network& network) {
  auto layer = K::template make<T>(network.layers.back());
  auto model = [&] {
    if constexpr (requires { K::takes_any; })
      return unroll::Sequential{unroll::Dense<T>(kind_inputs, kind_inputs), layer};
    else
      return unroll::Sequential{layer};
  }();
  unroll::assign(network, model);
  return model;
}

/// What it reads: (3, N) numbers, or ids of its table.
template <class K, class T> auto input_of_kind() {
  if constexpr (requires { K::takes_tokens; }) {
    unroll::TokenBatch ids;
    const auto x = random_sequences<T>(1, ragged_lengths(), 6);
    ids.packing = x.packing;
    for (unroll::Index n = 0; n < x.values.cols(); ++n) ids.ids.push_back(static_cast<std::int32_t>(n % kind_inputs));
    return ids;
  } else {
    return random_sequences<T>(kind_inputs, ragged_lengths(), 6);
  }
}
