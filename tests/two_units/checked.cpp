// The same with assertions.
#define UNIT checked
#define UNIT_HEADER <unroll/layer/recurrent.hpp>
#include "run_unit.hpp"
