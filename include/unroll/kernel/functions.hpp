// exp, log, sigmoid and tanh of a Simd. One source for all widths, with every product that meets a sum written as fma:
// the bits do not depend on the width where FMA is available.
//
// Error in units in the last place (float / double), over all inputs, measured by tests/kernel/functions_test.cpp:
// exp, log, tanh <= 6 / 4; sigmoid <= 2e-7 / 1e-15 absolute. Infinities give the limits, NaN gives NaN also under
// -ffast-math, results below the normal numbers may be 0.
#pragma once

#include <limits>

#include <unroll/core/config.hpp>
#include <unroll/kernel/simd.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {

namespace detail {

/// The lanes of a Simd as unsigned integers of the same size.
template <class V> struct Bits {
  using T = typename V::Scalar;
  static constexpr int W = V::width;
  using Signed = LanesOf<IntOf<T>, W>;
  using Storage = LanesOf<std::make_unsigned_t<IntOf<T>>, W>;
  Storage lanes;

  static UNROLL_INLINE Bits of(const V& x) { return {__builtin_bit_cast(Storage, x.lanes())}; }
  UNROLL_INLINE V as_float() const { return V::from(__builtin_bit_cast(LanesOf<T, W>, lanes)); }
  // Conversions of values below 2^31: processors before AVX-512 convert double only from and to 32 bits.
  /// Rounded down, for x >= 0. By conversion: adding and subtracting a large number is folded away by -ffast-math.
  static UNROLL_INLINE Bits truncate(const V& x) {
    if constexpr (W == 1)
      return {x[0] >= 0 && x[0] < T(1e9) ? static_cast<Storage>(x[0]) : Storage{0}};
    else if constexpr (sizeof(T) == 4)
      return {__builtin_bit_cast(Storage, __builtin_convertvector(x.lanes(), Signed))};
    else
      return {__builtin_bit_cast(
          Storage, __builtin_convertvector(__builtin_convertvector(x.lanes(), LanesOf<std::int32_t, W>), Signed))};
  }
  UNROLL_INLINE V converted() const {
    if constexpr (W == 1)
      return V(lanes);
    else if constexpr (sizeof(T) == 4)
      return V::from(__builtin_convertvector(__builtin_bit_cast(Signed, lanes), LanesOf<T, W>));
    else
      return V::from(__builtin_convertvector(__builtin_convertvector(lanes, LanesOf<std::int32_t, W>), LanesOf<T, W>));
  }
};

/// x, but the compiler cannot tell: no reassociation by -ffast-math across it.
template <class V> UNROLL_INLINE V opaque(const V& x) {
#if defined(__FAST_MATH__) && defined(__x86_64__) && defined(__GNUC__)
  if constexpr (sizeof(V) <= 16) {
    auto lanes = x.lanes();
    asm("" : "+x"(lanes));
    return V::from(lanes);
  }
#endif
  return x;
}

/// y, but x where x is NaN. Without -ffast-math NaN comes through by itself.
template <class V> UNROLL_INLINE V or_nan(const V& x, const V& y) {
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
  using U = std::make_unsigned_t<IntOf<typename V::Scalar>>;
  constexpr U infinity = sizeof(U) == 4 ? U{0x7f800000} : static_cast<U>(0x7ff0000000000000);
  const typename V::Condition is_nan{(Bits<V>::of(x).lanes & static_cast<U>(~U{0} >> 1)) > infinity};
  return select(is_nan, x, y);
#else
  static_cast<void>(x);
  return y;
#endif
}

/// Coefficients: minimax by Remez exchange in 50 digits (relative error of the sum in the comment), then rounded to T.
template <class T> struct Constants;
template <> struct Constants<float> {
  static constexpr int bias = 127, mantissa = 23;
  static constexpr float log2_e = 1.44269504f;
  static constexpr float ln2 = 0.693147181f;
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;  // 9 bits: n * ln2_high is exact
  // e^r = 1 + r + r^2 p(r) for |r| <= 1.02 ln(2)/2; error over r: 2^-26
  static constexpr float exp[] = {0.50000000697202088f, 0.16666532837347043f, 0.041666250416693808f,
                                  0.0083679229696874662f, 0.0013948770043121581f};
  // log((1+s)/(1-s)) = 2s + s^3 p(s^2) for |s| <= 1.01 (sqrt(2)-1)/(sqrt(2)+1); error over 2s: 2^-37
  static constexpr float log[] = {0.66666665559280265f, 0.40000356274325967f, 0.28535882625822592f,
                                  0.23610665678500429f};
  static constexpr float exp_lowest = -104.f, exp_highest = 89.f;         // 0 and infinity from there
  static constexpr float sigmoid_lowest = -88.f, sigmoid_highest = 20.f;  // 0 and 1 from there
  static constexpr float tanh_highest = 10.f;                             // 1 from there
};
template <> struct Constants<double> {
  static constexpr int bias = 1023, mantissa = 52;
  static constexpr double log2_e = 1.4426950408889634;
  static constexpr double ln2 = 0.69314718055994531;
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;  // 33 bits
  // error over r: 2^-55
  static constexpr double exp[] = {0.50000000000000067577,     0.16666666666666690191,   0.041666666666557741861,
                                   0.0083333333333114015995,   0.0013888888937837660731, 0.00019841269910764320394,
                                   0.000024801497647928109724, 2.7557220480471427165e-6, 2.7629102939981280956e-7,
                                   2.5116977935425534774e-8};
  // error over 2s: 2^-59
  static constexpr double log[] = {0.66666666666667447215, 0.3999999999933893929,  0.28571428760689887208,
                                   0.22222196559829978802, 0.18183675390137404841, 0.15311057331616579321,
                                   0.14827307692648859781};
  static constexpr double exp_lowest = -746., exp_highest = 710.;
  static constexpr double sigmoid_lowest = -709.2, sigmoid_highest = 40.;
  static constexpr double tanh_highest = 20.;
};

/// c[0] + c[1] x + ... by Horner's rule. By recursion: in a loop GCC would make the constants into vectors lane by
/// lane.
template <int First = 0, class V, std::size_t N>
UNROLL_INLINE V polynomial(const V& x, const typename V::Scalar (&c)[N]) {
  if constexpr (First + 1 == static_cast<int>(N))
    return c[First];
  else
    return fma(polynomial<First + 1>(x, c), x, V(c[First]));
}

/// x = n ln(2) + r with an integer n, |r| <= ln(2)/2; then 2^n by the bits of n, and e^r - 1 by a polynomial.
template <class V> struct Exponential {
  using T = typename V::Scalar;
  using C = Constants<T>;
  Bits<V> biased;  // n + offset
  V expm1_r;

  /// `offset` makes n + offset positive, so that truncation rounds down.
  UNROLL_INLINE Exponential(const V& x, int offset)
      : biased(Bits<V>::truncate(fma(x, V(C::log2_e), V(static_cast<T>(offset) + T(0.5))))) {
    const V n = biased.converted() - V(offset);
    const V r = fma(n, V(-C::ln2_low), opaque(fma(n, V(-C::ln2_high), x)));
    expm1_r = fma(r * r, polynomial(r, C::exp), r);
  }
  static UNROLL_INLINE V power_of_2(const Bits<V>& biased_exponent) {
    return Bits<V>{biased_exponent.lanes << C::mantissa}.as_float();
  }
};

}  // namespace detail

/// e^x.
template <class T, int W, class Level> UNROLL_INLINE Simd<T, W, Level> exp(const Simd<T, W, Level>& x) {
  using V = Simd<T, W, Level>;
  using C = detail::Constants<T>;
  const V clamped = clamp(x, V(C::exp_lowest), V(C::exp_highest));
  const detail::Exponential<V> e(clamped, 2 * C::bias);
  // In two factors: 2^n alone would overflow, or vanish, before e^x does.
  const auto half = e.biased.lanes >> 1;
  const V first = e.power_of_2({half}), second = e.power_of_2({e.biased.lanes - half});
  return detail::or_nan(x, detail::opaque(fma(e.expm1_r, first, first)) * second);
}

/// 1 / (1 + e^-x), as e^x / (1 + e^x): relative accuracy on the left, no infinity on the right.
template <class T, int W, class Level> UNROLL_INLINE Simd<T, W, Level> sigmoid(const Simd<T, W, Level>& x) {
  using V = Simd<T, W, Level>;
  using C = detail::Constants<T>;
  const V clamped = clamp(x, V(C::sigmoid_lowest), V(C::sigmoid_highest));
  const detail::Exponential<V> e(clamped, C::bias);
  const V power = e.power_of_2(e.biased);
  const V e_x = fma(e.expm1_r, power, power);
  return detail::or_nan(x, e_x / (1 + e_x));
}

/// (e^2x - 1) / (e^2x + 1). From e^2x - 1, not from the sigmoid: that keeps the relative accuracy of small x.
template <class T, int W, class Level> UNROLL_INLINE Simd<T, W, Level> tanh(const Simd<T, W, Level>& x) {
  using V = Simd<T, W, Level>;
  using C = detail::Constants<T>;
  const V clamped = clamp(x, V(-C::tanh_highest), V(C::tanh_highest));
  const detail::Exponential<V> e(clamped + clamped, C::bias);
  const V power = e.power_of_2(e.biased);
  const V expm1_2x = fma(e.expm1_r, power, power - 1);
  return detail::or_nan(x, expm1_2x / (expm1_2x + 2));
}

/// The natural logarithm; -infinity at 0, NaN below.
template <class T, int W, class Level> UNROLL_INLINE Simd<T, W, Level> log(const Simd<T, W, Level>& x) {
  using V = Simd<T, W, Level>;
  using C = detail::Constants<T>;
  using U = std::make_unsigned_t<detail::IntOf<T>>;
  using B = detail::Bits<V>;
  using M = typename V::Condition;
  constexpr U one = static_cast<U>(C::bias) << C::mantissa;
  constexpr U infinity = static_cast<U>(2 * C::bias + 1) << C::mantissa;
  constexpr U sign = ~(~U{0} >> 1);
  constexpr U root_half = sizeof(T) == 4 ? U{0x3f3504f3} : static_cast<U>(0x3fe6a09e667f3bcd);
  constexpr U fraction = (U{1} << C::mantissa) - 1;
  // x = 2^k m with sqrt(1/2) <= m < sqrt(2)
  const M is_small = x < (std::numeric_limits<T>::min)();
  const V scale = static_cast<T>(U{1} << (C::mantissa + 2));
  const auto bits = B::of(select(is_small, x * scale, x)).lanes + (one - root_half);
  const V k = B{bits >> C::mantissa}.converted() - select(is_small, V(C::bias + C::mantissa + 2), V(C::bias));
  const V f = B{(bits & fraction) + root_half}.as_float() - 1;
  const V s = f / (f + 2), z = s * s, half_f2 = V(T(0.5)) * f * f;
  // log(1+f) = f - half_f2 + s (half_f2 + z p(z)), with the two parts of k ln(2) added where they lose least
  const V sum = fma(s, fma(z, detail::polynomial(z, C::log), half_f2), k * V(C::ln2_low));
  const V result = fma(k, V(C::ln2_high), f - (half_f2 - sum));
  // the ends of the range, by bits: -ffast-math believes that they do not occur
  const auto of_x = B::of(x).lanes, magnitude = of_x & ~sign, zero = of_x ^ of_x;
  const V at_zero = B{zero | (sign | infinity)}.as_float(), nan = B{zero | (infinity | (infinity >> 1))}.as_float();
  const V above = select(M{magnitude >= infinity}, x, result);
  return select(M{magnitude == 0}, at_zero, select(M{of_x > sign}, nan, above));
}

}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
