// Bodies of cell/cell_kind.hpp.
#pragma once

#include <cstddef>

#include <unroll/cell/cell_kind.hpp>

namespace unroll::inline UNROLL_ABI::detail {

UNROLL_FUNCTION void describe_recurrent(Description& layer, CellCounts counts) {
  const Index D = layer.cols("weight_ih");
  const Index H = counts.projects ? layer.cols("weight_hr")
                  : counts.GU > 0 ? layer.cols("weight_hh")
                                  : layer.rows("weight_ih") / counts.GX;
  const Index R = counts.projects ? layer.rows("weight_hr") : H;
  layer.is_recurrent = true;
  layer.gates = counts.GX;
  layer.ending = "_l0";
  layer.widths(D, R);
  layer.output_noun = counts.projects ? "outputs" : "units";
  layer.matrix("weight_ih", counts.GX * H, D);
  layer.vector("bias_ih", counts.GX * H, Need::optional);
  if (counts.GU > 0) {
    layer.matrix("weight_hh", counts.GU * H, R);
    layer.vector("bias_hh", counts.GU * H, Need::zeros);
    layer.only_beside("bias_ih");
  }
  if (counts.P == 1) layer.vector("weight_unit", H);  // one number per unit, as parameters are written
  if (counts.P > 1) layer.matrix("weight_unit", H, counts.P);
  if (counts.projects) layer.matrix("weight_hr", R, H);
  for (int s = 0; s < counts.S; ++s)
    layer.vector(initial_names[static_cast<std::size_t>(s)], s == 0 ? R : H, Need::zeros);
  layer.flag("reverse");
  layer.flag("final_state");
}

}  // namespace unroll::inline UNROLL_ABI::detail
