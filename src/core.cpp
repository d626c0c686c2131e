#include <unroll/core/context.ipp>
#include <unroll/core/error.ipp>
#include <unroll/core/parameter.ipp>
#include <unroll/core/parameters.ipp>
#include <unroll/core/random.ipp>

namespace unroll::inline UNROLL_ABI {

UNROLL_DROPOUT_MASK_INSTANCES(template)
UNROLL_SET_ZERO_INSTANCES(template)
UNROLL_TABLE_INSTANCES(template)

}  // namespace unroll::inline UNROLL_ABI
