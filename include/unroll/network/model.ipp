// Bodies of network/model.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <unroll/network/model.hpp>
#include <unroll/network/parameter_tensors.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// The layer's parameter of this name; null where it has none, whatever its size.
inline const StoredParameter* find_parameter(const StoredParameters& parameters, std::string_view name) {
  for (const StoredParameter& p : parameters)
    if (p.name == name) return &p;
  return nullptr;
}
/// Its numbers, empty where it is absent.
inline Matrix<float> values_of(const StoredParameters& parameters, std::string_view name) {
  Matrix<float> values;
  const StoredParameter* p = find_parameter(parameters, name);
  if (p == nullptr || p->size() == 0) return values;
  values.resize(p->rows, p->cols);
  with_numbers(*p, [&](const auto* from) {
    for (Index k = 0; k < values.size(); ++k) values.data()[k] = static_cast<float>(from[k]);
  });
  return values;
}

inline LayerData with_tensors(LayerData form, const StoredParameters& from) {
  for (const TensorForm& tensor : describe_layer(form).tensors)
    if (Matrix<float> values = values_of(from, tensor.stored); values.size() > 0)
      form.tensors.emplace(tensor.name, std::move(values));
  return form;
}
inline LayerData describe(const ModelLayer& layer) {
  LayerData w = layer.form;
  if (w.parts.empty()) w = with_tensors(std::move(w), layer.parameters.front());
  for (std::size_t k = 0; k < w.parts.size(); ++k)
    w.parts[k] = with_tensors(std::move(w.parts[k]), layer.parameters[k]);
  return w;
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
  void tensors(const LayerData& from, const StoredParameters& to) const {
    for (const TensorForm& form : describe_layer(from).tensors)
      set(form.stored, from.tensor(form.name), to,
          form.need == Need::zeros && (form.beside.empty() || from.tensor(form.beside).size() > 0));
  }
  void same_flag(const ModelLayer& layer, const LayerData& from, std::string_view option, std::string_view what) const {
    const bool model = layer.form.flag(option), network = from.flag(option);
    require(model == network, where_, network ? ": " : ": not ", what, ", the model's is", network ? " not" : "");
  }
  void into(const ModelLayer& layer, const LayerData& from) const {
    require(kind_name(from) == kind_name(layer.form), where_, " is ", kind_name(from), ", the model has ", layer.text);
    same_flag(layer, from, "reverse", "from the last step to the first");
    same_flag(layer, from, "final_state", "its final state alone");
    for (const OptionForm& form : describe_layer(from).options)
      if (const std::string* merge = std::get_if<std::string>(&form.usual))
        require(from.word(form.name, *merge) == layer.form.word(form.name, *merge), where_, ": another ", form.name,
                " of the two directions than the model's");
    if (from.parts.empty()) tensors(from, layer.parameters.front());
    for (std::size_t k = 0; k < from.parts.size(); ++k) tensors(from.parts[k], layer.parameters[k]);
  }

  const Network& network_;
  bool write_;
  std::size_t number_ = 0;
  std::string where_;
};

/// Of a model whose layers are known at run time.
inline void require_kinds(std::string_view who, const std::vector<ModelLayer>& layers) {
  for (const ModelLayer& layer : layers)
    require(layer.form.kind != nullptr, who, ": layer ", layer.at, ", ", layer.text, ", has no kind in files");
}

UNROLL_FUNCTION std::vector<LayerData> data_of_layers(std::string_view who, AddLayers model) {
  const std::vector<ModelLayer> layers = layers_of(model);
  require_kinds(who, layers);
  std::vector<LayerData> data;
  for (const ModelLayer& layer : layers) data.push_back(describe(layer));
  return data;
}
UNROLL_FUNCTION Network network_of_layers(AddLayers model) {
  Network network;
  network.layers = data_of_layers("network_of", model);
  validate(network);
  return network;
}
UNROLL_FUNCTION void assign_layers(const Network& network, AddLayers model, AssignOptions options) {
  const std::vector<ModelLayer> layers = layers_of(model);
  require_kinds("assign", layers);
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
