#include <unroll/cell/gru_reset_before.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_STAGEWISE_INSTANCES(template, GruResetBefore)
}  // namespace unroll::inline UNROLL_ABI
