// Bodies of format/nam.hpp.
#pragma once

#include <charconv>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <unroll/format/nam.hpp>
#include <unroll/format/network_json.hpp>
#include <unroll/network/library_kinds.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

// {"version": "0.5.4", "metadata": {...}, "architecture": "LSTM",
//  "config": {"input_size": 1, "hidden_size": 3, "num_layers": 1}, "weights": [...], "sample_rate": 48000}
// weights: for each layer the rows of [W U] (4 H rows of D + H numbers, gates i f g o), b + b_h (4 H), the state to
// start from h (H), c (H); then the head's rows (outputs, H) and its bias.

/// The list of all weights, taken from its front.
class NamWeights {
 public:
  NamWeights(const JsonAt& at, Index expected) : values_(at.vector(expected)) {}
  /// The next rows * cols numbers, row by row.
  Matrix<float> rows(Index rows, Index cols) {
    Matrix<float> m(rows, cols);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j) m(i, j) = values_(at_++, 0);
    return m;
  }

 private:
  Matrix<float> values_;
  Index at_ = 0;
};

/// Versions 0.5 to 0.7 hold an LSTM in the same way.
inline void check_nam_version(const JsonAt& version) {
  const std::string& text = version.string();
  const char* const end = text.data() + text.size();
  Index major = -1, minor = -1;
  const auto [dot, error] = std::from_chars(text.data(), end, major);
  if (error == std::errc() && dot != end && *dot == '.') std::from_chars(dot + 1, end, minor);
  if (major != 0 || minor < 5 || minor > 7) version.refuse("got ", quote(text), ", expected 0.5 to 0.7");
}

UNROLL_FUNCTION Network network_from_nam(const JsonAt& root) {
  check_architecture(root, "architecture", {"LSTM"});  // of a WaveNet everything else is other, too
  root.at("architecture").string();
  Network network;
  network.source = root.source();
  read_description(root, {"version", "architecture", "config", "weights", json_test_key}, network);
  check_nam_version(root.at("version"));
  const JsonAt config = root.at("config");
  config.only({"input_size", "hidden_size", "num_layers", "in_channels", "out_channels"});
  const Index D = config.at("input_size").size_value(), H = config.at("hidden_size").size_value();
  const Index layers = config.at("num_layers").size_value();
  const auto channels = config.find("in_channels"), out = config.find("out_channels");
  const Index outputs = out ? out->size_value() : 1;
  if (channels && channels->size_value() != D)
    channels->refuse("got ", channels->size_value(), ", expected the input_size, ", D);

  // In double, where no product of three sizes is too large.
  const auto inputs = static_cast<double>(D), units = static_cast<double>(H);
  const double expected = 4 * units * (inputs + units + 1) + 2 * units +
                          static_cast<double>(layers - 1) * (4 * units * (2 * units + 1) + 2 * units) +
                          static_cast<double>(outputs) * (units + 1);
  const JsonAt list = root.at("weights");
  if (static_cast<double>(list.size()) != expected)
    list.refuse("it has ", list.size(), " numbers, expected ", expected, " of ", layers, " layers, input size ", D,
                ", hidden size ", H, " and ", outputs, " outputs");
  NamWeights weights(list, static_cast<Index>(list.size()));
  for (Index k = 0; k < layers; ++k) {
    LayerData w{&layer_kind<LstmKind>};
    const Index before = k == 0 ? D : H;
    const Matrix<float> both = weights.rows(4 * H, before + H);
    w.tensors["weight_ih"] = both.leftCols(before);
    w.tensors["weight_hh"] = both.rightCols(H);
    w.tensors["bias_ih"] = weights.rows(4 * H, 1);
    w.tensors["initial_h"] = weights.rows(H, 1);
    w.tensors["initial_c"] = weights.rows(H, 1);
    network.layers.push_back(std::move(w));
  }
  LayerData head{&layer_kind<DenseKind>};
  head.tensors["weight"] = weights.rows(outputs, H);
  head.tensors["bias"] = weights.rows(outputs, 1);
  network.layers.push_back(std::move(head));
  read_test(root, network);
  return checked(std::move(network));
}

}  // namespace detail

UNROLL_FUNCTION Network read_nam(const std::filesystem::path& path) {
  return detail::read_json_network(path, detail::network_from_nam);
}

UNROLL_FUNCTION void save_nam(const std::filesystem::path& path, const Network& network) {
  using detail::Json;
  constexpr std::string_view who = "save_nam";
  const Network ready = detail::ready_to_write(network);
  const std::size_t last = ready.layers.size() - 1;
  require(last > 0, who, ": one layer alone, expected LSTM layers and a dense one");
  require(!ready.skip && ready.input_gain == 1 && ready.output_gain == 1, who,
          ": the network has a skip or gains, which this format cannot say");
  const Index H = detail::units_of(detail::layer_as<LstmKind>(ready, 0, who));
  Json weights = Json::array();
  const auto add = [&](const Matrix<float>& m) {
    for (Index i = 0; i < m.rows(); ++i)
      for (Index j = 0; j < m.cols(); ++j) weights.push_back(static_cast<double>(m(i, j)));
  };
  for (std::size_t k = 0; k < last; ++k) {
    const LayerData& w = detail::layer_as<LstmKind>(ready, k, who);
    require(detail::units_of(w) == H, who, ": layer ", k, " (lstm of ", detail::units_of(w),
            " units), expected lstm of ", H, " like the first");
    detail::require_plain(w, k, who, true);
    const Matrix<float>& W = w.tensor("weight_ih");
    Matrix<float> both(W.rows(), W.cols() + H);
    both.leftCols(W.cols()) = W;
    both.rightCols(H) = w.tensor("weight_hh");
    add(both);
    add(detail::summed_bias(w));
    add(detail::bias_or_zeros(w.tensor("initial_h"), H));
    add(detail::bias_or_zeros(w.tensor("initial_c"), H));
  }
  const LayerData& head = detail::layer_as<DenseKind>(ready, last, who);
  add(head.tensor("weight"));
  add(detail::bias_or_zeros(head.tensor("bias"), ready.outputs()));
  Json config{{"input_size", ready.inputs()}, {"hidden_size", H}, {"num_layers", last}};
  if (ready.inputs() != 1 || ready.outputs() != 1) {
    config["in_channels"] = ready.inputs();
    config["out_channels"] = ready.outputs();
  }
  Json root{{"version", "0.5.4"},     {"metadata", Json::object()},
            {"architecture", "LSTM"}, {"config", config},
            {"weights", weights},     {detail::json_test_key, detail::write_test(ready.test)}};
  detail::write_description(ready, who, root);
  if (ready.sample_rate) root["sample_rate"] = *ready.sample_rate;
  detail::write_json(path, root);
}

UNROLL_FUNCTION Network fold_skip(const Network& network) {
  validate(network);
  if (!network.skip) return network;
  constexpr std::string_view who = "fold_skip";
  require(network.layers.size() == 2, who, ": the network has ", network.layers.size(),
          " layers, expected an LSTM and a dense one");
  const LayerData& w = detail::layer_as<LstmKind>(network, 0, who);
  const LayerData& head = detail::layer_as<DenseKind>(network, 1, who);
  const Matrix<float>&W = w.tensor("weight_ih"), &U = w.tensor("weight_hh"), &W_head = head.tensor("weight");
  const Index H = U.cols(), more = W_head.rows(), wide = H + more;
  constexpr float tiny = 0x1p-9f, open = 30, shut = -30;
  Matrix<float> wider_input = Matrix<float>::Zero(4 * wide, W.cols()),
                wider_recurrent = Matrix<float>::Zero(4 * wide, wide), wider_bias = Matrix<float>::Zero(4 * wide, 1),
                wider_output = Matrix<float>::Zero(more, wide);
  const Matrix<float> bias = detail::summed_bias(w);
  for (Index g = 0; g < 4; ++g) {
    wider_input.middleRows(g * wide, H) = W.middleRows(g * H, H);
    wider_recurrent.block(g * wide, 0, H, H) = U.middleRows(g * H, H);
    wider_bias.middleRows(g * wide, H) = bias.middleRows(g * H, H);
    if (g != 2) wider_bias.middleRows(g * wide + H, more).setConstant(g == 1 ? shut : open);
  }
  for (Index k = 0; k < more; ++k) wider_input(2 * wide + H + k, k) = tiny;
  wider_output.leftCols(H) = W_head;
  for (Index k = 0; k < more; ++k) wider_output(k, H + k) = 1 / tiny;
  LayerData wider = w, wider_head = head;
  wider.tensors = {{"weight_ih", wider_input}, {"weight_hh", wider_recurrent}, {"bias_ih", wider_bias}};
  for (const char* name : {"initial_h", "initial_c"}) {
    Matrix<float> start = Matrix<float>::Zero(wide, 1);
    if (w.tensor(name).size() > 0) start.topRows(H) = w.tensor(name);
    wider.tensors[name] = std::move(start);
  }
  wider_head.tensors["weight"] = std::move(wider_output);
  Network folded = network;
  folded.layers = {std::move(wider), std::move(wider_head)};
  folded.skip = false;
  folded.test = {};
  return folded;
}

}  // namespace unroll::inline UNROLL_ABI
