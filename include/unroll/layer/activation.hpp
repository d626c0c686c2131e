// Functions of every element, as layers.
#pragma once

#include <unroll/kernel/functions.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

/// y = F(x). `Function` names value(x) and gradient_from_output(y), both over a value type.
template <class Function, class T = float> class Activation {
 public:
  using Scalar = T;
  using State = Nothing;
  template <Vectors<T> In> using Output = In;
  template <Vectors<T> In> struct Cache {
    In y, dx;
    bool want_dx = true;
    const In& output() const { return y; }
  };

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

namespace detail {
struct ReluFunction {
  static constexpr std::string_view name = "Relu";
  template <class V> static V value(V x) { return relu(x); }
  template <class V> static V gradient_from_output(V y) { return select(y > V(0), V(1), V(0)); }
};
struct TanhFunction {
  static constexpr std::string_view name = "Tanh";
  template <class V> static V value(V x) { return tanh(x); }
  template <class V> static V gradient_from_output(V y) { return 1 - y * y; }
};
struct SigmoidFunction {
  static constexpr std::string_view name = "Sigmoid";
  template <class V> static V value(V x) { return sigmoid(x); }
  template <class V> static V gradient_from_output(V y) { return y * (1 - y); }
};
}  // namespace detail

template <class T = float> struct Relu : Activation<detail::ReluFunction, T> {};
template <class T = float> struct Tanh : Activation<detail::TanhFunction, T> {};
template <class T = float> struct Sigmoid : Activation<detail::SigmoidFunction, T> {};

}  // namespace unroll::inline UNROLL_ABI
