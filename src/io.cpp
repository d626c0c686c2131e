#include <unroll/io/checkpoint.ipp>
#include <unroll/io/file_kind.ipp>
#include <unroll/io/model_file.ipp>
#include <unroll/io/network.ipp>
#include <unroll/io/network_layers.ipp>
#include <unroll/io/parameters_file.ipp>
#include <unroll/io/safetensors.ipp>
#include <unroll/io/safetensors_writer.ipp>
#include <unroll/io/state_dict.ipp>
#include <unroll/io/stored_parameters.ipp>
#include <unroll/io/test_input.ipp>
#include <unroll/io/test_vector.ipp>

namespace unroll::inline UNROLL_ABI {
UNROLL_SAFETENSORS_INSTANCES(template, float)
UNROLL_SAFETENSORS_INSTANCES(template, double)
UNROLL_SAFETENSORS_INSTANCES(template, std::int32_t)
UNROLL_SAFETENSORS_INSTANCES(template, std::int64_t)
}  // namespace unroll::inline UNROLL_ABI
