#include <unroll/cell/rnn.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_POINTWISE_INSTANCES(template, Rnn)
UNROLL_POINTWISE_INSTANCES(template, ReluRnn)
}  // namespace unroll::inline UNROLL_ABI
