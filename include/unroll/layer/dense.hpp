// An affine map of every vector.
#pragma once

#include <unroll/core/denormals.hpp>
#include <unroll/kernel/matmul.hpp>
#include <unroll/kind/layer_kind.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

template <class T> class Dense;

/// A dense layer in files.
struct DenseKind {
  template <class T> using Layer = Dense<T>;
  static constexpr std::string_view name = "dense";
  UNROLL_API static void describe(Description& layer);
  UNROLL_API static LayerData sized(Index inputs, Index outputs);
  template <class T> static Dense<T> make(const LayerData& of);
  UNROLL_API static Matrix<double> run(const LayerData& layer, const Matrix<double>& x);
};

struct DenseOptions {
  bool bias = true;
};

/// y = W x + b for every column: per sequence for a Matrix, per step for a PackedSequence. nn.Linear, keras Dense.
template <class T = float> class Dense {
 public:
  using Scalar = T;
  using State = Nothing;
  using KindInFiles = DenseKind;
  using Options = DenseOptions;
  template <Vectors<T> In> using Output = In;

  Parameter<T> weight;  ///< (outputs, inputs)
  Parameter<T> bias;    ///< (outputs), absent if not wanted

  template <Vectors<T> In> struct Cache {
    In y, dx;
    MatmulScratch<T> product;
    bool want_dx = true;
    const In& output() const { return y; }
  };

  Dense(Index inputs, Index outputs, Options how = {}) {
    detail::require_size("Dense", inputs, "inputs", 1);
    detail::require_size("Dense", outputs, "outputs", 1);
    weight = Matrix<T>::Zero(outputs, inputs);
    bias = Matrix<T>::Zero(how.bias ? outputs : 0, 1);
  }

  template <Vectors<T> In>
  const In& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> = {}) const {
    check_columns("Dense", x);
    check(x);
    const FlushDenormals flush(context.training);
    shape_like(c.y, x, weight.rows());
    matmul(values(c.y), weight, Transpose::no, values(x), Transpose::no, Accumulate::no, c.product, Blocks::ascending,
           bias.size() > 0 ? bias.data() : nullptr);
    return c.y;
  }
  template <Vectors<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, Dense& gradient, Carry<State> = {}) const {
    detail::require_forward("Dense", x, c.y);
    check(x);
    require(values(c.y).rows() == weight.rows(), "Dense: ", weight.rows(), " outputs, in the forward pass ",
            values(c.y).rows());
    detail::require_gradient("Dense", dy, c.y);
    check_gradient_shapes("Dense", *this, gradient);
    const FlushDenormals flush;
    if (weight.trainable)
      matmul(gradient.weight, values(dy), Transpose::no, values(x), Transpose::yes, Accumulate::yes, c.product);
    if (bias.size() > 0 && bias.trainable) add_row_sums(values(dy), gradient.bias.data());
    if (!c.want_dx) return c.dx;
    shape_like(c.dx, x, weight.cols());
    matmul(values(c.dx), weight, Transpose::yes, values(dy), Transpose::no, Accumulate::no, c.product);
    return c.dx;
  }

  void initialize(Rng rng, const Scheme& scheme) {
    const Fan fan{weight.cols(), weight.rows(), 1 / std::sqrt(static_cast<double>(weight.cols()))};
    fill(weight, scheme.dense, fan, rng.child(0));
    fill(bias, scheme.bias, fan, rng.child(1));
  }
  std::string describe() const { return concat_text("Dense ", weight.cols(), " -> ", weight.rows()); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("weight", Kind::weight), self.weight...);
    f(at.leaf("bias", Kind::bias), self.bias...);
  }

 private:
  template <class In> void check(const In& x) const {
    detail::require_features("Dense", values(x), weight.cols());
    require(bias.size() == 0 || bias.size() == weight.rows(), "Dense: bias has ", bias.size(), " elements, expected ",
            weight.rows());
  }
};
template <class T> Dense<T> DenseKind::make(const LayerData& of) {
  const Matrix<float>& weight = of.tensor("weight");
  return Dense<T>(weight.cols(), weight.rows(), {.bias = of.tensor("bias").size() > 0});
}
Dense(Index, Index) -> Dense<>;
Dense(Index, Index, DenseOptions) -> Dense<>;

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/dense.ipp>
#endif
