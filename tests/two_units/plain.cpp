// The same with plain kernels.
#define UNROLL_PLAIN_KERNELS
#define UNIT plain
#define UNIT_WITH_FEW_HEADERS
#include "run_unit.hpp"
