#include <unroll/cell/min_gru.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, MinGru)
}  // namespace unroll::inline UNROLL_ABI
