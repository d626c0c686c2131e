#include <unroll/cell/lstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, Lstm)
}  // namespace unroll::inline UNROLL_ABI
