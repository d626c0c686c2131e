#include <unroll/core/context.ipp>
#include <unroll/core/error.ipp>
#include <unroll/core/initialize.ipp>
#include <unroll/core/matrix.ipp>
#include <unroll/core/memory_limit.ipp>
#include <unroll/core/packing.ipp>
#include <unroll/core/parallel.ipp>
#include <unroll/core/parameter.ipp>
#include <unroll/core/parameters.ipp>
#include <unroll/core/random.ipp>
#include <unroll/core/range.ipp>
#include <unroll/core/size.ipp>
#include <unroll/core/utf8.ipp>
#include <unroll/kind/by_the_book.ipp>
#include <unroll/kind/description.ipp>
#include <unroll/kind/layer_data.ipp>
#include <unroll/kind/layer_kind.ipp>

namespace unroll::inline UNROLL_ABI {

UNROLL_INITIALIZE_INSTANCES(template)
UNROLL_DROPOUT_MASK_INSTANCES(template)
UNROLL_SET_ZERO_INSTANCES(template)
UNROLL_TABLE_INSTANCES(template)

namespace detail {
template void raise<std::invalid_argument>(std::initializer_list<Part>);
template void raise<FormatError>(std::initializer_list<Part>);
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
