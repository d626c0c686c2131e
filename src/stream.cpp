#include <unroll/stream/any_model.ipp>
#include <unroll/stream/graph_functions.ipp>
