// The same with assertions.
#define UNIT checked
#define UNIT_WITH_FEW_HEADERS
#include "run_unit.hpp"
