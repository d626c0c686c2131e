// The values of every step, brought to one mean and spread.
#pragma once

#include <cmath>
#include <string_view>

#include <unroll/core/denormals.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/kind/sample_weights.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> class LayerNorm;

UNROLL_KERNEL_BEGIN
/// A layer norm in files.
struct LayerNormKind {
  template <class T> using Layer = LayerNorm<T>;
  static constexpr std::string_view name = "layer_norm", type = "LayerNorm", header = "layer/layer_norm.hpp";
  static constexpr double usual_epsilon = 1e-5;  ///< PyTorch's; Keras has 1e-3

  static void describe(Description& layer) {
    const Index n = layer.rows("weight");
    layer.widths(n, n);
    layer.vector("weight", n);
    layer.vector("bias", n, Need::optional);
    layer.number("epsilon", usual_epsilon, 0, 1, Need::required);
  }
  static LayerData sized(Index inputs, Index) {
    LayerData layer{&layer_kind<LayerNormKind>};
    layer.set_zeros("weight", inputs, 1);
    return layer;
  }
  template <class T> static Layer<T> make(const LayerData& of);
  static void take_options(const auto& trained, LayerData& to) { to.set_number("epsilon", trained.options.epsilon); }

  static Matrix<double> run(const LayerData& layer, const Matrix<double>& x) {
    const Matrix<float>&weight = layer.tensor("weight"), &bias = layer.tensor("bias");
    Matrix<double> y(x.rows(), x.cols());
    for (Index j = 0; j < x.cols(); ++j) {
      double mean = 0, variance = 0;
      for (Index i = 0; i < x.rows(); ++i) mean += x(i, j) / static_cast<double>(x.rows());
      for (Index i = 0; i < x.rows(); ++i)
        variance += (x(i, j) - mean) * (x(i, j) - mean) / static_cast<double>(x.rows());
      const double scale = 1 / std::sqrt(variance + layer.number("epsilon", usual_epsilon));
      for (Index i = 0; i < x.rows(); ++i)
        y(i, j) = (x(i, j) - mean) * scale * static_cast<double>(weight(i, 0)) +
                  (bias.size() > 0 ? static_cast<double>(bias(i, 0)) : 0);
    }
    return y;
  }
  /// One step of n values, over a value type.
  template <class V, class T>
  static UNROLL_INLINE void apply(const SampleWeights<T, 2, 1>& w, const T* x, T* y, Index n) {
    T mean = 0, variance = 0;
    for (Index k = 0; k < n; ++k) mean += x[k];
    mean /= static_cast<T>(n);
    for (Index k = 0; k < n; ++k) variance += (x[k] - mean) * (x[k] - mean);
    const V scale = 1 / sqrt(V(variance / static_cast<T>(n) + w.numbers[0]));
    for (Index k = 0; k < n; k += V::width)
      fma((V::load(x + k) - V(mean)) * scale, V::load(w.tensors[0] + k), V::load(w.tensors[1] + k)).store(y + k);
  }
};
UNROLL_KERNEL_END

struct LayerNormOptions {
  bool bias = true;
  double epsilon = LayerNormKind::usual_epsilon;  ///< added to the variance
};

/// Ba, Kiros and Hinton 2016; nn.LayerNorm, keras LayerNormalization. For every column x of n values:
///   z = (x - mean(x)) / sqrt(variance(x) + epsilon)      the variance of the values, not of what they are drawn from
///   y = g * z + b                                        g and b a weight per value
/// Backward, with dz = g * dy:
///   dx = (dz - mean(dz) - z mean(dz * z)) / sqrt(variance(x) + epsilon)      dg = sum dy * z      db = sum dy
template <class T = float> class LayerNorm {
 public:
  using Scalar = T;
  using State = Nothing;
  using Options = LayerNormOptions;
  using KindInFiles = LayerNormKind;
  template <Vectors<T> In> using Output = In;

  Parameter<T> weight;  ///< g (n)
  Parameter<T> bias;    ///< b (n), absent if not wanted
  Options options;

  template <Vectors<T> In> struct Cache {
    In y, dx;
    Matrix<T> z;      ///< (n, N), in backward becomes z * dy
    Matrix<T> scale;  ///< (1, N), 1 / sqrt(variance + epsilon)
    bool want_dx = true;
    const In& output() const { return y; }
  };

  explicit LayerNorm(Index n, Options how = {}) : options(how) {
    detail::require_size("LayerNorm", n, "values", 1);
    weight = Matrix<T>::Ones(n, 1);
    bias = Matrix<T>::Zero(how.bias ? n : 0, 1);
    check_options();
  }

  template <Vectors<T> In>
  const In& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("LayerNorm", x);
    check(x);
    const FlushDenormals flush(context.training);
    shape_like(c.y, x, weight.rows());
    c.z.resize(weight.rows(), values(x).cols());
    c.scale.resize(1, values(x).cols());
    each_column(values(x).cols(), [&](Index j) {
      const auto from = values(x).col(j);
      const T mean = from.mean();
      auto z = c.z.col(j);
      z = from.array() - mean;
      c.scale(0, j) = 1 / std::sqrt(z.squaredNorm() / static_cast<T>(z.size()) + static_cast<T>(options.epsilon));
      z *= c.scale(0, j);
      values(c.y).col(j) = z.cwiseProduct(weight.col(0));
      if (bias.size() > 0) values(c.y).col(j) += bias.col(0);
    });
    return c.y;
  }
  template <Vectors<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, LayerNorm& gradient, Carry<State> = {}) const {
    detail::require_forward("LayerNorm", x, c.y);
    check(x);
    detail::require_gradient("LayerNorm", dy, c.y);
    check_gradient_shapes("LayerNorm", *this, gradient);
    const FlushDenormals flush;
    shape_like(c.dx, x, weight.rows());
    each_column(values(x).cols(), [&](Index j) {
      const auto d = values(dy).col(j);
      auto z = c.z.col(j);
      auto dx = values(c.dx).col(j);
      dx = d.cwiseProduct(weight.col(0));
      const T mean = dx.mean(), along = dx.dot(z) / static_cast<T>(z.size());
      dx = (dx.array() - mean - z.array() * along) * c.scale(0, j);
      z = z.cwiseProduct(d);
    });
    if (weight.trainable) add_row_sums(c.z, gradient.weight.data());
    if (bias.size() > 0 && bias.trainable) add_row_sums(values(dy), gradient.bias.data());
    return c.dx;
  }

  void initialize(Rng, const Scheme&) {
    weight.setOnes();
    bias.setZero();
  }
  std::string describe() const { return concat_text("LayerNorm ", weight.rows()); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight", Kind::unit), self.weight...);
    f(at.leaf("bias", Kind::bias), self.bias...);
  }

 private:
  template <class F> static void each_column(Index columns, const F& f) {
    parallel_ranges(columns, 64, [&](Index first, Index last) {
      for (Index j = first; j < last; ++j) f(j);
    });
  }
  void check_options() const {
    require(options.epsilon >= 0 && options.epsilon <= 1, "LayerNorm: epsilon ", options.epsilon, ", expected 0 to 1");
  }
  template <class In> void check(const In& x) const {
    check_options();
    detail::require_features("LayerNorm", values(x), weight.rows());
    require(bias.size() == 0 || bias.size() == weight.rows(), "LayerNorm: bias has ", bias.size(),
            " elements, expected ", weight.rows());
  }
};
LayerNorm(Index) -> LayerNorm<>;
LayerNorm(Index, LayerNormOptions) -> LayerNorm<>;

template <class T> LayerNorm<T> LayerNormKind::make(const LayerData& of) {
  return LayerNorm<T>(of.tensor("weight").rows(),
                      {.bias = of.tensor("bias").size() > 0, .epsilon = of.number("epsilon", usual_epsilon)});
}

}  // namespace unroll::inline UNROLL_ABI
