// Bodies of loss/numbers.hpp.
#pragma once

#include <unroll/loss/numbers.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void check_number_shapes(const char* who, Index each, Index output_rows, Index output_cols,
                                         Index target_rows, Index target_cols, std::span<const double> sample_weights) {
  if (each == 1)
    require(output_rows == target_rows, who, ": targets have ", target_rows, " rows, the output has ", output_rows);
  else
    require(output_rows == each * target_rows, who, ": the output has ", output_rows, " rows, expected ", each,
            " for each of the ", target_rows, " rows of the targets (outputs())");
  check_columns(who, output_cols, target_cols);
  check_sample_weights(who, output_cols, sample_weights);
}
UNROLL_FUNCTION void check_least(const char* who, double least) {
  require(has_finite_bits(least) && least >= 0, who, ": least is ", least, ", expected a finite number, 0 or more");
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
