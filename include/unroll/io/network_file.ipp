// Bodies of io/network_file.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <unroll/file/tensor_text.hpp>
#include <unroll/io/model_keys.hpp>
#include <unroll/io/network_file.hpp>
#include <unroll/io/network_json.hpp>
#include <unroll/io/parameters_file.hpp>
#include <unroll/io/test_input.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

class NetworkTensorsReader {
 public:
  explicit NetworkTensorsReader(const SafeTensors& file) : file_(file) {
    for (std::string& name : zero_tensors(file)) zeros_.insert(std::move(name));
  }

  Network read(const JsonAt& root) {
    Network network;
    network.source = file_.source;
    root.only({"layers", "skip", "input_gain", "output_gain", "sample_rate", "loudness", "metadata"});
    const JsonAt layers = root.at("layers");
    for (std::size_t k = 0; k < layers.size(); ++k) network.layers.push_back(layer(layers[k]));
    if (const auto skip = root.find("skip")) network.skip = skip->boolean();
    if (const auto gain = root.find("input_gain")) network.input_gain = gain->number(-max_gain, max_gain);
    if (const auto gain = root.find("output_gain")) network.output_gain = gain->number(-max_gain, max_gain);
    if (const auto rate = root.find("sample_rate")) read_sample_rate(*rate, network);
    if (const auto loudness = root.find("loudness")) read_loudness(*loudness, network);
    if (const auto metadata = root.find("metadata"))
      for (const auto& [name, value] : metadata->object().items()) network.metadata[name] = text_of(value);
    for (const auto& [name, tensor] : file_.tensors)
      require<FormatError>(used_.contains(name) || is_zero(name, tensor), file_.source,
                           ": the network has no place for tensor ", quote(name), " ", describe_tensor(tensor));
    validate<FormatError>(network);
    test(network);
    return checked(std::move(network));
  }

 private:
  bool is_zero(const std::string& name, const Tensor& tensor) const {
    return zeros_.contains(name) && std::ranges::all_of(tensor.bytes, [](std::byte b) { return b == std::byte{0}; });
  }
  /// (n, m) as it is, (n) as (n, 1).
  Matrix<float> tensor(const JsonAt& at, Index rank) {
    const std::string& name = at.string();
    const Tensor& stored = file_.tensor(name);
    require<FormatError>(stored.rank() == rank && is_floating_point(stored.dtype), file_.source, ": tensor ",
                         quote(name), ": got ", describe_tensor(stored), ", expected floats of ", rank, " dimensions");
    require<FormatError>(stored.size() > 0, file_.source, ": tensor ", quote(name), ": got ", describe_tensor(stored),
                         ", which holds nothing");
    require<FormatError>(used_.insert(name).second, file_.source, ": tensor ", quote(name), " is used twice");
    return file_.matrix<float>(name);
  }
  Matrix<float> tensor_or_none(const JsonAt& at, const char* leaf) {
    const auto name = at.find(leaf);
    return name ? tensor(*name, 1) : Matrix<float>();
  }
  static bool flag(const JsonAt& at, const char* name) {
    const auto value = at.find(name);
    return value && value->boolean();
  }

  NetworkLayer layer(const JsonAt& at) {
    const JsonAt type = at.at("type");
    const std::string& name = type.string();
    for (int k = 0; k <= int(CellKind::gru_reset_before); ++k)
      if (name == name_of(CellKind(k))) return recurrent(at, CellKind(k));
    for (int k = 0; k <= int(ActivationKind::prelu); ++k)
      if (name == name_of(ActivationKind(k))) return activation(at, ActivationKind(k));
    if (name == "dense") {
      at.only({"type", "weight", "bias"});
      return DenseLayer{tensor(at.at("weight"), 2), tensor_or_none(at, "bias")};
    }
    if (name == "embedding") {
      at.only({"type", "weight"});
      return EmbeddingLayer{transposed(tensor(at.at("weight"), 2))};
    }
    if (name == "bidirectional") return bidirectional(at);
    type.refuse(quote(name), " is not a layer this library has");
  }
  RecurrentLayer recurrent(const JsonAt& at, CellKind cell) {
    at.only(
        {"type", "weight_ih", "weight_hh", "bias_ih", "bias_hh", "initial_h", "initial_c", "reverse", "final_state"});
    RecurrentLayer w{.cell = cell, .reverse = flag(at, "reverse"), .final_state = flag(at, "final_state")};
    w.weight_ih = tensor(at.at("weight_ih"), 2);
    w.weight_hh = tensor(at.at("weight_hh"), 2);
    w.bias_ih = tensor_or_none(at, "bias_ih");
    w.bias_hh = tensor_or_none(at, "bias_hh");
    w.initial_h = tensor_or_none(at, "initial_h");
    w.initial_c = tensor_or_none(at, "initial_c");
    return w;
  }
  BidirectionalLayer bidirectional(const JsonAt& at) {
    at.only({"type", "ahead", "back", "merge", "final_state"});
    BidirectionalLayer w;
    const auto side = [&](const char* name) {
      NetworkLayer part = layer(at.at(name));
      auto* w_side = std::get_if<RecurrentLayer>(&part);
      if (w_side == nullptr) at.at(name).refuse("it is ", kind_name(part), ", expected a recurrent layer");
      return std::move(*w_side);
    };
    w.forward = side("ahead");
    w.reverse = side("back");
    const JsonAt merge = at.at("merge");
    const auto found = std::ranges::find(merge_names, merge.string());
    if (found == std::end(merge_names))
      merge.refuse("got ", quote(merge.string()), ", expected concat, sum, average or product");
    w.merge = static_cast<Merge>(found - std::begin(merge_names));
    w.final_state = flag(at, "final_state");
    return w;
  }
  ActivationLayer activation(const JsonAt& at, ActivationKind function) {
    at.only({"type", "alpha", "slope"});
    ActivationLayer w{.function = function};
    if (function == ActivationKind::elu) w.alpha = static_cast<float>(at.at("alpha").number(-max_weight, max_weight));
    if (function == ActivationKind::prelu) w.slope = tensor(at.at("slope"), 1);
    return w;
  }

  /// A model file's test vector is of the layers alone.
  void test(Network& network) {
    const TestInput input = read_test_input(file_);
    if (input.empty()) return;
    const auto numbers = read_numbers(file_, test_output_key);
    const auto outputs = static_cast<std::size_t>(network.outputs());
    const Index steps = (std::max)(static_cast<Index>(input.tokens.size()), input.values.cols());
    require<FormatError>(numbers.size() % outputs == 0, file_.source, ": the test vector has ", numbers.size(),
                         " outputs, expected a multiple of ", outputs);
    NetworkTest test{input.tokens, input.values.cast<float>(),
                     Matrix<float>(network.outputs(), static_cast<Index>(numbers.size() / outputs))};
    for (std::size_t k = 0; k < numbers.size(); ++k) test.output.data()[k] = static_cast<float>(numbers[k]);
    if (network.skip && test.input.rows() >= test.output.rows() && test.output.cols() == steps)
      test.output += test.input.topRows(test.output.rows());
    network.test = std::move(test);
  }

  const SafeTensors& file_;
  std::set<std::string, std::less<>> used_, zeros_;
};

}  // namespace detail

UNROLL_FUNCTION Network network_from_safetensors(const SafeTensors& file) {
  for (const auto& [name, tensor] : file.tensors)
    require<FormatError>(
        name.find("weight_hr_l") == std::string::npos, file.source, ": tensor ", detail::quote(name),
        " is the projection of an LSTM with proj_size: load_state_dict or load_model read it into a model with ",
        "ProjectedLstm, of which network_of makes a network");
  const auto found = file.metadata.find(detail::network_key);
  require<FormatError>(found != file.metadata.end(), file.source, ": no metadata '", detail::network_key,
                       "': nothing says what network the tensors are of (load_state_dict reads them into a model)");
  const detail::Json tree = detail::JsonTree::parse(found->second, concat_text(file.source, ": ", detail::network_key));
  return detail::NetworkTensorsReader(file).read(detail::JsonAt(tree, file.source, std::string(detail::network_key)));
}

}  // namespace unroll::inline UNROLL_ABI
