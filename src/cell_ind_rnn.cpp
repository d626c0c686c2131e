#include <unroll/cell/ind_rnn.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, IndRnn)
}  // namespace unroll::inline UNROLL_ABI
