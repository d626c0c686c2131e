#include <unroll/layer/any_sequential.hpp>
#include <unroll/network/model_of.ipp>
#include <unroll/network/trained_kinds.ipp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_ANY_CHAIN_INSTANCES(template, float)
UNROLL_ANY_CHAIN_INSTANCES(template, double)
UNROLL_MAKE_LAYERS_INSTANCES(template, float)
UNROLL_MAKE_LAYERS_INSTANCES(template, double)
// Each takes long, so the kinds in double are in a unit of their own.
UNROLL_MAKE_LAYER_INSTANCES(template, float)

}  // namespace unroll::inline UNROLL_ABI::detail
