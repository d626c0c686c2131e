// Forecasts relative to the window that they are made from: LastValue and RevIn.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <unroll/layer/parts.hpp>
#include <unroll/layer/window_scale.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class Inner> class WindowNorm {
  static_assert(assert_layer<Inner>());

 public:
  using Scalar = typename Inner::Scalar;
  using T = Scalar;
  using State = typename Inner::State;
  template <class In> requires(Sequences<In, T> && Accepts<Inner, In>)
  using Output = Matrix<T>;

  Inner inner;
  WindowOutputs outputs;
  Parameter<T> gain, shift;  ///< (D) g and b; empty: none

  template <class In> struct Cache {
    In x, dx;  // x', and the gradient of x
    typename Inner::template Cache<In> inner;
    WindowScale<T> window;
    Matrix<T> y, dz;
    bool want_dx = true;
    const Matrix<T>& output() const { return y; }
  };

  static constexpr std::string_view names_of_parts() { return "inner"; }
  auto parts() { return std::tie(inner); }
  auto parts() const { return std::tie(inner); }

  template <Sequences<T> In>
  const Matrix<T>& forward(const Context& context, const In& x, Cache<In>& c, Carry<State> carry = {}) const {
    static_assert(
        std::same_as<typename Inner::template Output<In>, Matrix<T>>,
        "unroll::LastValue, RevIn: the inner layer gives a vector for each window, not for each step: it ends "
        "in FinalState or begins with Flatten.");
    check_columns(who_, x);
    check_window_inputs(who_, outputs, x.values.rows(), gain.size());
    c.window.normalize(x, outputs.as_is, by_deviation_, gain, shift, c.x);
    const Matrix<T>& z = inner.forward(context, c.x, c.inner, carry);
    check_window_outputs(who_, outputs, x.values.rows(), z.rows());
    c.window.restore(z, outputs, gain, shift, c.y);
    return c.y;
  }
  template <Sequences<T> In>
  const In& backward(const In& x, const Matrix<T>& dy, Cache<In>& c, WindowNorm& gradient, Carry<State> d = {}) const {
    require_forward(who_, x, c.x);
    require_gradient(who_, dy, c.y);
    check_gradient_shapes(who_, *this, gradient);
    T* const dg = gain.size() > 0 && gain.trainable ? gradient.gain.data() : nullptr;
    T* const db = shift.size() > 0 && shift.trainable ? gradient.shift.data() : nullptr;
    const bool goes_on = c.want_dx || dg != nullptr || db != nullptr;
    if constexpr (requires { c.inner.want_dx; }) c.inner.want_dx = goes_on;
    c.window.restore_backward(c.inner.output(), dy, outputs, gain, shift, c.dz, dg, db);
    const In& d_inner = inner.backward(c.x, c.dz, c.inner, gradient.inner, d);
    if (goes_on) c.window.normalize_backward(x, d_inner, by_deviation_, gain, c.want_dx ? &c.dx : nullptr, dg, db);
    return c.dx;
  }

  void initialize(Rng rng, const Scheme& scheme) {
    gain.setOnes();
    shift.setZero();
    inner.initialize(rng, scheme);
  }
  std::string describe() const { return concat_text(who_, " of (", inner.describe(), ")"); }
  template <class F, class... Self> static void visit(F&& f, const Path& at, Self&... self) {
    f(at.leaf("gain", Kind::unit), self.gain...);
    f(at.leaf("shift", Kind::bias), self.shift...);
    const Path here = at / "inner";
    Inner::visit(f, here, self.inner...);
  }

 protected:
  WindowNorm(Inner of, WindowOutputs which, Index affine, bool by_deviation)
      : inner(std::move(of)),
        outputs(std::move(which)),
        gain(Matrix<T>::Ones(affine, 1)),
        shift(Matrix<T>::Zero(affine, 1)),
        who_(by_deviation ? "RevIn" : "LastValue"),
        by_deviation_(by_deviation) {}

 private:
  const char* who_;
  bool by_deviation_;
};
}  // namespace detail

/// A forecaster that sees each window relative to its last value, and adds that to what it gives: an inner model that
/// gives zeros says "as it is now", so that one that has learned nothing is as good as persistence. NLinear (Zeng et
/// al. 2023) is `LastValue{Sequential{Flatten{}, Dense{look_back, horizon}}}`. Inner takes a (D, T) window and gives a
/// vector.
template <class Inner> class LastValue : public detail::WindowNorm<Inner> {
 public:
  explicit LastValue(Inner of, WindowOutputs which = {})
      : detail::WindowNorm<Inner>(std::move(of), std::move(which), 0, false) {}
};

struct RevInOptions {
  WindowOutputs outputs = {};
  /// D: a gain and a shift for each of D features are learned, those that are left as they are not counted; 0: none.
  Index affine = 0;
};
/// Reversible instance normalization (Kim et al. 2022): the inner model sees each window with mean 0 and deviation 1,
/// and what it gives is scaled back. A window that does not move has the deviation sqrt(1e-5).
template <class Inner> class RevIn : public detail::WindowNorm<Inner> {
 public:
  explicit RevIn(Inner of, RevInOptions options = {})
      : detail::WindowNorm<Inner>(std::move(of), std::move(options.outputs), checked(options.affine), true) {}

 private:
  static Index checked(Index affine) {
    require(affine >= 0, "RevIn: affine is ", affine, ", expected the number of features, or 0");
    return affine;
  }
};

}  // namespace unroll::inline UNROLL_ABI
