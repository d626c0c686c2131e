#include <unroll/cell/coupled_gate_lstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Pointwise, CoupledGateLstm)
}  // namespace unroll::inline UNROLL_ABI
