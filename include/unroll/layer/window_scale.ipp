// Bodies of layer/window_scale.hpp.
#pragma once

#include <unroll/core/range.hpp>
#include <unroll/layer/window_scale.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
UNROLL_FUNCTION void check_window_inputs(std::string_view who, const WindowOutputs& of, Index features, Index affine) {
  require(of.as_is >= 0 && of.as_is < features, who, ": ", of.as_is, " features as they are, of ", features);
  require<WidthError>(affine == 0 || affine == features - of.as_is, who, ": input has ", features - of.as_is,
                      " features, expected ", affine);
  for (const Index d : of.targets) require_index(who, "target", d, features - of.as_is);
}
UNROLL_FUNCTION void check_window_outputs(std::string_view who, const WindowOutputs& of, Index features, Index rows) {
  const auto each = of.targets.empty() ? features - of.as_is : static_cast<Index>(of.targets.size());
  const Index forecast = of.values > 0 ? of.values : rows;
  require(of.values >= 0 && of.values <= rows, who, ": ", of.values, " rows of values in an output of ", rows);
  require(forecast % each == 0, who, ": ", forecast, " rows of values in the output, expected ", each,
          " for each step of the horizon, one for each ", of.targets.empty() ? "feature of the input" : "target");
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
