#include <unroll/cell/cell_kind.ipp>
#include <unroll/cell/weight_drop.ipp>
#include <unroll/layer/additive_memory.ipp>
#include <unroll/layer/bidirectional.ipp>
#include <unroll/layer/dense.ipp>
#include <unroll/layer/embedding.ipp>
#include <unroll/layer/fused_attention.ipp>
#include <unroll/layer/recurrent/loop.hpp>
#include <unroll/layer/softmax.ipp>
#include <unroll/layer/tape.ipp>
#include <unroll/layer/window_scale.ipp>

namespace unroll::inline UNROLL_ABI {
UNROLL_RECURRENT_INSTANCES(template, float, 1)
UNROLL_RECURRENT_INSTANCES(template, float, 2)
UNROLL_RECURRENT_INSTANCES(template, float, 3)
UNROLL_RECURRENT_INSTANCES(template, double, 1)
UNROLL_RECURRENT_INSTANCES(template, double, 2)
UNROLL_RECURRENT_INSTANCES(template, double, 3)
UNROLL_WEIGHT_DROP_INSTANCES(template, float)
UNROLL_WEIGHT_DROP_INSTANCES(template, double)
namespace detail {
UNROLL_ADDITIVE_MEMORY_INSTANCES(template, float)
UNROLL_ADDITIVE_MEMORY_INSTANCES(template, double)
UNROLL_FUSED_ATTENTION_INSTANCES(template, float)
UNROLL_FUSED_ATTENTION_INSTANCES(template, double)
UNROLL_WINDOW_SCALE_INSTANCES(template, float)
UNROLL_WINDOW_SCALE_INSTANCES(template, double)
}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
