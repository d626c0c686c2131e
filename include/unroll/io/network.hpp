// A network as files hold it: every reader makes one, every writer takes one, `assign` moves one into a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/layer/merge.hpp>

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
/// `reverse` runs from the last step to the first. Their own `reverse` and `final_state` are not used.
struct BidirectionalLayer {
  RecurrentLayer forward{}, reverse{};
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
  /// What describes the model and is not computed with, as JSON texts, words as they are: the members of a file's
  /// object `metadata` by their names, those at the top of the file by '/' and their name, "/notes". Readers keep all,
  /// writers put them back where they stood or refuse a name that means something else in their format.
  std::map<std::string, std::string> metadata;
  NetworkTest test;
  std::string source;  ///< the file's name, for messages

  bool takes_tokens() const { return !layers.empty() && std::holds_alternative<EmbeddingLayer>(layers.front()); }
  /// Values a step takes (1, the id, for tokens) and gives. Of a network that `validate` accepts.
  UNROLL_API Index inputs() const;
  UNROLL_API Index outputs() const;
  /// One vector for the whole sequence.
  UNROLL_API bool has_final_state() const;
};

/// "lstm", "bidirectional gru", "dense", "tanh", "embedding"
UNROLL_API std::string kind_name(const NetworkLayer& layer);

namespace detail {

/// What the numbers around the layers may be: factors up to 120 dB, Hz, dB. Beyond them a float has no room for what
/// comes out.
inline constexpr double max_gain = 1e6, min_sample_rate = 1, max_sample_rate = 1e7, max_loudness = 200;
inline constexpr auto max_weight = static_cast<double>((std::numeric_limits<float>::max)());

/// Calls `refuse`, which throws, with the sentence for the first thing that does not fit.
UNROLL_API void check_network(const Network& network, void (*refuse)(const std::string& message));
template <class Error> [[noreturn]] void refuse_with(const std::string& message) { fail<Error>(message); }

}  // namespace detail

/// Throws Error, naming the layer and the matrix, for the first shape that does not fit or number that is not finite.
/// Readers call it with FormatError before they return, writers before they write.
template <class Error = std::invalid_argument> void validate(const Network& network) {
  detail::check_network(network, &detail::refuse_with<Error>);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/io/network.ipp>
#endif
