#include <unroll/stream/dynamic_kinds.ipp>
