// The JSON of Automated-GuitarAmpModelling, which GuitarML's plug-ins load.
#pragma once

#include <filesystem>

#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

/// The network of a file of Automated-GuitarAmpModelling: LSTM, GRU or RNN layers of one size, a dense layer, and the
/// skip; sample rate, loudness and metadata. Throws FormatError with the tensor, what was got and expected; for another
/// model or unit, that it is not a recurrent layer.
UNROLL_API Network read_guitarml(const std::filesystem::path& path);

/// Writes recurrent layers of one kind and size and a dense layer behind them; missing biases as zeros. The sample rate
/// goes into `model_data`, metadata and loudness beside it, a test vector into a member of its own, which other readers
/// leave alone. Throws std::invalid_argument for what the format cannot hold: other layers, gains, initial states.
UNROLL_API void save_guitarml(const std::filesystem::path& path, const Network& network);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/format/guitarml.ipp>
#endif
