#include <unroll/cell/lstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_POINTWISE_INSTANCES(template, Lstm)
}  // namespace unroll::inline UNROLL_ABI
