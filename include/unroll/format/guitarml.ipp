// Bodies of format/guitarml.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <unroll/format/guitarml.hpp>
#include <unroll/format/network_json.hpp>
#include <unroll/network/library_kinds.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

// {"model_data": {"model": "SimpleRNN", "input_size": 1, "skip": 1, "output_size": 1, "unit_type": "LSTM",
//   "num_layers": 1, "hidden_size": 32, "bias_fl": true, "sample_rate": 44100},
//  "state_dict": {"rec.weight_ih_l0": (4 H, D) as PyTorch has it, ..., "lin.weight": (1, H), "lin.bias": (1)}}
// bias_fl is of `lin` alone. skip = n adds the first n inputs to the outputs; 0 is none. The rate, and `metadata`
// beside it, are in some files.

struct GuitarMlUnit {
  std::string_view name;
  const LayerKind* kind;
};
inline constexpr GuitarMlUnit guitarml_units[] = {
    {"LSTM", &layer_kind<LstmKind>}, {"GRU", &layer_kind<GruKind>}, {"RNN", &layer_kind<RnnKind>}};

struct GuitarMlSizes {
  const LayerKind* cell;
  Index inputs, outputs, units, layers, skip;
  bool bias;
};

inline GuitarMlSizes read_guitarml_sizes(const JsonAt& data) {
  check_architecture(data, "model", {"SimpleRNN"});
  check_architecture(data, "unit_type", {"LSTM", "GRU", "RNN"});
  data.at("model").string();
  const std::string& unit = data.at("unit_type").string();
  GuitarMlSizes sizes{};
  sizes.cell = std::ranges::find(guitarml_units, unit, &GuitarMlUnit::name)->kind;
  data.only({"model", "input_size", "skip", "output_size", "unit_type", "num_layers", "hidden_size", "bias_fl",
             "sample_rate"});
  sizes.inputs = data.at("input_size").size_value();
  sizes.outputs = data.at("output_size").size_value();
  sizes.units = data.at("hidden_size").size_value();
  sizes.layers = data.at("num_layers").size_value();
  sizes.bias = data.at("bias_fl").boolean();
  const JsonAt skip = data.at("skip");
  sizes.skip = skip.integer(0, 1 << 24);
  if (sizes.skip != 0 && (sizes.skip != sizes.outputs || sizes.skip > sizes.inputs))
    skip.refuse("got ", sizes.skip, " with ", sizes.inputs, " inputs and ", sizes.outputs,
                " outputs, expected 0 or as many as there are outputs");
  return sizes;
}

UNROLL_FUNCTION Network network_from_guitarml(const JsonAt& root) {
  const JsonAt data = root.at("model_data");
  const GuitarMlSizes sizes = read_guitarml_sizes(data);
  const JsonAt tensors = root.at("state_dict");
  Network network;
  network.source = root.source();
  if (const auto rate = data.find("sample_rate")) read_sample_rate(*rate, network);
  read_description(root, {"model_data", "state_dict", json_test_key}, network);
  network.skip = sizes.skip > 0;
  std::size_t read = 0;
  const auto tensor = [&](const std::string& name) {
    ++read;
    return tensors.at(name);
  };
  const Index gates = describe_layer({sizes.cell}).gates;
  for (Index k = 0; k < sizes.layers; ++k) {
    const Index D = k == 0 ? sizes.inputs : sizes.units, H = sizes.units;
    const auto of_layer = [&](std::string_view leaf) { return tensor(concat_text("rec.", leaf, "_l", k)); };
    LayerData w{sizes.cell};
    w.tensors["weight_ih"] = of_layer("weight_ih").matrix(gates * H, D);
    w.tensors["weight_hh"] = of_layer("weight_hh").matrix(gates * H, H);
    w.tensors["bias_ih"] = of_layer("bias_ih").vector(gates * H);
    w.tensors["bias_hh"] = of_layer("bias_hh").vector(gates * H);
    network.layers.push_back(std::move(w));
  }
  LayerData head{&layer_kind<DenseKind>};
  head.tensors["weight"] = tensor("lin.weight").matrix(sizes.outputs, sizes.units);
  if (sizes.bias) head.tensors["bias"] = tensor("lin.bias").vector(sizes.outputs);
  network.layers.push_back(std::move(head));
  if (tensors.object().size() != read)
    tensors.refuse("it has ", tensors.object().size(), " tensors, expected ", read, " of ", sizes.layers,
                   " layers and lin");
  read_test(root, network);
  return checked(std::move(network));
}

}  // namespace detail

UNROLL_FUNCTION Network read_guitarml(const std::filesystem::path& path) {
  return detail::read_json_network(path, detail::network_from_guitarml);
}

UNROLL_FUNCTION void save_guitarml(const std::filesystem::path& path, const Network& network) {
  using detail::Json;
  constexpr std::string_view who = "save_guitarml";
  const Network ready = detail::ready_to_write(network);
  const std::size_t last = ready.layers.size() - 1;
  require(last > 0, who, ": one layer alone, expected recurrent layers and a dense one");
  require(ready.input_gain == 1 && ready.output_gain == 1, who, ": gains of ", ready.input_gain, " and ",
          ready.output_gain, ", which this format cannot say");
  const LayerData& first = detail::layer_as<LstmKind, GruKind, RnnKind>(ready, 0, who);
  const LayerData& head = detail::layer_as<DenseKind>(ready, last, who);
  const Index H = detail::units_of(first);
  const std::string_view unit = std::ranges::find(detail::guitarml_units, first.kind->name, [](const auto& each) {
                                  return each.kind->name;
                                })->name;
  require(!ready.skip || ready.outputs() <= ready.inputs(), who, ": a skip of more outputs than inputs");
  Json tensors = Json::object();
  for (std::size_t k = 0; k < last; ++k) {
    const LayerData& w = detail::layer_as<LstmKind, GruKind, RnnKind>(ready, k, who);
    detail::require_plain(w, k, who, false);
    require(w.kind->name == first.kind->name && detail::units_of(w) == H, who, ": layer ", k, " (", w.kind->name,
            " of ", detail::units_of(w), " units) differs from the first (", first.kind->name, " of ", H, ")");
    for (const char* leaf : {"weight_ih", "weight_hh"})
      tensors[concat_text("rec.", leaf, "_l", k)] = detail::json_rows(w.tensor(leaf));
    for (const char* leaf : {"bias_ih", "bias_hh"})
      tensors[concat_text("rec.", leaf, "_l", k)] =
          detail::json_vector(detail::bias_or_zeros(w.tensor(leaf), w.tensor("weight_ih").rows()));
  }
  tensors["lin.weight"] = detail::json_rows(head.tensor("weight"));
  const Matrix<float>& bias = head.tensor("bias");
  if (bias.size() > 0) tensors["lin.bias"] = detail::json_vector(bias);
  Json data{{"model", "SimpleRNN"},
            {"input_size", ready.inputs()},
            {"skip", ready.skip ? ready.outputs() : 0},
            {"output_size", ready.outputs()},
            {"unit_type", unit},
            {"num_layers", last},
            {"hidden_size", H},
            {"bias_fl", bias.size() > 0}};
  if (ready.sample_rate) data["sample_rate"] = *ready.sample_rate;
  Json root{{"model_data", data}, {"state_dict", tensors}, {detail::json_test_key, detail::write_test(ready.test)}};
  detail::write_description(ready, who, root);
  detail::write_json(path, root);
}

}  // namespace unroll::inline UNROLL_ABI
