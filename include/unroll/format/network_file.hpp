// Networks in safetensors: PyTorch's names and layouts, and what the network is in the metadata. The Python tools write
// the same from Keras and ONNX, `save` from a model.
#pragma once

#include <unroll/file/safetensors.hpp>
#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

// The metadata "unroll.network" is JSON: {"layers": [{"type": "lstm", "weight_ih": "0.weight_ih_l0", ...,
// "reverse": true, "final_state": true}, {"type": "bidirectional", "ahead": {...}, "back": {...}, "merge": "concat"},
// {"type": "dense", "weight": "1.weight", "bias": "1.bias"}, {"type": "elu", "alpha": 1}, {"type": "prelu", "slope":
// "3.weight"}, {"type": "embedding", "weight": "0.weight"}], "skip": true, "input_gain": 1, "output_gain": 1,
// "sample_rate": 48000, "loudness": -20, "metadata": {...}}. Every tensor is named where it is used.

namespace detail {
/// Without its test vector: for who makes a model of it, which runs that.
UNROLL_API Network untested_network(const SafeTensors& file, KindTable kinds);
}  // namespace detail

/// The network of a safetensors file that says what it holds (metadata "unroll.network"): written by `save_network`,
/// `save`, or the Python tools; of layers of these kinds. Every tensor is used once. Throws FormatError.
UNROLL_API Network network_from_safetensors(const SafeTensors& file, KindTable kinds = library_kinds());

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/format/network_file.ipp>
#endif
