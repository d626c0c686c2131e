// Bodies of network/projections.hpp.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <unroll/cell/lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/core/error.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/network/projections.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// a b, summed in double.
inline Matrix<float> product_of(const Matrix<float>& a, const Matrix<float>& b) {
  Matrix<float> c(a.rows(), b.cols());
  for (Index j = 0; j < b.cols(); ++j)
    for (Index i = 0; i < a.rows(); ++i) {
      double sum = 0;
      for (Index k = 0; k < a.cols(); ++k) sum += static_cast<double>(a(i, k)) * static_cast<double>(b(k, j));
      c(i, j) = static_cast<float>(sum);
    }
  return c;
}
}  // namespace detail

UNROLL_FUNCTION Network split_projections(Network network) {
  validate(network);
  std::vector<LayerData> layers = std::exchange(network.layers, {});
  for (std::size_t k = 0; k < layers.size(); ++k) {
    LayerData& layer = layers[k];
    for (const LayerData& part : layer.parts)
      require(!is_kind<RecurrentKind<ProjectedLstm<>>>(part), "split_projections: layer ", k, " (", kind_name(layer),
              "): two projections side by side are no dense layer");
    if (!is_kind<RecurrentKind<ProjectedLstm<>>>(layer)) {
      network.layers.push_back(std::move(layer));
      continue;
    }
    require(layer.tensor("initial_h").size() == 0, "split_projections: layer ", k,
            " has a learned initial state, which an LSTM and a dense layer do not give");
    Matrix<float> projection = layer.tensor("weight_hr");
    layer.kind = &layer_kind<LstmKind>;
    layer.tensors.erase("weight_hr");
    layer.tensors["weight_hh"] = detail::product_of(layer.tensor("weight_hh"), projection);
    network.layers.push_back(std::move(layer));
    network.layers.push_back({&layer_kind<DenseKind>, {{"weight", std::move(projection)}}});
  }
  return network;
}

}  // namespace unroll::inline UNROLL_ABI
