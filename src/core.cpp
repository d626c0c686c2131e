#include <unroll/core/error.ipp>
