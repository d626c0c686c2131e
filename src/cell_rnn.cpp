#include <unroll/cell/rnn.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, Rnn)
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, ReluRnn)
}  // namespace unroll::inline UNROLL_ABI
