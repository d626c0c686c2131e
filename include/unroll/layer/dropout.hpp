// Elements left out at random, anew at every step.
#pragma once

#include <algorithm>

#include <unroll/core/parallel.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

struct DropoutOptions {
  /// One number of m for all elements of a step (of a Matrix: of a sequence), so that it is left out as a whole: behind
  /// an embedding whole words.
  bool whole_steps = false;
  /// m = 1 / (1 - rate) for what is not left out, so that means stay; false: 1, as in the word dropout of Iyyer et al.
  /// 2015, behind which a text is read that has fewer words.
  bool scaled = true;
};

/// In training y = m * x with m = 0 at rate `rate`, else 1 / (1 - rate), drawn for every element of every step:
/// PyTorch's dropout between recurrent layers, keras Dropout. The identity otherwise. Srivastava et al. 2014.
template <class T = float> class Dropout {
 public:
  using Scalar = T;
  using State = Nothing;
  using Options = DropoutOptions;
  static constexpr bool identity_in_inference = true;
  template <Vectors<T> In> using Output = In;

  double rate;
  Options options;

  template <Vectors<T> In> struct Cache {
    In y, dx;
    Matrix<T> mask;
    bool active = false, want_dx = true;
    const In& output() const { return y; }
  };

  explicit Dropout(double of, Options how = {}) : rate(of), options(how) {
    detail::require_fraction("Dropout", "rate", rate);
  }

  template <Vectors<T> In>
  const In& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> = {}) const {
    detail::require_fraction("Dropout", "rate", rate);
    c.active = context.training && rate > 0;
    check_columns("Dropout", x);
    if (c.active) check_batch("Dropout", x);
    if (!c.active && !context.gradients) {
      values(c.y).resize(0, 0);  // nothing for a backward pass
      return x;
    }
    shape_like(c.y, x, values(x).rows());
    if (c.active) {
      draw(context, x, c.mask);
      values(c.y) = values(x).cwiseProduct(c.mask);
    } else {
      values(c.y) = values(x);
    }
    return c.y;
  }
  template <Vectors<T> In>
  const In& backward(const In& x, const In& dy, Cache<In>& c, Dropout&, Carry<State> = {}) const {
    detail::require_forward("Dropout", x, c.y);
    detail::require_features("Dropout", values(x), values(c.y).rows());
    detail::require_gradient("Dropout", dy, c.y);
    shape_like(c.dx, x, values(x).rows());
    if (c.active)
      values(c.dx) = values(dy).cwiseProduct(c.mask);
    else
      values(c.dx) = values(dy);
    return c.dx;
  }
  void initialize(Rng, const Scheme&) {}
  std::string describe() const {
    return concat_text("Dropout ", rate, options.whole_steps ? " of whole steps" : "",
                       options.scaled ? "" : ", not scaled");
  }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}

 private:
  template <class In> void draw(const Context& context, const In& x, Matrix<T>& mask) const {
    const DropoutMask of(context, 0, rate);
    mask.resize(values(x).rows(), values(x).cols());
    const Index drawn = options.whole_steps ? (std::min<Index>)(mask.rows(), 1) : mask.rows();
    parallel_ranges(mask.cols(), 64, [&](Index first, Index last) {
      for (Index n = first; n < last; ++n) {
        if constexpr (is_packed<In>)
          of.draw(x.packing.sequence_of(n), x.packing.time_of(n), drawn, mask.col(n).data());
        else
          of.draw(n, 0, drawn, mask.col(n).data());
        if (!options.scaled) mask.col(n).head(drawn) = (mask.col(n).head(drawn).array() > 0).template cast<T>();
        if (options.whole_steps && drawn > 0) mask.col(n).setConstant(mask(0, n));
      }
    });
  }
};
Dropout(double) -> Dropout<>;
Dropout(double, DropoutOptions) -> Dropout<>;

}  // namespace unroll::inline UNROLL_ABI
