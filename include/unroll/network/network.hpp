// A network as files hold it: every reader makes one, every writer takes one, `assign` moves one into a model.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/kind/layer_kind.hpp>

namespace unroll::inline UNROLL_ABI {

using NetworkLayer = LayerData;

/// <unroll/network/library_kinds.hpp>
struct LibraryKinds;
UNROLL_API KindTable library_kinds();

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

  /// Its first layer is a table of vectors, one for each token id.
  bool takes_tokens() const {
    return !layers.empty() && layers.front().kind != nullptr && describe_layer(layers.front()).takes_tokens;
  }
  /// Values a step takes (1, the id, for tokens) and gives. Of a network that `validate` accepts.
  UNROLL_API Index inputs() const;
  UNROLL_API Index outputs() const;
  /// One vector for the whole sequence.
  UNROLL_API bool has_final_state() const;
};

namespace detail {

/// What the numbers around the layers may be: factors up to 120 dB, Hz, dB. Beyond them a float has no room for what
/// comes out.
inline constexpr double max_gain = 1e6, min_sample_rate = 1, max_sample_rate = 1e7, max_loudness = 200;
inline constexpr auto max_weight = static_cast<double>((std::numeric_limits<float>::max)());

/// Calls `refuse`, which throws, with the sentence for the first thing that does not fit.
UNROLL_API void check_network(const Network& network, void (*refuse)(const std::string& message));
/// Of a layer that has a kind, by itself; `before` is how many values come in.
UNROLL_API Description check_layer(const LayerData& layer, Index before, std::string_view where,
                                   void (*refuse)(const std::string& message));
template <class Error> [[noreturn]] void refuse_with(const std::string& message) { fail<Error>(message); }

}  // namespace detail

/// Throws Error, naming the layer and the matrix, for the first shape that does not fit or number that is not finite.
/// Readers call it with FormatError before they return, writers before they write.
template <class Error = std::invalid_argument> void validate(const Network& network) {
  detail::check_network(network, &detail::refuse_with<Error>);
}

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/network/network.ipp>
#endif
