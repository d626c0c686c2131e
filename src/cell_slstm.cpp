#include <unroll/cell/slstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, SLstm)
}  // namespace unroll::inline UNROLL_ABI
