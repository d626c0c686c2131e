#include <unroll/cell/minimal_gated_unit.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Stagewise, MinimalGatedUnit)
}  // namespace unroll::inline UNROLL_ABI
