#include <unroll/cell/projected_lstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Stagewise, ProjectedLstm)
}  // namespace unroll::inline UNROLL_ABI
