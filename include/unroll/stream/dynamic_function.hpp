// A layer without a state in a stream of any size: what its kind does to the values of one step.
#pragma once

#include <algorithm>
#include <variant>
#include <vector>

#include <unroll/kind/layer_kind.hpp>
#include <unroll/kind/sample_weights.hpp>
#include <unroll/stream/dynamic_layer.hpp>
#include <unroll/stream/kernel/activations.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI::detail {

template <class K> struct RunDynamicFunction {
  template <class Isa>
  static UNROLL_INLINE void run(Index values, const SampleWeights* weights, const float* x, Index x_stride, float* y,
                                Index y_stride, Index n) {
    using V = Activated<StreamVector<Isa, DynamicShape, float>, stream::Accurate>;
    for (Index t = 0; t < n; ++t, x += x_stride, y += y_stride) K::template apply<V>(*weights, x, y, values);
  }
};
template <class K> class DynamicFunction final : public DynamicLayer {
 public:
  DynamicFunction(const LayerData& layer, Index values) : DynamicLayer(values, values, padded_stride(values)) {
    std::size_t tensor = 0, number = 0;
    const Description of = describe_layer(layer, values);
    for (const TensorForm& form : of.tensors) {
      const Matrix<float>& from = layer.tensor(form.name);
      Matrix<float>& to = memory_.emplace_back(padded_stride(form.rows * form.cols), 1);  // zeros where it is absent
      to.setZero();
      std::copy_n(from.data(), from.size(), to.data());
    }
    for (const Matrix<float>& values_of : memory_) weights_.tensors.at(tensor++) = values_of.data();
    for (const OptionForm& form : of.options)
      if (const double* usual = std::get_if<double>(&form.usual))
        weights_.numbers.at(number++) = static_cast<float>(layer.number(form.name, *usual));
  }
  void run(const float* x, Index x_stride, float* y, Index n) noexcept override {
    dispatch_stream<RunDynamicFunction<K>>(outputs, &weights_, x, x_stride, y, y_stride, n);
  }

 private:
  std::vector<Matrix<float>> memory_;
  SampleWeights weights_;
};

}  // namespace unroll::inline UNROLL_ABI::detail
UNROLL_KERNEL_END
