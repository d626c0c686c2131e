// Values that are positive and sum up to 1.
#pragma once

#include <algorithm>
#include <string_view>

#include <unroll/kernel/functions.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/kind/sample_weights.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> class Softmax;

UNROLL_KERNEL_BEGIN
/// A softmax in files.
struct SoftmaxKind {
  template <class T> using Layer = Softmax<T>;
  static constexpr std::string_view name = "softmax", type = "Softmax", header = "layer/softmax.hpp";
  static constexpr bool takes_any = true;

  static void describe(Description& layer) { detail::describe_any_width(layer); }
  static LayerData sized(Index, Index) { return {&layer_kind<SoftmaxKind>}; }
  template <class T> static Layer<T> make(const LayerData&) { return {}; }
  UNROLL_API static Matrix<double> run(const LayerData& layer, const Matrix<double>& x);
  /// One step of n values, over a value type.
  template <class V, class T> static UNROLL_INLINE void apply(const SampleWeights<T>&, const T* x, T* y, Index n) {
    T largest = x[0], sum = 0;
    for (Index k = 1; k < n; ++k) largest = (std::max)(largest, x[k]);
    for (Index k = 0; k < n; k += V::width) exp(V::load(x + k) - V(largest)).store(y + k);
    for (Index k = 0; k < n; ++k) sum += y[k];
    for (Index k = 0; k < n; ++k) y[k] /= sum;
  }
};
UNROLL_KERNEL_END

/// y = e^x / sum(e^x) for every column; nn.Softmax. Before a cross entropy there is none: CrossEntropy takes logits.
/// Backward: dx = y * (dy - sum(dy * y)).
template <class T = float> class Softmax {
 public:
  using Scalar = T;
  using State = Nothing;
  using KindInFiles = SoftmaxKind;
  template <Vectors<T> In> using Output = In;
  template <Vectors<T> In> using Cache = OutputCache<In>;

  template <Vectors<T> In> const In& forward(const Context&, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("Softmax", x);
    shape_like(c.y, x, values(x).rows());
    for (Index j = 0; j < values(x).cols(); ++j) {
      const auto from = values(x).col(j);
      auto y = values(c.y).col(j);
      const T largest = from.size() > 0 ? from.maxCoeff() : T(0);
      for (Index i = 0; i < y.size(); ++i) y(i) = exp(Value<T>(from(i) - largest))[0];
      y /= y.sum();
    }
    return c.y;
  }
  template <Vectors<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, Softmax&, Carry<State> = {}) const {
    detail::require_forward("Softmax", x, c.y);
    detail::require_features("Softmax", values(x), values(c.y).rows());
    detail::require_gradient("Softmax", dy, c.y);
    shape_like(c.dx, x, values(x).rows());
    for (Index j = 0; j < values(x).cols(); ++j) {
      const auto y = values(c.y).col(j);
      const auto d = values(dy).col(j);
      values(c.dx).col(j) = y.array() * (d.array() - y.dot(d));
    }
    return c.dx;
  }
  void initialize(Rng, const Scheme&) {}
  std::string describe() const { return "Softmax"; }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/softmax.ipp>
#endif
