// Neural Amp Modeler's .nam, architecture LSTM.
#pragma once

#include <filesystem>

#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

/// The network of a .nam file: LSTM layers of one size with the states they start from, and a dense layer; sample rate,
/// loudness and metadata. Throws FormatError with the place, what was got and expected; for WaveNet and the like, that
/// it is not a recurrent layer.
UNROLL_API Network read_nam(const std::filesystem::path& path);

/// Writes LSTM layers of one size and a dense layer, sample rate, loudness and metadata. Biases are summed, initial
/// states that are absent are zeros. A test vector goes into a member of its own, which other readers leave alone.
/// Throws std::invalid_argument for what the format cannot hold: other layers, gains, a skip (see `fold_skip`).
UNROLL_API void save_nam(const std::filesystem::path& path, const Network& network);

/// The same network without a skip, for a format that has none, where the first layer is an LSTM and one dense layer
/// follows: a unit per output carries the input. Its gates are open and its tanh is kept where it is straight, so the
/// output is off by 2.6e-6 of x^3 at most, and by rounding. Throws std::invalid_argument for other networks.
UNROLL_API Network fold_skip(const Network& network);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/format/nam.ipp>
#endif
