#include <unroll/optim/adam.ipp>
#include <unroll/optim/clip.hpp>
#include <unroll/optim/optimizer_state.ipp>
#include <unroll/optim/rms_prop.ipp>
#include <unroll/optim/rule.ipp>
#include <unroll/optim/runs.ipp>
#include <unroll/optim/schedule.ipp>
#include <unroll/optim/sgd.ipp>

namespace unroll::inline UNROLL_ABI {

UNROLL_ADAM_INSTANCES(template)
UNROLL_CLIP_MODEL_INSTANCES(template, float)
UNROLL_CLIP_MODEL_INSTANCES(template, double)
UNROLL_RMS_PROP_INSTANCES(template)
UNROLL_SGD_INSTANCES(template)

namespace detail {
UNROLL_CLIP_INSTANCES(template, float)
UNROLL_CLIP_INSTANCES(template, double)
UNROLL_OPTIMIZER_STATE_INSTANCES(template, float)
UNROLL_OPTIMIZER_STATE_INSTANCES(template, double)
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
