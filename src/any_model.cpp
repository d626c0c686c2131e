#include <unroll/train/load_any.ipp>
