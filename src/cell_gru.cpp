#include <unroll/cell/gru.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, Gru)
}  // namespace unroll::inline UNROLL_ABI
