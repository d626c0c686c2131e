// Bodies of format/rtneural.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <unroll/format/network_json.hpp>
#include <unroll/format/rtneural.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/network/projections.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

// {"in_shape": [null, null, 1], "layers": [{"type": "lstm", "activation": "", "shape": [null, null, 8],
//   "weights": [kernel (D, 4 H), recurrent (H, 4 H), bias (4 H)]}, ...]}
// Weights are Keras's get_weights(): LSTM gates i f c o, GRU z r h with the biases (2, 3 H) of the reset after the
// product. AIDA-X adds `in_skip`, gains in dB, and a test vector, which is of the network with its skip and without its
// gains.

/// What stands in `activation`, by these names.
using RtNeuralFunctions = Kinds<TanhKind, ReluKind, SigmoidKind, SoftmaxKind, EluKind>;

class RtNeuralReader {
 public:
  explicit RtNeuralReader(const JsonAt& root) { network_.source = root.source(); }

  Network read(const JsonAt& root) {
    const JsonAt layers = root.at("layers");
    for (std::size_t k = 0; k < layers.size(); ++k)
      check_architecture(layers[k], "type", {"lstm", "gru", "dense", "time-distributed-dense", "activation", "prelu"});
    values_ = last_of(root.at("in_shape"));
    for (std::size_t k = 0; k < layers.size(); ++k) layer(layers[k]);
    around(root);
    validate<FormatError>(network_);
    test(root);
    return checked(std::move(network_));
  }

 private:
  /// [null, null, 8]: batch, steps, values. Four of them are a convolution's.
  static Index last_of(const JsonAt& shape) {
    if (shape.size() < 1 || shape.size() > 3) shape.refuse("it has ", shape.size(), " numbers, expected 1 to 3");
    return shape[shape.size() - 1].size_value();
  }

  static bool is_dense_type(const std::string& name) { return name == "dense" || name == "time-distributed-dense"; }
  void layer(const JsonAt& at) {
    const std::string& name = at.at("type").string();
    const bool is_dense = is_dense_type(name);
    at.only({"type", "activation", "shape", "weights"});
    const Index outputs = last_of(at.at("shape"));
    const JsonAt weights = at.at("weights");
    if (is_dense)
      dense(weights, outputs);
    else if (name == "lstm")
      lstm(weights, outputs);
    else if (name == "gru")
      gru(weights, outputs);
    else if (outputs != values_)
      at.at("shape").refuse("an activation of ", outputs, " values, the layer before it gives ", values_);
    if (name == "prelu") prelu(weights);
    if (name == "activation") count(weights, 0, 0);
    values_ = outputs;
    activation(at, is_dense, name);
  }

  static void count(const JsonAt& weights, std::size_t low, std::size_t high) {
    if (weights.size() < low || weights.size() > high)
      weights.refuse("it has ", weights.size(), " arrays, expected ", low,
                     low == high ? "" : concat_text(" or ", high));
  }
  void dense(const JsonAt& weights, Index outputs) {
    count(weights, 1, 2);
    LayerData w{&layer_kind<DenseKind>};
    w.tensors["weight"] = transposed(weights[0].matrix(values_, outputs));
    if (weights.size() == 2) w.tensors["bias"] = weights[1].vector(outputs);
    network_.layers.push_back(std::move(w));
  }
  void lstm(const JsonAt& weights, Index H) {
    count(weights, 2, 3);
    LayerData w{&layer_kind<LstmKind>};
    w.tensors["weight_ih"] = transposed(weights[0].matrix(values_, 4 * H));
    w.tensors["weight_hh"] = transposed(weights[1].matrix(H, 4 * H));
    if (weights.size() == 3) w.tensors["bias_ih"] = weights[2].vector(4 * H);
    network_.layers.push_back(std::move(w));
  }
  void gru(const JsonAt& weights, Index H) {
    count(weights, 3, 3);  // without its bias nothing would say which of the two GRUs it is
    const JsonAt bias = weights[2];
    if (bias.size() != 2 || !bias[0].is_array())
      bias.refuse("it is not two rows: a GRU with the reset before the product, which RTNeural does not compute");
    LayerData w{&layer_kind<GruKind>};
    w.tensors["weight_ih"] = swap_first_gates(transposed(weights[0].matrix(values_, 3 * H)));
    w.tensors["weight_hh"] = swap_first_gates(transposed(weights[1].matrix(H, 3 * H)));
    w.tensors["bias_ih"] = swap_first_gates(bias[0].vector(3 * H));
    w.tensors["bias_hh"] = swap_first_gates(bias[1].vector(3 * H));
    network_.layers.push_back(std::move(w));
  }
  void prelu(const JsonAt& weights) {
    count(weights, 1, 1);
    LayerData w{&layer_kind<PReluKind>};
    w.tensors["slope"] = transposed(weights[0].matrix(1, values_));
    network_.layers.push_back(std::move(w));
  }
  /// Behind a dense layer, or a layer of its own. A recurrent layer has its tanh inside whatever the file says of it.
  void activation(const JsonAt& at, bool is_dense, const std::string& type) {
    const auto given = at.find("activation");
    const std::string name = given ? given->string() : "";
    if (!is_dense && type != "activation") {
      if (!name.empty() && (type == "prelu" || name != "tanh"))
        given->refuse("got ", quote(name), ", expected tanh or nothing for ", type);
      return;
    }
    if (name.empty() && is_dense) return;
    const LayerKind* kind = find_kind(kind_table<RtNeuralFunctions>(), name);
    if (kind != nullptr) return network_.layers.push_back({kind});
    at.refuse("the activation ", quote(name), ", expected tanh, relu, sigmoid, softmax or elu");
  }

  /// Of decibels.
  static double factor(const JsonAt& gain) {
    constexpr double most = 120;  // max_gain
    return std::pow(10, gain.number(-most, most) / 20);
  }
  void around(const JsonAt& root) {
    if (const auto skip = root.find("in_skip")) network_.skip = skip->integer(0, 1) == 1;
    if (const auto gain = root.find("in_gain")) network_.input_gain = factor(*gain);
    if (const auto gain = root.find("out_gain")) network_.output_gain = factor(*gain);
    read_description(root, {"in_shape", "layers", "in_skip", "in_gain", "out_gain", "input_batch", "output_batch"},
                     network_);
  }

  /// A list of samples: the inputs beside the first are 0 in it.
  void test(const JsonAt& root) {
    const auto input = root.find("input_batch"), output = root.find("output_batch");
    if (!input && !output) return;
    if (!input || !output) root.refuse("no '", input ? "output_batch" : "input_batch", "'");
    const Index inputs = network_.inputs(), outputs = network_.outputs();
    if (input->size() > 0 && !(*input)[0].is_array()) {
      const Matrix<float> samples = read_steps(*input, 1);
      network_.test.input = Matrix<float>::Zero(inputs, samples.cols());
      network_.test.input.row(0) = samples;
    } else {
      network_.test.input = read_steps(*input, inputs);
    }
    network_.test.output = read_steps(*output, outputs);
  }

  Network network_;
  Index values_ = 0;
};

UNROLL_FUNCTION Network network_from_rtneural(const JsonAt& root) { return RtNeuralReader(root).read(root); }

inline Json rtneural_layer(const Network& network, Index outputs, std::size_t k) {
  const LayerData& layer = network.layers[k];
  constexpr std::string_view who = "save_rtneural";
  Json weights = Json::array();
  std::string type, activation;
  const bool is_gru = is_kind<GruKind>(layer);
  if (is_gru || is_kind<LstmKind>(layer)) {
    require_plain(layer, k, who, false);
    type = layer.kind->name;
    const auto ordered = [&](const Matrix<float>& m) { return is_gru ? swap_first_gates(m) : m; };
    const Index rows = layer.tensor("weight_ih").rows();
    weights.push_back(json_rows(transposed(ordered(layer.tensor("weight_ih")))));
    weights.push_back(json_rows(transposed(ordered(layer.tensor("weight_hh")))));
    if (is_gru)
      weights.push_back(Json::array({json_vector(ordered(bias_or_zeros(layer.tensor("bias_ih"), rows))),
                                     json_vector(ordered(bias_or_zeros(layer.tensor("bias_hh"), rows)))}));
    else
      weights.push_back(json_vector(summed_bias(layer)));
  } else if (is_kind<DenseKind>(layer)) {
    type = "dense";
    weights.push_back(json_rows(transposed(layer.tensor("weight"))));
    if (layer.tensor("bias").size() > 0) weights.push_back(json_vector(layer.tensor("bias")));
  } else if (is_kind<PReluKind>(layer)) {
    type = "prelu";
    weights.push_back(json_rows(transposed(layer.tensor("slope"))));
  } else if (find_kind(kind_table<RtNeuralFunctions>(), layer.kind->name) != nullptr) {
    const double alpha = layer.number("alpha", 1);
    require(alpha == 1, who, ": layer ", k, " (elu) has alpha = ", alpha, ", which this format cannot say");
    type = "activation";
    activation = layer.kind->name;
  } else {
    refuse_layer(network, k, who);
  }
  return {{"type", type}, {"activation", activation}, {"shape", {nullptr, nullptr, outputs}}, {"weights", weights}};
}

}  // namespace detail

UNROLL_FUNCTION Network read_rtneural(const std::filesystem::path& path) {
  return detail::read_json_network(path, detail::network_from_rtneural);
}

UNROLL_FUNCTION void save_rtneural(const std::filesystem::path& path, const Network& network) {
  using detail::Json;
  const Network ready = detail::ready_to_write(split_projections(network));
  Json root{{"in_shape", {nullptr, nullptr, ready.inputs()}}, {"layers", Json::array()}};
  Network part;  // the layers so far, which know how many values they give
  for (std::size_t k = 0; k < ready.layers.size(); ++k) {
    part.layers.push_back(ready.layers[k]);
    root["layers"].push_back(detail::rtneural_layer(ready, part.outputs(), k));
  }
  if (ready.skip) root["in_skip"] = 1;
  if (ready.input_gain != 1 || ready.output_gain != 1) {
    require((std::min)(ready.input_gain, ready.output_gain) * detail::max_gain >= 1, "save_rtneural: gains of ",
            ready.input_gain, " and ", ready.output_gain, ", expected at least ", 1 / detail::max_gain,
            ": the format has decibels");
    root["in_gain"] = 20 * std::log10(ready.input_gain);
    root["out_gain"] = 20 * std::log10(ready.output_gain);
  }
  root["input_batch"] = ready.inputs() == 1 ? detail::json_vector(ready.test.input)
                                            : detail::json_rows(detail::transposed(ready.test.input));
  root["output_batch"] = ready.outputs() == 1 ? detail::json_vector(ready.test.output)
                                              : detail::json_rows(detail::transposed(ready.test.output));
  root["metadata"] = Json::object();
  detail::write_description(ready, "save_rtneural", root);
  if (ready.sample_rate) root["metadata"]["samplerate"] = *ready.sample_rate;
  detail::write_json(path, root);
}

}  // namespace unroll::inline UNROLL_ABI
