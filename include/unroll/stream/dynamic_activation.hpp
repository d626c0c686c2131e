// Functions of a sample's values, chosen at run time.
#pragma once

#include <algorithm>

#include <unroll/stream/dynamic_layer.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

enum class DynamicFunction { tanh, relu, sigmoid, softmax, elu, prelu };

struct RunDynamicActivation {
  template <class Isa>
  static UNROLL_INLINE void run(DynamicFunction function, Index values, float alpha, const float* slope, const float* x,
                                Index x_stride, float* y, Index y_stride, Index n) {
    using V = Simd<float, (std::min)(static_cast<int>(widest_block), Isa::template width<float>)>;
    for (Index t = 0; t < n; ++t, x += x_stride, y += y_stride) {
      const float largest = function == DynamicFunction::softmax ? *std::max_element(x, x + values) : 0;
      for (Index k = 0; k < values; k += V::width)
        value(function, V::load(x + k), V(largest), V(alpha), slope + k).store(y + k);
      if (function == DynamicFunction::softmax) {
        float sum = 0;
        for (Index k = 0; k < values; ++k) sum += y[k];
        for (Index k = 0; k < values; ++k) y[k] /= sum;
      }
    }
  }

 private:
  template <class V>
  static UNROLL_INLINE V value(DynamicFunction function, const V& x, const V& largest, const V& alpha,
                               const float* slope) {
    switch (function) {
      case DynamicFunction::tanh:
        return stream::Accurate::tanh(x);
      case DynamicFunction::relu:
        return relu(x);
      case DynamicFunction::sigmoid:
        return stream::Accurate::sigmoid(x);
      case DynamicFunction::softmax:
        return exp(x - largest);
      case DynamicFunction::elu:
        return select(x > V(0), x, alpha * (exp(x) - V(1)));
      default:
        return select(x > V(0), x, V::load(slope) * x);
    }
  }
};

/// ELU is x > 0 ? x : alpha (e^x - 1), PReLU x > 0 ? x : slope_i x; softmax is over the values of one step.
class DynamicActivation final : public DynamicLayer {
 public:
  DynamicActivation(DynamicFunction function, Index values, float alpha, std::span<const float> slope)
      : DynamicLayer(values, values, padded_stride(values)), function_(function), alpha_(alpha), slope_(y_stride, 1) {
    if (function == DynamicFunction::prelu) require_size("Activation", "slope", slope, values);
    slope_.setZero();
    std::copy(slope.begin(), slope.end(), slope_.data());
  }
  void run(const float* x, Index x_stride, float* y, Index n) noexcept override {
    dispatch_stream<RunDynamicActivation>(function_, outputs, alpha_, slope_.data(), x, x_stride, y, y_stride, n);
  }

 private:
  DynamicFunction function_;
  float alpha_;
  Matrix<float> slope_;
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
