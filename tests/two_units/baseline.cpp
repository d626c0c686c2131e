#define UNIT baseline
#include "run_unit.hpp"
