#include <unroll/file/file_kind.ipp>
#include <unroll/file/read_file.ipp>
#include <unroll/file/replace_file.ipp>
#include <unroll/file/safetensors.ipp>
#include <unroll/file/safetensors_writer.ipp>

namespace unroll::inline UNROLL_ABI {
UNROLL_SAFETENSORS_INSTANCES(template, float)
UNROLL_SAFETENSORS_INSTANCES(template, double)
UNROLL_SAFETENSORS_INSTANCES(template, std::int32_t)
UNROLL_SAFETENSORS_INSTANCES(template, std::int64_t)
}  // namespace unroll::inline UNROLL_ABI
