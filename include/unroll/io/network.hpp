// A network as files hold it: every reader makes one, every writer takes one, `assign` moves one into a model.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <unroll/core/matrix.hpp>
#include <unroll/io/dtype.hpp>
#include <unroll/layer/bidirectional.hpp>

namespace unroll::inline UNROLL_ABI {

enum class CellKind : std::uint8_t { rnn_tanh, rnn_relu, lstm, gru, gru_reset_before };
enum class ActivationKind : std::uint8_t { tanh, relu, sigmoid, softmax, elu, prelu };

namespace detail {
/// "" for what is none of them.
template <std::size_t N> constexpr std::string_view name_at(const std::string_view (&names)[N], std::size_t k) {
  return k < N ? names[k] : std::string_view();
}
}  // namespace detail

constexpr std::string_view name_of(CellKind cell) {
  constexpr std::string_view names[] = {"rnn_tanh", "rnn_relu", "lstm", "gru", "gru_reset_before"};
  return detail::name_at(names, static_cast<std::size_t>(cell));
}
constexpr std::string_view name_of(ActivationKind function) {
  constexpr std::string_view names[] = {"tanh", "relu", "sigmoid", "softmax", "elu", "prelu"};
  return detail::name_at(names, static_cast<std::size_t>(function));
}
/// G, the blocks of H rows in W and U.
constexpr Index gates_of(CellKind cell) {
  return cell == CellKind::lstm ? 4 : cell == CellKind::gru || cell == CellKind::gru_reset_before ? 3 : 1;
}

/// The weights of one recurrent layer in the library's layout and order of gates: LSTM i f g o, GRU r z n.
struct RecurrentLayer {
  CellKind cell = CellKind::lstm;
  Matrix<float> weight_ih{};  ///< W (G H, D)
  Matrix<float> weight_hh{};  ///< U (G H, H)
  Matrix<float> bias_ih{};    ///< b (G H, 1) or absent
  Matrix<float> bias_hh{};    ///< b_h (G H, 1) or absent, which is zeros; never without b
  Matrix<float> initial_h{};  ///< (H, 1) or absent, which is zeros: the state before the first step
  Matrix<float> initial_c{};  ///< of an LSTM, likewise
  bool reverse = false;       ///< from the last step to the first
  bool final_state = false;  ///< gives one vector, its final h, not one per step: only Dense and activations may follow

  Index inputs() const { return weight_ih.cols(); }
  Index units() const { return weight_hh.cols(); }
};
/// `back` runs from the last step to the first. `reverse` and `final_state` of the two parts are not used.
struct BidirectionalLayer {
  RecurrentLayer ahead{}, back{};
  Merge merge = Merge::concat;
  bool final_state = false;
};
struct DenseLayer {
  Matrix<float> weight{};  ///< (outputs, inputs)
  Matrix<float> bias{};    ///< (outputs, 1) or absent
};
/// The same number of values in and out. ELU is x > 0 ? x : alpha (e^x - 1), PReLU x > 0 ? x : slope_i x; softmax is
/// over the values of one step.
struct ActivationLayer {
  ActivationKind function = ActivationKind::tanh;
  float alpha = 1;        ///< of ELU
  Matrix<float> slope{};  ///< of PReLU, (n, 1)
};
/// Token ids in, vectors out; only as the first layer.
struct EmbeddingLayer {
  Matrix<float> weight{};  ///< (D, V)
};
using NetworkLayer = std::variant<RecurrentLayer, BidirectionalLayer, DenseLayer, ActivationLayer, EmbeddingLayer>;

/// An input and what the network gives for it from its initial state, with the skip and without the gains, as the
/// writer of the file found it. Absent: both of size 0.
struct NetworkTest {
  std::vector<std::int32_t> tokens;  ///< the input of a network that begins with an embedding
  Matrix<float> input;               ///< (inputs, steps), of any other
  Matrix<float> output;              ///< (outputs, steps), or (outputs, 1) of a network with a final state

  bool empty() const { return output.size() == 0; }
};

/// Layers in their order, and what is around them: y = output_gain * (f(x') + x'), x' = input_gain * x, where the "+
/// x'" is `skip`: value i of the input is added to value i of the output.
struct Network {
  std::vector<NetworkLayer> layers;
  bool skip = false;
  double input_gain = 1, output_gain = 1;  ///< factors, from -1e6 to 1e6
  std::optional<double> sample_rate;       ///< Hz, from 1 to 1e7
  std::optional<double> loudness;          ///< dB, from -200 to 200
  std::map<std::string, std::string> metadata;
  NetworkTest test;
  std::string source;  ///< the file's name, for messages

  bool takes_tokens() const { return !layers.empty() && std::holds_alternative<EmbeddingLayer>(layers.front()); }
  /// Values a step takes (1, the id, for tokens) and gives. Of a network that `validate` accepts.
  Index inputs() const;
  Index outputs() const;
  /// One vector for the whole sequence.
  bool has_final_state() const;
};

/// "lstm", "bidirectional gru", "dense", "tanh", "embedding"
inline std::string kind_name(const NetworkLayer& layer) {
  if (const auto* recurrent = std::get_if<RecurrentLayer>(&layer)) return std::string(name_of(recurrent->cell));
  if (const auto* both = std::get_if<BidirectionalLayer>(&layer))
    return concat("bidirectional ", name_of(both->ahead.cell));
  if (const auto* activation = std::get_if<ActivationLayer>(&layer)) return std::string(name_of(activation->function));
  return std::holds_alternative<DenseLayer>(layer) ? "dense" : "embedding";
}

namespace detail {

/// What the numbers around the layers may be: factors up to 120 dB, Hz, dB. Beyond them a float has no room for what
/// comes out.
inline constexpr double max_gain = 1e6, min_sample_rate = 1, max_sample_rate = 1e7, max_loudness = 200;
inline constexpr auto max_weight = static_cast<double>((std::numeric_limits<float>::max)());

/// Walks a network from layer to layer with the number of values between them; throws Error at the first that does not
/// fit.
template <class Error> class NetworkCheck {
 public:
  NetworkCheck(const Network& network, std::string_view where) : where_(where) {
    check(!network.layers.empty(), "a network without layers");
    for (const NetworkLayer& layer : network.layers) {
      at_ = concat(": layer ", number_, " (", kind_name(layer), ")");
      std::visit([this](const auto& weights) { this->layer_of(weights); }, layer);
      ++number_;
    }
    at_.clear();
    range("input_gain", network.input_gain, -max_gain, max_gain);
    range("output_gain", network.output_gain, -max_gain, max_gain);
    if (network.sample_rate) range("sample_rate", *network.sample_rate, min_sample_rate, max_sample_rate);
    if (network.loudness) range("loudness", *network.loudness, -max_loudness, max_loudness);
    if (network.skip)
      check(!network.takes_tokens() && !ended_ && values_ <= inputs_, "skip adds ", inputs_, " inputs to ", values_,
            " outputs of ", ended_ ? "the whole sequence" : "every step", ", expected no more outputs than inputs");
    test_of(network);
  }
  Index inputs() const { return inputs_; }
  Index outputs() const { return values_; }
  bool ended() const { return ended_; }

 private:
  template <class... Parts> void check(bool holds, const Parts&... parts) const {
    require<Error>(holds, where_, at_, ": ", parts...);
  }
  void range(std::string_view name, double value, double low, double high) const {
    check(has_finite_bits(value) && value >= low && value <= high, name, " is ", value, ", expected ", low, " to ",
          high);
  }
  /// A matrix of this shape, all of it finite.
  void shape(std::string_view name, const Matrix<float>& m, Index rows, Index cols) const {
    check(m.rows() == rows && m.cols() == cols, name, " is ", m.rows(), " x ", m.cols(), ", expected ", rows, " x ",
          cols);
    for (Index k = 0; k < m.size(); ++k)
      check(has_finite_bits(m.data()[k]), "element ", k, " of ", name, " is not a finite number");
  }
  void shape_or_absent(std::string_view name, const Matrix<float>& m, Index rows) const {
    if (m.size() > 0) shape(name, m, rows, 1);
  }
  void takes(Index inputs) {
    check(inputs > 0, "it has no inputs");
    if (number_ == 0) inputs_ = inputs;
    check(number_ == 0 || inputs == values_, "it takes ", inputs, " values, the layer before gives ", values_);
  }

  void recurrent(const RecurrentLayer& w, std::string_view suffix) const {
    check(!name_of(w.cell).empty(), "cell is ", static_cast<int>(w.cell), ", which is none of CellKind");
    const Index H = w.units(), rows = gates_of(w.cell) * H;
    check(H > 0, "it has no units");
    shape(concat("weight_ih", suffix), w.weight_ih, rows, w.inputs());
    shape(concat("weight_hh", suffix), w.weight_hh, rows, H);
    shape_or_absent(concat("bias_ih", suffix), w.bias_ih, rows);
    shape_or_absent(concat("bias_hh", suffix), w.bias_hh, rows);
    check(w.bias_hh.size() == 0 || w.bias_ih.size() > 0, "it has a bias_hh", suffix, " without a bias_ih", suffix);
    shape_or_absent(concat("initial_h", suffix), w.initial_h, H);
    shape_or_absent(concat("initial_c", suffix), w.initial_c, H);
    check(w.cell == CellKind::lstm || w.initial_c.size() == 0, "only an lstm has an initial_c", suffix);
  }
  void layer_of(const RecurrentLayer& w) {
    check(!ended_, "nothing recurrent can follow a final state");
    takes(w.inputs());
    recurrent(w, "");
    values_ = w.units();
    ended_ = w.final_state;
  }
  void layer_of(const BidirectionalLayer& w) {
    check(!ended_, "nothing recurrent can follow a final state");
    takes(w.ahead.inputs());
    recurrent(w.ahead, "");
    recurrent(w.back, "_reverse");
    check(w.ahead.cell == w.back.cell && w.ahead.inputs() == w.back.inputs() && w.ahead.units() == w.back.units(),
          "its directions differ: ", name_of(w.ahead.cell), " ", w.ahead.inputs(), " -> ", w.ahead.units(), " and ",
          name_of(w.back.cell), " ", w.back.inputs(), " -> ", w.back.units());
    check(w.merge >= Merge::concat && w.merge <= Merge::product, "merge is ", static_cast<int>(w.merge),
          ", which is none of Merge");
    values_ = w.ahead.units() * (w.merge == Merge::concat ? 2 : 1);
    ended_ = w.final_state;
  }
  void layer_of(const DenseLayer& w) {
    takes(w.weight.cols());
    check(w.weight.rows() > 0, "it has no outputs");
    shape("weight", w.weight, w.weight.rows(), w.weight.cols());
    shape_or_absent("bias", w.bias, w.weight.rows());
    values_ = w.weight.rows();
  }
  void layer_of(const ActivationLayer& w) {
    check(number_ > 0, "a network cannot begin with an activation: nothing says how many values it takes");
    check(!name_of(w.function).empty(), "function is ", static_cast<int>(w.function),
          ", which is none of ActivationKind");
    check(has_finite_bits(w.alpha), "alpha is not a finite number");
    const bool slopes = w.function == ActivationKind::prelu;
    shape("slope", w.slope, slopes ? values_ : 0, slopes ? 1 : 0);
  }
  void layer_of(const EmbeddingLayer& w) {
    check(number_ == 0, "an embedding is not the first layer");
    check(w.weight.size() > 0, "weight is ", w.weight.rows(), " x ", w.weight.cols());
    shape("weight", w.weight, w.weight.rows(), w.weight.cols());
    inputs_ = 1;
    values_ = w.weight.rows();
  }

  void test_of(const Network& network) const {
    const NetworkTest& test = network.test;
    const Index steps = network.takes_tokens() ? static_cast<Index>(test.tokens.size()) : test.input.cols();
    if (test.empty()) return check(test.tokens.empty() && test.input.size() == 0, "the test vector has no output");
    shape("the test vector's input", test.input, network.takes_tokens() ? 0 : inputs_,
          network.takes_tokens() ? 0 : steps);
    shape("the test vector's output", test.output, values_, ended_ ? 1 : steps);
    if (!network.takes_tokens()) return check(test.tokens.empty(), "the test vector is token ids, expected values");
    const Index V = std::get<EmbeddingLayer>(network.layers.front()).weight.cols();
    for (const std::int32_t id : test.tokens)
      check(id >= 0 && id < V, "the test vector has id ", id, ", expected 0 to ", V - 1);
  }

  std::string where_, at_;
  Index number_ = 0, inputs_ = 0, values_ = 0;
  bool ended_ = false;
};

}  // namespace detail

/// Throws Error, naming the layer and the matrix, for the first shape that does not fit or number that is not finite.
/// Readers call it with FormatError before they return, writers before they write.
template <class Error = std::invalid_argument> void validate(const Network& network) {
  detail::NetworkCheck<Error>(network, network.source.empty() ? "network" : network.source);
}

inline Index Network::inputs() const { return detail::NetworkCheck<std::invalid_argument>(*this, source).inputs(); }
inline Index Network::outputs() const { return detail::NetworkCheck<std::invalid_argument>(*this, source).outputs(); }
inline bool Network::has_final_state() const {
  return detail::NetworkCheck<std::invalid_argument>(*this, source).ended();
}

}  // namespace unroll::inline UNROLL_ABI
