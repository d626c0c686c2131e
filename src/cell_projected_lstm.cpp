#include <unroll/cell/projected_lstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_STAGEWISE_INSTANCES(template, ProjectedLstm)
}  // namespace unroll::inline UNROLL_ABI
