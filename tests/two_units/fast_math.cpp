// The same, compiled with -ffast-math.
#define UNIT fast_math
#define UNIT_WITH_FEW_HEADERS
#include "run_unit.hpp"
