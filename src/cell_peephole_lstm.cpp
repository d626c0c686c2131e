#include <unroll/cell/peephole_lstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, PeepholeLstm)
}  // namespace unroll::inline UNROLL_ABI
