// A layer without a state in a stream of any size: what its kind does to the values of one step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <unroll/kind/layer_kind.hpp>
#include <unroll/kind/sample_weights.hpp>
#include <unroll/stream/dynamic_layer.hpp>
#include <unroll/stream/kernel/function.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI::detail {

template <class K> class DynamicFunction final : public DynamicLayer {
  using Weights = FunctionWeights<K, float>;

 public:
  DynamicFunction(const LayerData& layer, Index values)
      : DynamicLayer(values, values, padded_stride(values)),
        weights_{{}, numbers_of<float, Weights::number_count>(layer)} {
    std::size_t tensor = 0;
    for (const TensorForm& form : describe_layer(layer, values).tensors) {
      const Matrix<float>& from = layer.tensor(form.name);
      Matrix<float>& to = memory_.emplace_back(padded_stride(form.rows * form.cols), 1);  // zeros where it is absent
      to.setZero();
      std::copy_n(from.data(), from.size(), to.data());
    }
    require(memory_.size() == Weights::tensor_count, "stream::AnyModel: ", K::name, " describes ", memory_.size(),
            " tensors, its `apply` has ", Weights::tensor_count);
    for (const Matrix<float>& values_of : memory_) weights_.tensors[tensor++] = values_of.data();
  }
  void run(const float* x, Index x_stride, float* y, Index n) noexcept override {
    dispatch_stream<StreamFunction<K, float, DynamicShape>>(DynamicShape{inputs, outputs}, weights_, x, x_stride, y,
                                                            y_stride, n);
  }

 private:
  std::vector<Matrix<float>> memory_;
  Weights weights_;
};

}  // namespace unroll::inline UNROLL_ABI::detail
UNROLL_KERNEL_END
