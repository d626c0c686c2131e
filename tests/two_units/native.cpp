// The same, compiled with -march=native: another size of vectors, another alignment, another inline namespace.
#define UNIT native
#define UNIT_WITH_FEW_HEADERS
#include "run_unit.hpp"
