#include <unroll/network/trained_kinds.hpp>

namespace unroll::inline UNROLL_ABI::detail {
UNROLL_MAKE_LAYER_INSTANCES(template, double)
}  // namespace unroll::inline UNROLL_ABI::detail
