// Bodies of layer/dense.hpp.
#pragma once

#include <unroll/kind/by_the_book.hpp>
#include <unroll/layer/dense.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void DenseKind::describe(Description& layer) {
  const Index D = layer.cols("weight"), O = layer.rows("weight");
  layer.widths(D, O);
  layer.matrix("weight", O, D);
  layer.vector("bias", O, Need::optional);
}
UNROLL_FUNCTION LayerData DenseKind::sized(Index inputs, Index outputs) {
  return {&layer_kind<DenseKind>, {{"weight", Matrix<float>::Zero(outputs, inputs)}}};
}
UNROLL_FUNCTION Matrix<double> DenseKind::run(const LayerData& layer, const Matrix<double>& x) {
  return detail::affine(layer.tensor("weight"), layer.tensor("bias"), x);
}

}  // namespace unroll::inline UNROLL_ABI
