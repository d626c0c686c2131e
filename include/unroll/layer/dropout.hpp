// Elements left out at random, anew at every step.
#pragma once

#include <unroll/core/parallel.hpp>
#include <unroll/layer/layer.hpp>

namespace unroll::inline UNROLL_ABI {

/// In training y = m * x with m = 0 at rate `rate`, else 1 / (1 - rate), drawn for every element of every step:
/// PyTorch's dropout between recurrent layers, keras Dropout. The identity otherwise. Srivastava et al. 2014.
template <class T = float> class Dropout {
 public:
  using Scalar = T;
  using State = Nothing;
  template <Vectors<T> In> using Output = In;

  double rate;

  template <Vectors<T> In> struct Cache {
    In y, dx;
    Matrix<T> mask;
    bool active = false, want_dx = true;
    const In& output() const { return y; }
  };

  explicit Dropout(double of) : rate(of) { detail::require_fraction("Dropout", "rate", rate); }

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
  std::string describe() const { return concat_text("Dropout ", rate); }
  template <class F, class... Self> static void visit(F&&, const Path&, Self&...) {}

 private:
  template <class In> void draw(const Context& context, const In& x, Matrix<T>& mask) const {
    const DropoutMask of(context, 0, rate);
    mask.resize(values(x).rows(), values(x).cols());
    parallel_ranges(mask.cols(), 64, [&](Index first, Index last) {
      for (Index n = first; n < last; ++n)
        if constexpr (is_packed<In>)
          of.draw(x.packing.sequence_of(n), x.packing.time_of(n), mask.rows(), mask.col(n).data());
        else
          of.draw(n, 0, mask.rows(), mask.col(n).data());
    });
  }
};
Dropout(double) -> Dropout<>;

}  // namespace unroll::inline UNROLL_ABI
