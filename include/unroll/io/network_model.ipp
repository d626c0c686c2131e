// Bodies of io/network_model.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <unroll/io/network_model.hpp>
#include <unroll/io/parameter_tensors.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// The layer's parameter of this name; null where it has none, whatever its size.
inline const StoredParameter* find_parameter(const StoredParameters& parameters, std::string_view name) {
  for (const StoredParameter& p : parameters)
    if (p.name == name) return &p;
  return nullptr;
}
/// Its numbers, empty where it is absent.
template <class T = float> Matrix<T> values_of(const StoredParameters& parameters, std::string_view name) {
  Matrix<T> values;
  const StoredParameter* p = find_parameter(parameters, name);
  if (p == nullptr || p->size() == 0) return values;
  values.resize(p->rows, p->cols);
  with_numbers(*p, [&](const auto* from) {
    for (Index k = 0; k < values.size(); ++k) values.data()[k] = static_cast<T>(from[k]);
  });
  return values;
}

inline RecurrentLayer describe_recurrent(const ModelLayer& layer, const StoredParameters& from) {
  RecurrentLayer to{.cell = layer.cell};
  to.weight_ih = values_of(from, "weight_ih");
  to.weight_hh = values_of(from, "weight_hh");
  to.bias_ih = values_of(from, "bias_ih");
  to.bias_hh = values_of(from, "bias_hh");
  to.initial_h = values_of(from, "initial_h");
  to.initial_c = values_of(from, "initial_c");
  return to;
}
/// r = W_r h is a dense layer behind an LSTM, whose U r is (U W_r) h.
inline void describe_projected(const ModelLayer& layer, std::vector<NetworkLayer>& to) {
  RecurrentLayer w = describe_recurrent(layer, layer.parameters);
  require(w.initial_h.size() == 0, "network_of: ", layer.text,
          " has a learned initial state, which an LSTM and a dense layer do not give");
  w.cell = CellKind::lstm;
  w.reverse = layer.reverse;
  w.final_state = layer.final_state;
  w.initial_c = Matrix<float>();
  const auto weight_hh = values_of<double>(layer.parameters, "weight_hh"),
             weight_hr = values_of<double>(layer.parameters, "weight_hr");
  w.weight_hh = weight_hh.lazyProduct(weight_hr).cast<float>();
  to.emplace_back(std::move(w));
  to.emplace_back(DenseLayer{values_of(layer.parameters, "weight_hr"), {}});
}
inline void describe(const ModelLayer& layer, std::vector<NetworkLayer>& to) {
  switch (layer.type) {
    case ModelLayer::Type::recurrent: {
      RecurrentLayer w = describe_recurrent(layer, layer.parameters);
      w.reverse = layer.reverse;
      w.final_state = layer.final_state;
      to.emplace_back(std::move(w));
      break;
    }
    case ModelLayer::Type::projected:
      describe_projected(layer, to);
      break;
    case ModelLayer::Type::bidirectional:
      to.emplace_back(BidirectionalLayer{describe_recurrent(layer, layer.parameters),
                                         describe_recurrent(layer, layer.back), layer.merge, layer.final_state});
      break;
    case ModelLayer::Type::dense:
      to.emplace_back(DenseLayer{values_of(layer.parameters, "weight"), values_of(layer.parameters, "bias")});
      break;
    case ModelLayer::Type::embedding:
      to.emplace_back(EmbeddingLayer{values_of(layer.parameters, "weight")});
      break;
    case ModelLayer::Type::activation:
      to.emplace_back(ActivationLayer{.function = layer.function});
      break;
  }
}

/// A network's layers into a model's, one by one. Everything is checked before the first number moves.
class NetworkAssign {
 public:
  NetworkAssign(const Network& network, bool write) : network_(network), write_(write) {}

  void layer(const ModelLayer& to) {
    where_ = concat_text("assign: layer ", number_, " of ", network_.source.empty() ? "the network" : network_.source);
    if (number_ >= network_.layers.size()) fail(where_, ": there is none, the model has ", to.at, " ", to.text);
    into(to, network_.layers[number_++]);
  }
  void finish() const {
    require(number_ == network_.layers.size(), "assign: the network has ", network_.layers.size(),
            " layers, the model takes ", number_);
  }

 private:
  template <class Wanted> const Wanted& as(const NetworkLayer& from, const ModelLayer& layer) const {
    const auto* wanted = std::get_if<Wanted>(&from);
    require(wanted != nullptr, where_, " is ", kind_name(from), ", the model has ", layer.text);
    return *wanted;
  }
  /// An absent matrix of the network stands for zeros only where `or_zeros` says so.
  void set(std::string_view name, const Matrix<float>& from, const StoredParameters& parameters, bool or_zeros) const {
    const StoredParameter* to = find_parameter(parameters, name);
    if (to == nullptr) return;
    const bool zeros = from.size() == 0 && or_zeros;
    require(zeros || (from.rows() == to->rows && from.cols() == to->cols) || (from.size() == 0 && to->size() == 0),
            where_, ": ", name, " is ", from.rows(), " x ", from.cols(), ", the model's ", to->rows, " x ", to->cols);
    if (!write_) return;
    with_numbers(*to, [&]<class T>(T* numbers) {
      for (Index k = 0; k < to->size(); ++k) numbers[k] = zeros ? T(0) : static_cast<T>(from.data()[k]);
    });
  }
  void recurrent(const ModelLayer& layer, const StoredParameters& to, const RecurrentLayer& w) const {
    require(w.cell == layer.cell, where_, " is ", name_of(w.cell), ", the model has ", layer.text);
    set("weight_ih", w.weight_ih, to, false);
    set("weight_hh", w.weight_hh, to, false);
    set("bias_ih", w.bias_ih, to, false);
    set("bias_hh", w.bias_hh, to, w.bias_ih.size() > 0);
    set("initial_h", w.initial_h, to, true);
    set("initial_c", w.initial_c, to, true);
  }
  void same(bool model, bool network, std::string_view what) const {
    require(model == network, where_, network ? ": " : ": not ", what, ", the model's is", network ? " not" : "");
  }
  void into(const ModelLayer& layer, const NetworkLayer& from) const {
    switch (layer.type) {
      case ModelLayer::Type::recurrent:
      case ModelLayer::Type::projected: {
        const auto& w = as<RecurrentLayer>(from, layer);
        same(layer.reverse, w.reverse, "from the last step to the first");
        same(layer.final_state, w.final_state, "its final state alone");
        recurrent(layer, layer.parameters, w);
        break;
      }
      case ModelLayer::Type::bidirectional: {
        const auto& w = as<BidirectionalLayer>(from, layer);
        same(layer.final_state, w.final_state, "its final state alone");
        require(layer.merge == w.merge, where_, ": another merge of the two directions than the model's");
        recurrent(layer, layer.parameters, w.forward);
        recurrent(layer, layer.back, w.reverse);
        break;
      }
      case ModelLayer::Type::dense: {
        const auto& w = as<DenseLayer>(from, layer);
        set("weight", w.weight, layer.parameters, false);
        set("bias", w.bias, layer.parameters, false);
        break;
      }
      case ModelLayer::Type::embedding:
        set("weight", as<EmbeddingLayer>(from, layer).weight, layer.parameters, false);
        break;
      case ModelLayer::Type::activation: {
        const auto& w = as<ActivationLayer>(from, layer);
        require(w.function == layer.function, where_, " is ", name_of(w.function), ", the model has ", layer.text);
        break;
      }
    }
  }

  const Network& network_;
  bool write_;
  std::size_t number_ = 0;
  std::string where_;
};

UNROLL_FUNCTION Network network_of_layers(const std::vector<ModelLayer>& layers) {
  Network network;
  for (const ModelLayer& layer : layers) describe(layer, network.layers);
  validate(network);
  return network;
}
UNROLL_FUNCTION void assign_layers(const Network& network, const std::vector<ModelLayer>& layers,
                                   AssignOptions options) {
  validate(network);
  require(options.layers_alone || (!network.skip && network.input_gain == 1 && network.output_gain == 1),
          "assign: the network has a skip or gains, which the model does not have (AssignOptions::layers_alone)");
  for (const bool write : {false, true}) {
    NetworkAssign each(network, write);
    for (const ModelLayer& layer : layers) each.layer(layer);
    each.finish();
  }
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
