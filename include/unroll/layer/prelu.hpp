// Linear above zero, and below with a slope that is learned.
#pragma once

#include <string_view>

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/kind/sample_weights.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> class PRelu;

UNROLL_KERNEL_BEGIN
/// A PReLU in files.
struct PReluKind {
  template <class T> using Layer = PRelu<T>;
  static constexpr std::string_view name = "prelu", type = "PRelu", header = "layer/prelu.hpp";

  static void describe(Description& layer) {
    const Index n = layer.before() > 0 ? layer.before() : layer.rows("slope");
    layer.widths(n, n);
    layer.vector("slope", n);
    layer.stored_as("weight");
  }
  static LayerData sized(Index inputs, Index) {
    LayerData layer{&layer_kind<PReluKind>};
    layer.set_zeros("slope", inputs, 1);
    return layer;
  }
  template <class T> static Layer<T> make(const LayerData& of) { return Layer<T>(of.tensor("slope").rows()); }
  static Matrix<double> run(const LayerData& layer, const Matrix<double>& x) {
    Matrix<double> y = x;
    for (Index j = 0; j < y.cols(); ++j)
      for (Index i = 0; i < y.rows(); ++i)
        if (y(i, j) <= 0) y(i, j) *= static_cast<double>(layer.tensor("slope")(i, 0));
    return y;
  }
  /// One step of n values, over a value type.
  template <class V, class T> static UNROLL_INLINE void apply(const SampleWeights<T, 1>& w, const T* x, T* y, Index n) {
    for (Index k = 0; k < n; k += V::width) {
      const V value = V::load(x + k);
      select(value > V(0), value, V::load(w.tensors[0] + k) * value).store(y + k);
    }
  }
};
UNROLL_KERNEL_END

/// y = x > 0 ? x : a * x for every column, a being a slope per value. He et al. 2015; nn.PReLU(n), keras PReLU.
/// Backward: dx = x > 0 ? dy : a * dy, da = sum over columns of x > 0 ? 0 : x * dy.
template <class T = float> class PRelu {
 public:
  using Scalar = T;
  using State = Nothing;
  using KindInFiles = PReluKind;
  template <Vectors<T> In> using Output = In;
  template <Vectors<T> In> struct Cache {
    In y, dx;
    Matrix<T> d_slope;  ///< (n, N)
    bool want_dx = true;
    const In& output() const { return y; }
  };

  Parameter<T> slope;  ///< a (n), 0.25 at the start

  explicit PRelu(Index n) {
    detail::require_size("PRelu", n, "values", 1);
    slope = Matrix<T>::Constant(n, 1, T(0.25));
  }

  template <Vectors<T> In> const In& forward(const Context&, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("PRelu", x);
    detail::require_features("PRelu", values(x), slope.rows());
    shape_like(c.y, x, slope.rows());
    for (Index j = 0; j < values(x).cols(); ++j)
      for (Index i = 0; i < slope.rows(); ++i) {
        const T v = values(x)(i, j);
        values(c.y)(i, j) = v > 0 ? v : slope(i, 0) * v;
      }
    return c.y;
  }
  template <Vectors<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, PRelu& gradient, Carry<State> = {}) const {
    detail::require_forward("PRelu", x, c.y);
    detail::require_features("PRelu", values(x), slope.rows());
    detail::require_gradient("PRelu", dy, c.y);
    check_gradient_shapes("PRelu", *this, gradient);
    shape_like(c.dx, x, slope.rows());
    c.d_slope.resize(slope.rows(), values(x).cols());
    for (Index j = 0; j < values(x).cols(); ++j)
      for (Index i = 0; i < slope.rows(); ++i) {
        const T v = values(x)(i, j), d = values(dy)(i, j);
        values(c.dx)(i, j) = v > 0 ? d : slope(i, 0) * d;
        c.d_slope(i, j) = v > 0 ? T(0) : v * d;
      }
    if (slope.trainable) add_row_sums(c.d_slope, gradient.slope.data());
    return c.dx;
  }
  void initialize(Rng, const Scheme&) { slope.setConstant(T(0.25)); }
  std::string describe() const { return concat_text("PRelu ", slope.rows()); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight", Kind::unit), self.slope...);
  }
};
PRelu(Index) -> PRelu<>;

}  // namespace unroll::inline UNROLL_ABI
