// What including everything costs by itself.
#include <unroll/unroll.hpp>
