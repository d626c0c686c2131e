// The same, compiled with -march=native: another size of vectors, another alignment, another inline namespace.
#define UNIT native
#include "run_unit.hpp"
