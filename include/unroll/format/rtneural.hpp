// RTNeural's JSON, as its Python exporters and those of AIDA-X write it.
#pragma once

#include <filesystem>

#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

/// The network of a file of RTNeural or AIDA-X: lstm, gru, dense, activations, PReLU. `in_skip`, the gains, the test
/// vector, the sample rate and the metadata of AIDA-X are read, the test vector run; a word or a number beside the
/// layers is metadata, too. Throws FormatError with the layer, what was got and expected; a convolution or a batch
/// normalization is not a recurrent layer.
UNROLL_API Network read_rtneural(const std::filesystem::path& path);

/// Writes a network of LSTM and GRU layers (reset after the product), dense layers and activations, with AIDA-X's
/// additions where there is something to say (loudness and sample rate are in `metadata`), and a test vector. A missing
/// bias is written as zeros, the two biases of an LSTM as their sum. Throws std::invalid_argument for what the format
/// cannot hold.
UNROLL_API void save_rtneural(const std::filesystem::path& path, const Network& network);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/format/rtneural.ipp>
#endif
