// Bodies of layer/embedding.hpp.
#pragma once

#include <algorithm>

#include <unroll/layer/embedding.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION void EmbeddingKind::describe(Description& layer) {
  const Index D = layer.rows("weight"), V = layer.cols("weight");
  layer.takes_tokens = true;
  layer.widths(V > 0 ? 1 : 0, D);
  layer.table("weight", D, V);
}
UNROLL_FUNCTION LayerData EmbeddingKind::sized(Index inputs, Index outputs) {
  return {&layer_kind<EmbeddingKind>, {{"weight", Matrix<float>::Zero(outputs, inputs)}}};
}
UNROLL_FUNCTION Matrix<double> EmbeddingKind::run(const LayerData& layer, const Matrix<double>& x) {
  const Matrix<float>& table = layer.tensor("weight");
  Matrix<double> y(table.rows(), x.cols());
  for (Index t = 0; t < x.cols(); ++t)
    std::copy_n(table.data() + static_cast<Index>(x(0, t)) * table.rows(), table.rows(), y.data() + t * y.rows());
  return y;
}

}  // namespace unroll::inline UNROLL_ABI
