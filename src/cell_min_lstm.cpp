#include <unroll/cell/min_lstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, MinLstm)
}  // namespace unroll::inline UNROLL_ABI
