// Bodies of format/network_writer.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <unroll/format/network_json.hpp>
#include <unroll/format/network_writer.hpp>
#include <unroll/io/fingerprint.hpp>
#include <unroll/io/model_keys.hpp>
#include <unroll/io/parameters_file.hpp>
#include <unroll/io/test_input.hpp>
#include <unroll/network/layer_json.hpp>
#include <unroll/network/layer_run.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Adds the tensors of layers under the names that a Sequential of them has, and says in JSON which is which.
class NetworkTensorsWriter {
 public:
  explicit NetworkTensorsWriter(SafeTensorsWriter& writer) : writer_(writer) {}

  Json add(const NetworkLayer& layer, std::size_t k) {
    at_ = concat_text(k, ".");
    return add(layer, std::string_view());
  }
  const std::vector<std::string>& zeros() const { return zeros_; }
  std::string fingerprint() const { return fingerprint_.text(); }

 private:
  Json add(const NetworkLayer& layer, std::string_view suffix) {
    const Description form = describe_layer(layer);
    Json entry = entry_of(layer);
    for (std::size_t k = 0; k < form.parts.size(); ++k)
      entry[std::string(form.parts[k])] = add(layer.parts[k], k == 0 ? "" : "_reverse");
    for (const TensorForm& one : form.tensors) {
      const std::string name = concat_text(at_, one.stored, form.ending, suffix);
      if (const Matrix<float>& values = layer.tensor(one.name); values.size() > 0) {
        entry[std::string(one.name)] = name;
        tensor(name, one, values);
      } else if (!one.beside.empty() && layer.tensor(one.beside).size() > 0) {  // PyTorch has both or none
        zeros_.push_back(name);
        writer_.add_vector(name, std::span<const float>(std::vector<float>(static_cast<std::size_t>(one.rows))));
      }
    }
    return entry;
  }
  void tensor(const std::string& name, const TensorForm& form, const Matrix<float>& values) {
    const Index rows = values.rows(), cols = values.cols();
    switch (form.rank) {
      case TensorRank::vector:
        writer_.add_vector(name, std::span<const float>(values.data(), static_cast<std::size_t>(values.size())));
        return fingerprint_.add(name, std::array{rows});
      case TensorRank::matrix:
        writer_.add(name, values);
        return fingerprint_.add(name, std::array{rows, cols});
      case TensorRank::table:
        writer_.add_transposed(name, values);
        return fingerprint_.add(name, std::array{cols, rows});
    }
  }

  SafeTensorsWriter& writer_;
  std::string at_;
  std::vector<std::string> zeros_;
  Fingerprint fingerprint_;
};

/// The layers' own answer to the first steps of the network's test input.
inline void add_network_test(SafeTensorsWriter& writer, const Network& network) {
  const NetworkTest& test = network.test;
  Matrix<double> y;
  Index steps = 0;
  if (network.takes_tokens()) {
    const std::vector<std::int32_t> tokens(
        test.tokens.begin(),
        test.tokens.begin() + (std::min<std::ptrdiff_t>)(std::ssize(test.tokens), TestInput::max_steps));
    y = run_layers(network, row_of(tokens));
    steps = std::ssize(tokens);
    writer.set_metadata(test_tokens_key, json_array(tokens));
  } else {
    const Matrix<double> x = test.input.leftCols((std::min)(test.input.cols(), TestInput::max_steps)).cast<double>();
    y = run_layers(network, x);
    steps = x.cols();
    writer.set_metadata(test_values_key, json_array(std::vector<double>(x.data(), x.data() + x.size())));
  }
  writer.set_metadata(test_steps_key, concat_text(steps));
  writer.set_metadata(test_output_key, json_array(std::vector<double>(y.data(), y.data() + y.size())));
}

}  // namespace detail

UNROLL_FUNCTION void save_network(const std::filesystem::path& path, const Network& network) {
  using detail::Json;
  const Network ready = detail::ready_to_write(network);
  SafeTensorsWriter writer;
  detail::NetworkTensorsWriter tensors(writer);
  Json root{{"layers", Json::array()}};
  for (std::size_t k = 0; k < ready.layers.size(); ++k) root["layers"].push_back(tensors.add(ready.layers[k], k));
  if (ready.skip) root["skip"] = true;
  if (ready.input_gain != 1) root["input_gain"] = ready.input_gain;
  if (ready.output_gain != 1) root["output_gain"] = ready.output_gain;
  if (ready.sample_rate) root["sample_rate"] = *ready.sample_rate;
  if (ready.loudness) root["loudness"] = *ready.loudness;
  for (const auto& [name, text] : ready.metadata) root["metadata"][name] = detail::json_of(name, text, "save_network");
  writer.set_metadata("format", "pt");
  writer.set_metadata(detail::model_format_key, detail::model_format_version);
  writer.set_metadata("unroll.version", UNROLL_VERSION_STRING);
  writer.set_metadata("unroll.fingerprint", tensors.fingerprint());
  writer.set_metadata(detail::network_key, root.dump());
  if (!tensors.zeros().empty()) writer.set_metadata(zero_tensors_key, detail::json_array(tensors.zeros()));
  detail::add_network_test(writer, ready);
  writer.save(path);
}

}  // namespace unroll::inline UNROLL_ABI
