// Functions of every element, as layers.
#pragma once

#include <string_view>

#include <unroll/kernel/activation_functions.hpp>
#include <unroll/kernel/functions.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/kind/sample_weights.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

template <class Function, class T> class Activation;

namespace detail {
/// As many values as come, and as many given.
inline void describe_any_width(Description& layer) {
  layer.takes_any = true;
  layer.widths(layer.before(), layer.before());
}
}  // namespace detail

UNROLL_KERNEL_BEGIN
/// A function of every value, in files.
template <class Function> struct FunctionKind {
  template <class T> using Layer = Activation<Function, T>;
  static constexpr std::string_view name = Function::kind;
  static constexpr bool takes_any = true;

  static void describe(Description& layer) { detail::describe_any_width(layer); }
  static LayerData sized(Index, Index) { return {&layer_kind<FunctionKind>}; }
  template <class T> static Layer<T> make(const LayerData&) { return {}; }
  static Matrix<double> run(const LayerData&, const Matrix<double>& x) {
    Matrix<double> y(x.rows(), x.cols());
    for (Index k = 0; k < x.size(); ++k) y.data()[k] = Function::value(Value<double>(x.data()[k]))[0];
    return y;
  }
  /// One step of n values, over a value type.
  template <class V, class T> static UNROLL_INLINE void apply(const SampleWeights<T>&, const T* x, T* y, Index n) {
    for (Index k = 0; k < n; k += V::width) Function::value(V::load(x + k)).store(y + k);
  }
};
UNROLL_KERNEL_END

/// y = F(x). `Function` names value(x) and gradient_from_output(y), both over a value type.
template <class Function, class T = float> class Activation {
 public:
  using Scalar = T;
  using State = Nothing;
  using KindInFiles = FunctionKind<Function>;
  template <Vectors<T> In> using Output = In;
  template <Vectors<T> In> using Cache = OutputCache<In>;

  template <Vectors<T> In> const In& forward(const Context&, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns(Function::name, x);
    shape_like(c.y, x, values(x).rows());
    const T* from = values(x).data();
    T* to = values(c.y).data();
    for (Index k = 0; k < values(x).size(); ++k) Function::value(Value<T>(from[k])).store(to + k);
    return c.y;
  }
  template <Vectors<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, Activation&, Carry<State> = {}) const {
    detail::require_forward(Function::name, x, c.y);
    detail::require_features(Function::name, values(x), values(c.y).rows());
    detail::require_gradient(Function::name, dy, c.y);
    shape_like(c.dx, x, values(x).rows());
    const T *y = values(c.y).data(), *d = values(dy).data();
    T* to = values(c.dx).data();
    for (Index k = 0; k < values(x).size(); ++k)
      (Value<T>(d[k]) * Function::gradient_from_output(Value<T>(y[k]))).store(to + k);
    return c.dx;
  }
  void initialize(Rng, const Scheme&) {}
  std::string describe() const { return std::string(Function::name); }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}
};

template <class T = float> struct Relu : Activation<detail::ReluFunction, T> {};
template <class T = float> struct Tanh : Activation<detail::TanhFunction, T> {};
template <class T = float> struct Sigmoid : Activation<detail::SigmoidFunction, T> {};

}  // namespace unroll::inline UNROLL_ABI
