#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/loss.ipp>
#include <unroll/loss/mean_squared_error.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_BINARY_CROSS_ENTROPY_INSTANCES(template, float)
UNROLL_BINARY_CROSS_ENTROPY_INSTANCES(template, double)
UNROLL_CROSS_ENTROPY_INSTANCES(template, float)
UNROLL_CROSS_ENTROPY_INSTANCES(template, double)
UNROLL_MEAN_SQUARED_ERROR_INSTANCES(template, float)
UNROLL_MEAN_SQUARED_ERROR_INSTANCES(template, double)

}  // namespace unroll::inline UNROLL_ABI
