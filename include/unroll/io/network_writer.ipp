// Bodies of io/network_writer.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <unroll/io/fingerprint.hpp>
#include <unroll/io/layer_run.hpp>
#include <unroll/io/model_keys.hpp>
#include <unroll/io/network_json.hpp>
#include <unroll/io/network_writer.hpp>
#include <unroll/io/parameters_file.hpp>
#include <unroll/io/test_input.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Adds the tensors of layers under the names that a Sequential of them has, and says in JSON which is which.
class NetworkTensorsWriter {
 public:
  explicit NetworkTensorsWriter(SafeTensorsWriter& writer) : writer_(writer) {}

  Json add(const NetworkLayer& layer, std::size_t k) {
    at_ = concat_text(k, ".");
    return std::visit([this](const auto& w) { return entry(w); }, layer);
  }
  const std::vector<std::string>& zeros() const { return zeros_; }
  std::string fingerprint() const { return fingerprint_.text(); }

 private:
  /// An absent matrix is not mentioned.
  void tensor(Json& entry, const char* leaf, std::string_view name, const Matrix<float>& m, bool is_vector,
              bool is_table = false) {
    if (m.size() == 0) return;
    const std::string full = concat_text(at_, name);
    entry[leaf] = full;
    if (is_vector)
      writer_.add_vector(full, std::span<const float>(m.data(), static_cast<std::size_t>(m.size())));
    else if (is_table)
      writer_.add_transposed(full, m);
    else
      writer_.add(full, m);
    const std::vector<Index> shape = is_vector  ? std::vector<Index>{m.rows()}
                                     : is_table ? std::vector<Index>{m.cols(), m.rows()}
                                                : std::vector<Index>{m.rows(), m.cols()};
    fingerprint_.add(full, shape);
  }
  Json recurrent(const RecurrentLayer& w, std::string_view suffix) {
    Json entry{{"type", name_of(w.cell)}};
    const auto name = [&](const char* leaf) { return concat_text(leaf, "_l0", suffix); };
    tensor(entry, "weight_ih", name("weight_ih"), w.weight_ih, false);
    tensor(entry, "bias_ih", name("bias_ih"), w.bias_ih, true);
    tensor(entry, "weight_hh", name("weight_hh"), w.weight_hh, false);
    tensor(entry, "bias_hh", name("bias_hh"), w.bias_hh, true);
    tensor(entry, "initial_h", name("initial_h"), w.initial_h, true);
    tensor(entry, "initial_c", name("initial_c"), w.initial_c, true);
    if (w.bias_ih.size() > 0 && w.bias_hh.size() == 0) {  // PyTorch has both or none
      zeros_.push_back(concat_text(at_, name("bias_hh")));
      writer_.add_vector(zeros_.back(), std::span<const float>(std::vector<float>(std::size_t(w.bias_ih.size()))));
    }
    return entry;
  }
  Json entry(const RecurrentLayer& w) {
    Json entry = recurrent(w, "");
    if (w.reverse) entry["reverse"] = true;
    if (w.final_state) entry["final_state"] = true;
    return entry;
  }
  Json entry(const BidirectionalLayer& w) {
    Json entry{{"type", "bidirectional"}, {"merge", merge_names[static_cast<std::size_t>(w.merge)]}};
    entry["ahead"] = recurrent(w.forward, "");
    entry["back"] = recurrent(w.reverse, "_reverse");
    if (w.final_state) entry["final_state"] = true;
    return entry;
  }
  Json entry(const DenseLayer& w) {
    Json entry{{"type", "dense"}};
    tensor(entry, "weight", "weight", w.weight, false);
    tensor(entry, "bias", "bias", w.bias, true);
    return entry;
  }
  Json entry(const ActivationLayer& w) {
    Json entry{{"type", name_of(w.function)}};
    if (w.function == ActivationKind::elu) entry["alpha"] = w.alpha;
    if (w.function == ActivationKind::prelu) tensor(entry, "slope", "weight", w.slope, true);
    return entry;
  }
  Json entry(const EmbeddingLayer& w) {
    Json entry{{"type", "embedding"}};
    tensor(entry, "weight", "weight", w.weight, false, true);
    return entry;
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
    y = run_layers(network, look_up(std::get<EmbeddingLayer>(network.layers.front()), tokens), 1);
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
