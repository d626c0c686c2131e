// The same with plain kernels.
#define UNROLL_PLAIN_KERNELS
#undef UNROLL_LEAST_LEVEL  // the levels of the other units
#undef UNROLL_BEST_LEVEL
#define UNIT plain
#define UNIT_WITH_FEW_HEADERS
#include "run_unit.hpp"
