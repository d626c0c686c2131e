#include <unroll/cell/gru_reset_before.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Stagewise, GruResetBefore)
}  // namespace unroll::inline UNROLL_ABI
