// tanh and sigmoid as streams evaluate them: one sample after the other, where what counts is how long a value takes,
// not how many at once. A rational function needs no conversion to integers and has two short sums side by side.
#pragma once

#include <concepts>
#include <cstddef>

#include <unroll/core/config.hpp>
#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/simd.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// x P(x^2) / Q(x^2), minimax of the relative error on |x| <= limit by Remez exchange in 50 digits; tanh beyond the
/// limit is taken for that at the limit.
template <std::size_t N> struct RationalTanh {
  double limit;
  double p[N], q[N];

  /// The same function of x / 2, halved: sigmoid(x) - 1/2.
  constexpr RationalTanh sigmoid() const {
    RationalTanh result{2 * limit, {}, {}};
    double power = 1;
    for (std::size_t k = 0; k < N; ++k, power /= 4) {
      result.p[k] = p[k] * power / 4;
      result.q[k] = q[k] * power;
    }
    return result;
  }
};
// error 9.4e-9, and 1.2e-7 at the limit
inline constexpr RationalTanh<5> accurate_tanh{
    8.3,
    {0.99999999066672, 0.13425868362325, 0.0035491666831557, 2.1508456812155e-5, 1.4648208472048e-8},
    {1.0, 0.46759193189769, 0.026079940221496, 0.0003373946496072, 8.2950870740704e-7}};
// error 1.4e-4
inline constexpr RationalTanh<3> fast_tanh{
    6.0, {0.99986349268358, 0.099210784997214, 0.00057981231377581}, {1.0, 0.43181404598243, 0.011873502111169}};

template <std::size_t First, std::size_t N, class V> UNROLL_INLINE V polynomial_of(const V& x, const double (&c)[N]) {
  using T = typename V::Scalar;
  if constexpr (First + 1 == N)
    return V(static_cast<T>(c[First]));
  else
    return fma(polynomial_of<First + 1>(x, c), x, V(static_cast<T>(c[First])));
}
/// NaN comes through.
template <class V, std::size_t N> UNROLL_INLINE V rational(const V& x, const RationalTanh<N>& r) {
  using T = typename V::Scalar;
  const V clamped = clamp(x, V(static_cast<T>(-r.limit)), V(static_cast<T>(r.limit)));
  const V square = clamped * clamped;
  return clamped * polynomial_of<0>(square, r.p) / polynomial_of<0>(square, r.q);
}

}  // namespace detail

namespace stream {

/// As accurate as in training: tanh within 6 units in the last place, sigmoid within 2e-7 (double: 1e-15), over all
/// inputs (tests/kernel/activations_test.cpp).
struct Accurate {
  template <class T, int W, class Level> static UNROLL_INLINE Simd<T, W, Level> tanh(const Simd<T, W, Level>& x) {
    if constexpr (std::same_as<T, float>)
      return detail::or_nan(x, detail::rational(x, detail::accurate_tanh));
    else
      return unroll::tanh(x);
  }
  template <class T, int W, class Level> static UNROLL_INLINE Simd<T, W, Level> sigmoid(const Simd<T, W, Level>& x) {
    if constexpr (std::same_as<T, float>) {
      static constexpr auto r = detail::accurate_tanh.sigmoid();
      return detail::or_nan(x, T(0.5) + detail::rational(x, r));
    } else {
      return unroll::sigmoid(x);
    }
  }
};

/// Two terms less: tanh within a relative 1.5e-4, sigmoid within an absolute 7.5e-5.
struct Fast {
  template <class T, int W, class Level> static UNROLL_INLINE Simd<T, W, Level> tanh(const Simd<T, W, Level>& x) {
    return detail::or_nan(x, detail::rational(x, detail::fast_tanh));
  }
  template <class T, int W, class Level> static UNROLL_INLINE Simd<T, W, Level> sigmoid(const Simd<T, W, Level>& x) {
    static constexpr auto r = detail::fast_tanh.sigmoid();
    return detail::or_nan(x, T(0.5) + detail::rational(x, r));
  }
};

}  // namespace stream

namespace detail {

/// A Simd whose tanh and sigmoid are those of `Functions`: what a cell's equations are written over in a stream.
template <class Base, class Functions> class Activated {
 public:
  using Scalar = typename Base::Scalar;
  static constexpr int width = Base::width;

  UNROLL_INLINE Activated() {}
  template <class Number> requires std::is_arithmetic_v<Number>
  UNROLL_INLINE Activated(Number number) : value_(number) {}
  UNROLL_INLINE Activated(const Base& value) : value_(value) {}
  static UNROLL_INLINE Activated load(const Scalar* from) { return Base::load(from); }
  UNROLL_INLINE void store(Scalar* to) const { value_.store(to); }
  UNROLL_INLINE const Base& value() const { return value_; }

  friend UNROLL_INLINE Activated operator+(const Activated& a, const Activated& b) { return a.value_ + b.value_; }
  friend UNROLL_INLINE Activated operator-(const Activated& a, const Activated& b) { return a.value_ - b.value_; }
  friend UNROLL_INLINE Activated operator*(const Activated& a, const Activated& b) { return a.value_ * b.value_; }
  friend UNROLL_INLINE Activated operator/(const Activated& a, const Activated& b) { return a.value_ / b.value_; }
  friend UNROLL_INLINE Activated operator-(const Activated& a) { return -a.value_; }
  friend UNROLL_INLINE Activated operator+(const Activated& a) { return a; }
  UNROLL_INLINE Activated& operator+=(const Activated& b) { return *this = *this + b; }
  UNROLL_INLINE Activated& operator-=(const Activated& b) { return *this = *this - b; }
  UNROLL_INLINE Activated& operator*=(const Activated& b) { return *this = *this * b; }
  UNROLL_INLINE Activated& operator/=(const Activated& b) { return *this = *this / b; }

  friend UNROLL_INLINE auto operator<(const Activated& a, const Activated& b) { return a.value_ < b.value_; }
  friend UNROLL_INLINE auto operator<=(const Activated& a, const Activated& b) { return a.value_ <= b.value_; }
  friend UNROLL_INLINE auto operator>(const Activated& a, const Activated& b) { return a.value_ > b.value_; }
  friend UNROLL_INLINE auto operator>=(const Activated& a, const Activated& b) { return a.value_ >= b.value_; }
  friend UNROLL_INLINE auto operator==(const Activated& a, const Activated& b) { return a.value_ == b.value_; }
  friend UNROLL_INLINE auto operator!=(const Activated& a, const Activated& b) { return a.value_ != b.value_; }
  friend UNROLL_INLINE Activated select(const typename Base::Condition& mask, const Activated& a, const Activated& b) {
    return select(mask, a.value_, b.value_);
  }

  friend UNROLL_INLINE Activated(min)(const Activated& a, const Activated& b) { return a.value_.smaller(b.value_); }
  friend UNROLL_INLINE Activated(max)(const Activated& a, const Activated& b) { return a.value_.larger(b.value_); }
  friend UNROLL_INLINE Activated relu(const Activated& a) { return relu(a.value_); }
  friend UNROLL_INLINE Activated clamp(const Activated& x, const Activated& low, const Activated& high) {
    return clamp(x.value_, low.value_, high.value_);
  }
  friend UNROLL_INLINE Activated abs(const Activated& a) { return abs(a.value_); }
  friend UNROLL_INLINE Activated sqrt(const Activated& a) { return sqrt(a.value_); }
  friend UNROLL_INLINE Activated fma(const Activated& a, const Activated& b, const Activated& c) {
    return fma(a.value_, b.value_, c.value_);
  }
  friend UNROLL_INLINE Activated exp(const Activated& a) { return exp(a.value_); }
  friend UNROLL_INLINE Activated log(const Activated& a) { return log(a.value_); }
  friend UNROLL_INLINE Activated tanh(const Activated& a) { return Functions::tanh(a.value_); }
  friend UNROLL_INLINE Activated sigmoid(const Activated& a) { return Functions::sigmoid(a.value_); }

 private:
  Base value_;
};

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
