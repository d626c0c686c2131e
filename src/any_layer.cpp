#include <unroll/layer/any_sequential.hpp>
#include <unroll/network/model_of.ipp>
#include <unroll/network/trained_kinds.ipp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_ANY_CHAIN_INSTANCES(template, float)
UNROLL_ANY_CHAIN_INSTANCES(template, double)
UNROLL_MAKE_LAYER_INSTANCES(template, float)
UNROLL_MAKE_LAYER_INSTANCES(template, double)
template std::vector<AnyLayer<float>> make_layers(const Network&, MakeFormed<float>);
template std::vector<AnyLayer<double>> make_layers(const Network&, MakeFormed<double>);

}  // namespace unroll::inline UNROLL_ABI::detail
