#include <unroll/cell/layer_norm_gru.hpp>

namespace unroll::inline UNROLL_ABI {
UNROLL_EQUATIONS_INSTANCES(template, Stagewise, LayerNormGru)
}  // namespace unroll::inline UNROLL_ABI
