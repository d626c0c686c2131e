// Forecasts relative to the window that they are made from: LastValue and RevIn.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <unroll/core/parallel.hpp>
#include <unroll/layer/parts.hpp>

namespace unroll::inline UNROLL_ABI {

/// Which numbers of the input a model's outputs are forecasts of.
struct WindowOutputs {
  /// Features of the input, in the order in which every step of the horizon has them: output row h C + c is targets[c],
  /// h + 1 steps ahead. None: all features.
  std::vector<Index> targets = {};
  /// Rows of the output that are such values; those after them, a distribution's deviations, are left as they are.
  /// 0: all rows.
  Index values = 0;
};

namespace detail {
/// The numbers of LastValue and RevIn: what each window is taken relative to, forward and backward. With m the window's
/// last value and s = 1, or m its mean and s its deviation, g and b a gain and a shift for each feature or none:
///   x' = g (x - m) / s + b,   y = s (z - b) / (g + e^2) + m
template <class T> struct WindowScale {
  Matrix<T> m, s;                 ///< (D, B)
  Matrix<T> d_m, d_s;             ///< (D, B)
  static constexpr T e = T(1e-5);  ///< s = sqrt(variance + e)

  /// x -> x'
  UNROLL_API void normalize(const PackedSequence<T>& x, bool by_deviation, const Matrix<T>& g, const Matrix<T>& b,
                            PackedSequence<T>& to);
  /// z -> y
  UNROLL_API void restore(const Matrix<T>& z, const WindowOutputs& of, const Matrix<T>& g, const Matrix<T>& b,
                          Matrix<T>& y) const;
  /// dy -> dz, d_m and d_s; adds to dg and db where those are not null.
  UNROLL_API void restore_backward(const Matrix<T>& z, const Matrix<T>& dy, const WindowOutputs& of,
                                   const Matrix<T>& g, const Matrix<T>& b, Matrix<T>& dz, T* dg, T* db);
  /// dx' (in `d`) -> dx, where that is not null; uses up d_m and d_s.
  UNROLL_API void normalize_backward(const PackedSequence<T>& x, const PackedSequence<T>& d, bool by_deviation,
                                     const Matrix<T>& g, PackedSequence<T>* dx, T* dg, T* db);
};
/// Throws where the rows of an output are not those of whole steps of the targets.
UNROLL_API void check_window_outputs(std::string_view who, const WindowOutputs& of, Index features, Index rows);

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
    static_assert(std::same_as<typename Inner::template Output<In>, Matrix<T>>,
                  "unroll::LastValue, RevIn: the inner layer gives a vector for each window, not for each step: it ends "
                  "in FinalState or begins with Flatten.");
    check_columns(who_, x);
    if (gain.size() > 0) require_features(who_, x.values, gain.size());
    c.window.normalize(x, by_deviation_, gain, shift, c.x);
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
/// gives zeros says "as it is now", so that one that has learned nothing is as good as persistence. NLinear (Zeng et al.
/// 2023) is `LastValue{Sequential{Flatten{}, Dense{look_back, horizon}}}`. Inner takes a (D, T) window and gives a vector.
template <class Inner> class LastValue : public detail::WindowNorm<Inner> {
 public:
  explicit LastValue(Inner of, WindowOutputs outputs = {})
      : detail::WindowNorm<Inner>(std::move(of), std::move(outputs), 0, false) {}
};

struct RevInOptions {
  WindowOutputs outputs = {};
  Index affine = 0;  ///< D: a gain and a shift for each of D features are learned; 0: none
};
/// Reversible instance normalization (Kim et al. 2022): the inner model sees each window with mean 0 and deviation 1,
/// and what it gives is scaled back. A window that does not move has the deviation sqrt(1e-5).
template <class Inner> class RevIn : public detail::WindowNorm<Inner> {
 public:
  explicit RevIn(Inner of, RevInOptions options = {})
      : detail::WindowNorm<Inner>(std::move(of), std::move(options.outputs), options.affine, true) {
    require(options.affine >= 0, "RevIn: affine is ", options.affine, ", expected the number of features, or 0");
  }
};

namespace detail {
/// f(j, row, length) for all sequences of a batch.
template <class F> void for_windows(const Packing& p, const F& f) {
  parallel_ranges(p.batch(), 16, [&](Index first, Index last) {
    for (Index j = first; j < last; ++j) f(j, p.row(j), p.length(j));
  });
}
template <class T>
void WindowScale<T>::normalize(const PackedSequence<T>& x, bool by_deviation, const Matrix<T>& g, const Matrix<T>& b,
                               PackedSequence<T>& to) {
  const Index D = x.values.rows();
  shape_like(to, x, D);
  m.resize(D, x.packing.batch());
  s.resize(by_deviation ? D : 0, by_deviation ? m.cols() : 0);
  for_windows(x.packing, [&](Index j, Index row, Index length) {
    const auto step = [&](Index t) { return (x.packing.offset(t) + j) * D; };
    for (Index d = 0; d < D; ++d) {
      const T* const in = x.values.data() + d;
      T middle = 0, deviation = 1;
      if (length > 0 && !by_deviation) middle = in[step(length - 1)];
      if (length > 0 && by_deviation) {
        for (Index t = 0; t < length; ++t) middle += in[step(t)];
        middle /= static_cast<T>(length);
        T sum = 0;
        for (Index t = 0; t < length; ++t) sum += (in[step(t)] - middle) * (in[step(t)] - middle);
        deviation = std::sqrt(sum / static_cast<T>(length) + e);
      }
      m(d, row) = middle;
      if (by_deviation) s(d, row) = deviation;
      const T factor = g.size() > 0 ? g.data()[d] / deviation : 1 / deviation, add = g.size() > 0 ? b.data()[d] : T(0);
      for (Index t = 0; t < length; ++t) to.values.data()[step(t) + d] = (in[step(t)] - middle) * factor + add;
    }
  });
}
template <class T>
void WindowScale<T>::restore(const Matrix<T>& z, const WindowOutputs& of, const Matrix<T>& g, const Matrix<T>& b,
                             Matrix<T>& y) const {
  const Index rows = of.values > 0 ? of.values : z.rows();
  const auto C = of.targets.empty() ? m.rows() : static_cast<Index>(of.targets.size());
  y.resize(z.rows(), z.cols());
  for (Index n = 0; n < z.cols(); ++n)
    for (Index k = 0; k < z.rows(); ++k) {
      const Index d = of.targets.empty() ? k % C : of.targets[static_cast<std::size_t>(k % C)];
      T value = z(k, n);
      if (k < rows) {
        if (g.size() > 0) value = (value - b.data()[d]) / (g.data()[d] + e * e);
        value = (s.size() > 0 ? value * s(d, n) : value) + m(d, n);
      }
      y(k, n) = value;
    }
}
template <class T>
void WindowScale<T>::restore_backward(const Matrix<T>& z, const Matrix<T>& dy, const WindowOutputs& of,
                                      const Matrix<T>& g, const Matrix<T>& b, Matrix<T>& dz, T* dg, T* db) {
  const Index rows = of.values > 0 ? of.values : z.rows();
  const auto C = of.targets.empty() ? m.rows() : static_cast<Index>(of.targets.size());
  dz.resize(z.rows(), z.cols());
  d_m.resize(m.rows(), m.cols());
  d_m.setZero();
  d_s.resize(s.rows(), s.cols());
  d_s.setZero();
  for (Index n = 0; n < z.cols(); ++n)
    for (Index k = 0; k < z.rows(); ++k) {
      dz(k, n) = dy(k, n);
      if (k >= rows) continue;
      const Index d = of.targets.empty() ? k % C : of.targets[static_cast<std::size_t>(k % C)];
      const T gain = g.size() > 0 ? g.data()[d] + e * e : T(1), value = g.size() > 0 ? z(k, n) - b.data()[d] : z(k, n);
      d_m(d, n) += dy(k, n);
      if (s.size() > 0) {
        d_s(d, n) += dy(k, n) * value / gain;
        dz(k, n) *= s(d, n) / gain;
      }
      if (dg != nullptr) dg[d] -= dz(k, n) * value / gain;
      if (db != nullptr) db[d] -= dz(k, n);
    }
}
template <class T>
void WindowScale<T>::normalize_backward(const PackedSequence<T>& x, const PackedSequence<T>& d, bool by_deviation,
                                        const Matrix<T>& g, PackedSequence<T>* dx, T* dg, T* db) {
  const Index D = x.values.rows();
  for (Index j = 0; j < x.packing.batch() && (dg != nullptr || db != nullptr); ++j)
    for (Index t = 0; t < x.packing.length(j); ++t)
      for (Index k = 0, n = x.packing.offset(t) + j, row = x.packing.row(j); k < D; ++k) {
        if (dg != nullptr) dg[k] += d.values(k, n) * (x.values(k, n) - m(k, row)) / s(k, row);
        if (db != nullptr) db[k] += d.values(k, n);
      }
  if (dx == nullptr) return;
  shape_like(*dx, x, D);
  for_windows(x.packing, [&](Index j, Index row, Index length) {
    for (Index k = 0; k < D; ++k) {
      const T deviation = by_deviation ? s(k, row) : T(1), factor = (g.size() > 0 ? g.data()[k] : T(1)) / deviation;
      T sum = 0, product = 0;
      for (Index t = 0; t < length; ++t) {
        const Index n = x.packing.offset(t) + j;
        const T u = d.values(k, n) * factor;
        sum += u;
        if (by_deviation) product += u * (x.values(k, n) - m(k, row)) / deviation;
        dx->values(k, n) = u;
      }
      const T middle = d_m(k, row) - sum;
      if (!by_deviation && length > 0) dx->values(k, x.packing.offset(length - 1) + j) += middle;
      if (!by_deviation) continue;
      const T spread = (d_s(k, row) - product) / deviation;
      for (Index t = 0; t < length; ++t) {
        const Index n = x.packing.offset(t) + j;
        dx->values(k, n) += (middle + spread * (x.values(k, n) - m(k, row))) / static_cast<T>(length);
      }
    }
  });
}
#define UNROLL_WINDOW_NORM_INSTANCES(DECLARE, T) DECLARE struct WindowScale<T>;
#if !UNROLL_HEADER_ONLY
UNROLL_WINDOW_NORM_INSTANCES(extern template, float)
UNROLL_WINDOW_NORM_INSTANCES(extern template, double)
#endif
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/layer/window_norm.ipp>
#endif
