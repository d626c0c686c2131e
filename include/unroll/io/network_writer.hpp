// Writing networks as safetensors, and saying of a model which network it is.
#pragma once

#include <string>
#include <vector>

#include <unroll/io/network_file.hpp>
#include <unroll/io/network_model.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Adds the tensors of layers under the names that a Sequential of them has, and says in JSON which is which.
class NetworkTensorsWriter {
 public:
  explicit NetworkTensorsWriter(SafeTensorsWriter& writer) : writer_(writer) {}

  Json add(const NetworkLayer& layer, std::size_t k) {
    at_ = concat(k, ".");
    return std::visit([this](const auto& w) { return entry(w); }, layer);
  }
  const std::vector<std::string>& zeros() const { return zeros_; }
  std::string fingerprint() const { return fingerprint_.text(); }

 private:
  /// An absent matrix is not mentioned.
  void tensor(Json& entry, const char* leaf, std::string_view name, const Matrix<float>& m, bool is_vector,
              bool is_table = false) {
    if (m.size() == 0) return;
    const std::string full = concat(at_, name);
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
    const auto name = [&](const char* leaf) { return concat(leaf, "_l0", suffix); };
    tensor(entry, "weight_ih", name("weight_ih"), w.weight_ih, false);
    tensor(entry, "bias_ih", name("bias_ih"), w.bias_ih, true);
    tensor(entry, "weight_hh", name("weight_hh"), w.weight_hh, false);
    tensor(entry, "bias_hh", name("bias_hh"), w.bias_hh, true);
    tensor(entry, "initial_h", name("initial_h"), w.initial_h, true);
    tensor(entry, "initial_c", name("initial_c"), w.initial_c, true);
    if (w.bias_ih.size() > 0 && w.bias_hh.size() == 0) {  // PyTorch has both or none
      zeros_.push_back(concat(at_, name("bias_hh")));
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
    entry["ahead"] = recurrent(w.ahead, "");
    entry["back"] = recurrent(w.back, "_reverse");
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

// The same of a model, whose tensors are called as the model calls them.

template <class L> void name_tensors(const L& layer, const Path& at, Json& ahead, Json& back) {
  const auto present = [&](const Path& path, const auto& p) {
    const std::string name = path.str();
    if (p.size() > 0) (name.ends_with("_reverse") ? back : ahead)[std::string(path.name)] = name;
  };
  L::visit(present, at, layer);
}
template <class C> Json model_entry(const Recurrent<C>& layer, const Path& at, bool final) {
  Json entry{{"type", name_of(network_cell<C>)}};
  name_tensors(layer, at, entry, entry);
  if (layer.options.reverse) entry["reverse"] = true;
  if (final) entry["final_state"] = true;
  return entry;
}
template <class C> Json model_entry(const Bidirectional<C>& layer, const Path& at, bool final) {
  Json side{{"type", name_of(network_cell<C>)}};
  Json entry{{"type", "bidirectional"}, {"merge", merge_names[static_cast<std::size_t>(layer.merge)]}};
  entry["ahead"] = entry["back"] = side;
  name_tensors(layer, at, entry["ahead"], entry["back"]);
  if (final) entry["final_state"] = true;
  return entry;
}
template <class T> Json model_entry(const Dense<T>& layer, const Path& at, bool) {
  Json entry{{"type", "dense"}};
  name_tensors(layer, at, entry, entry);
  return entry;
}
template <class T> Json model_entry(const Embedding<T>& layer, const Path& at, bool) {
  Json entry{{"type", "embedding"}};
  name_tensors(layer, at, entry, entry);
  return entry;
}
template <class L> Json model_entry(const L& layer, const Path&, bool) { return {{"type", name_of(kind_of(layer))}}; }

/// What `save` says of a model in the metadata "unroll.network".
template <NetworkModel M> Json network_json_of(const M& model) {
  Json layers = Json::array();
  const Path root;
  walk_layers(model, root, false,
              [&](const auto& layer, const Path& at, bool final) { layers.push_back(model_entry(layer, at, final)); });
  return {{"layers", layers}};
}

/// Whether a model begins with a layer of the library's whose weights say what it takes, whatever comes behind.
template <class L> inline constexpr bool has_known_input = false;
template <class C> inline constexpr bool has_known_input<Recurrent<C>> = true;
template <class C> inline constexpr bool has_known_input<Bidirectional<C>> = true;
template <class T> inline constexpr bool has_known_input<Dense<T>> = true;
template <class T> inline constexpr bool has_known_input<Embedding<T>> = true;
template <class L> inline constexpr bool has_known_input<FinalState<L>> = has_known_input<L>;
template <class L, class... Ls> inline constexpr bool has_known_input<Sequential<L, Ls...>> = has_known_input<L>;
template <class L, class... Ls> inline constexpr bool has_known_input<Stack<L, Ls...>> = has_known_input<L>;

/// Token ids that the embedding has, or random values.
template <class M> TestInput make_test_input(const M& model) {
  TestInput input;
  const Path root;
  walk_layers(model, root, false, [&, first = true]<class L>(const L& layer, const Path&, bool) mutable {
    if (!std::exchange(first, false)) return;
    if constexpr (requires { layer.weight.marked; }) {
      if (layer.weight.cols() > 1) input.tokens = make_test_tokens(layer.weight.cols(), TestInput::max_steps);
    } else {
      Index inputs = 0;  // the columns of the layer's first weight
      visit([&](const Path&, const auto& p) { inputs = inputs == 0 ? p.cols() : inputs; }, layer);
      input.values.resize(inputs, inputs > 0 ? TestInput::max_steps : 0);
      Rng rng(1);
      for (Index k = 0; k < input.values.size(); ++k) input.values.data()[k] = rng.uniform(-1, 1);
    }
  });
  return input;
}

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
  writer.set_metadata(test_steps_key, concat(steps));
  writer.set_metadata(test_output_key, json_array(std::vector<double>(y.data(), y.data() + y.size())));
}

}  // namespace detail

/// Writes any network as a safetensors file that `load_network` and, with the model's types, `load_model` read, and
/// PyTorch's load_state_dict: tensors are called as those of a Sequential of the layers. The test vector is cut to 32
/// steps. Throws std::invalid_argument for a network that is not sound, FormatError where it cannot be written.
inline void save_network(const std::filesystem::path& path, const Network& network) {
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
  if (!ready.metadata.empty()) root["metadata"] = detail::write_metadata(ready);
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
