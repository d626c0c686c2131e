// Functions of every element, in a stream.
#pragma once

#include <string_view>
#include <utility>

#include <unroll/kernel/activation_functions.hpp>
#include <unroll/stream/kernel/activations.hpp>
#include <unroll/stream/kernel/dense.hpp>
#include <unroll/stream/layer.hpp>

namespace unroll::inline UNROLL_ABI {
template <class Function, class T> class Activation;  // the trained layer
namespace detail {
template <class Function, class T> Function function_of(const unroll::Activation<Function, T>&);
}  // namespace detail
namespace stream {

/// y = F(x), as many values as there are.
template <class Function, class T = float> class Activation {
 public:
  using Scalar = T;
  using Input = T;
  using State = Empty;
  static constexpr Index inputs = 0;
  template <Index D> static constexpr Index outputs = D;

  template <class Layer> void assign(const Layer& layer) {
    static_assert(is_same<Layer>(),
                  "unroll::stream: the trained layer in the place of this activation is not the same function.");
    static_cast<void>(layer);
  }

  constexpr State initial_state() const { return {}; }
  template <class Isa, Index D> UNROLL_INLINE void run(State&, const T* x, Index x_stride, T* y, Index n) const {
    using Shape = detail::FixedShape<D, D>;
    detail::StreamActivation<Function, T, Shape>::template run<Isa>(Shape{}, x, x_stride, y, detail::stride_for(D), n);
  }

 private:
  template <class Layer> static constexpr bool is_same() {
    if constexpr (requires(const Layer& layer) { detail::function_of(layer); })
      return decltype(detail::function_of(std::declval<const Layer&>()))::name == Function::name;
    else
      return false;
  }
};

}  // namespace stream
namespace stream {

template <class T = float> using Relu = Activation<detail::ReluFunction, T>;
template <class T = float> using Tanh = Activation<detail::TanhFunction, T>;
template <class T = float> using Sigmoid = Activation<detail::SigmoidFunction, T>;

}  // namespace stream
}  // namespace unroll::inline UNROLL_ABI
