#include <unroll/kernel/elementwise.hpp>
#include <unroll/kernel/level.ipp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/kernel/product.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_ELEMENTWISE_INSTANCES(template, float)
UNROLL_ELEMENTWISE_INSTANCES(template, double)
namespace detail {
UNROLL_PRODUCT_INSTANCES(template)
UNROLL_MATMUL_INSTANCES(template, float)
UNROLL_MATMUL_INSTANCES(template, double)
}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
