// The same, compiled with -ffast-math.
#define UNIT fast_math
#define UNIT_HEADER <unroll/layer/recurrent.hpp>
#include "run_unit.hpp"
