#include <unroll/stream/any_model.ipp>
