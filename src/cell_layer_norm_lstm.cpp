#include <unroll/cell/layer_norm_lstm.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Stagewise, LayerNormLstm)
}  // namespace unroll::inline UNROLL_ABI
