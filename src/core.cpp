#include <unroll/core/error.ipp>
#include <unroll/core/initialize.ipp>
#include <unroll/core/matrix.ipp>
#include <unroll/core/memory_limit.ipp>
#include <unroll/core/packing.ipp>
#include <unroll/core/range.ipp>
#include <unroll/core/size.ipp>

namespace unroll::inline UNROLL_ABI {
UNROLL_INITIALIZE_INSTANCES(template)
}  // namespace unroll::inline UNROLL_ABI
