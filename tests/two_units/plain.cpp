// The same with plain kernels.
#define UNROLL_PLAIN_KERNELS
#define UNIT plain
#define UNIT_HEADER <unroll/layer/recurrent.hpp>
#include "run_unit.hpp"
