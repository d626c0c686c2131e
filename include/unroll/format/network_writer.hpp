// Writing networks as safetensors.
#pragma once

#include <filesystem>

#include <unroll/network/network.hpp>

namespace unroll::inline UNROLL_ABI {

/// Writes any network as a safetensors file that `load_network` and, with the model's types, `load_model` read, and
/// PyTorch's load_state_dict: tensors are called as those of a Sequential of the layers. The test vector is cut to 32
/// steps. Throws std::invalid_argument for a network that is not sound, FormatError where it cannot be written.
UNROLL_API void save_network(const std::filesystem::path& path, const Network& network);

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/format/network_writer.ipp>
#endif
