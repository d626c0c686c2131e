// Bodies of format/network_file.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/file/tensor_text.hpp>
#include <unroll/format/network_file.hpp>
#include <unroll/format/network_json.hpp>
#include <unroll/io/model_keys.hpp>
#include <unroll/io/parameters_file.hpp>
#include <unroll/io/test_input.hpp>
#include <unroll/network/layer_json.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

class NetworkTensorsReader {
 public:
  NetworkTensorsReader(const SafeTensors& file, KindTable kinds) : file_(file), kinds_(kinds) {
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
    return network;
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
  NetworkLayer layer(const JsonAt& at) {
    const JsonAt type = at.at("type");
    NetworkLayer w{find_kind(kinds_, type.string())};
    if (w.kind == nullptr) type.refuse(quote(type.string()), " is not a layer this library has");
    const Description form = describe_layer(w);  // of one without sizes yet: names alone
    std::vector<std::string_view> names{"type"};
    for (const TensorForm& tensor : form.tensors) names.push_back(tensor.name);
    for (const OptionForm& option : form.options) names.push_back(option.name);
    names.insert(names.end(), form.parts.begin(), form.parts.end());
    at.only(names);
    for (const TensorForm& one : form.tensors) {
      const std::string name(one.name);
      if (one.need == Need::required || at.find(name)) {
        Matrix<float> values = tensor(at.at(name), one.rank == TensorRank::vector ? 1 : 2);
        w.tensors.emplace(name, one.rank == TensorRank::table ? transposed(values) : std::move(values));
      }
    }
    for (const std::string_view part : form.parts) w.parts.push_back(layer(at.at(std::string(part))));
    for (const OptionForm& option : form.options) {
      const std::string name(option.name);
      if (option.need == Need::required || at.find(name))
        if (LayerOption value = read_option(at.at(name), option); value != option.usual)
          w.options.emplace(name, std::move(value));
    }
    return w;
  }

  const SafeTensors& file_;
  KindTable kinds_;
  std::set<std::string, std::less<>> used_, zeros_;
};

/// A model file's test vector is of the layers alone.
inline void read_file_test(const SafeTensors& file, Network& network) {
  const TestInput input = read_test_input(file);
  if (input.empty()) return;
  const auto numbers = read_numbers(file, test_output_key);
  const auto outputs = static_cast<std::size_t>(network.outputs());
  const Index steps = (std::max)(static_cast<Index>(input.tokens.size()), input.values.cols());
  require<FormatError>(numbers.size() % outputs == 0, file.source, ": the test vector has ", numbers.size(),
                       " outputs, expected a multiple of ", outputs);
  NetworkTest test{input.tokens, input.values.cast<float>(),
                   Matrix<float>(network.outputs(), static_cast<Index>(numbers.size() / outputs))};
  for (std::size_t k = 0; k < numbers.size(); ++k) test.output.data()[k] = static_cast<float>(numbers[k]);
  if (network.skip && test.input.rows() >= test.output.rows() && test.output.cols() == steps)
    test.output += test.input.topRows(test.output.rows());
  network.test = std::move(test);
}

UNROLL_FUNCTION Network untested_network(const SafeTensors& file, KindTable kinds) {
  const auto found = file.metadata.find(network_key);
  require<FormatError>(found != file.metadata.end(), file.source, ": no metadata '", network_key,
                       "': nothing says what network the tensors are of (load_state_dict reads them into a model)");
  const Json tree = JsonTree::parse(found->second, concat_text(file.source, ": ", network_key));
  return NetworkTensorsReader(file, kinds).read(JsonAt(tree, file.source, std::string(network_key)));
}

}  // namespace detail

UNROLL_FUNCTION Network network_from_safetensors(const SafeTensors& file, KindTable kinds) {
  Network network = detail::untested_network(file, kinds);
  detail::read_file_test(file, network);
  return detail::checked(std::move(network));
}

}  // namespace unroll::inline UNROLL_ABI
