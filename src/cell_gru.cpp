#include <unroll/cell/gru.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_POINTWISE_INSTANCES(template, Gru)
}  // namespace unroll::inline UNROLL_ABI
