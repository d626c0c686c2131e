#include <unroll/cell/lru.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Stagewise, Lru)
}  // namespace unroll::inline UNROLL_ABI
