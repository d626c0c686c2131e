// Functions of the values of a Composite's wiring: h + x, concat_rows(a, b), final_output(h), mean_over_time(h), ..
#pragma once

#include <unroll/layer/functions_of_values.hpp>
#include <unroll/layer/functions_over_time.hpp>
