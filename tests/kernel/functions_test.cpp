#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/level.hpp>

#include "levels.hpp"

using namespace unroll;

namespace {

#if defined(__FAST_MATH__)
constexpr bool fast_math = true;  // denormals are flushed, and single divisions are approximated
#else
constexpr bool fast_math = false;
#endif

template <class T> using UInt = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

// By bits throughout: -ffast-math believes that infinities and NaN do not occur.
template <class T> constexpr UInt<T> sign_bit = ~(~UInt<T>{0} >> 1);
template <class T>
constexpr UInt<T> infinity_bits = static_cast<UInt<T>>(sizeof(T) == 4 ? 0x7f800000 : 0x7ff0000000000000);
template <class T> bool is_nan(const T& x) { return (std::bit_cast<UInt<T>>(x) & ~sign_bit<T>) > infinity_bits<T>; }
template <class T> bool is_infinite(const T& x) {
  return (std::bit_cast<UInt<T>>(x) & ~sign_bit<T>) == infinity_bits<T>;
}

struct Exp {
  static constexpr double ulps = 6, ulps_double = 4;
  template <class V> static UNROLL_INLINE V of(const V& x) { return exp(x); }
  static long double exact(long double x) { return std::exp(x); }
  static double exact(double x) { return std::exp(x); }
};
struct Log {
  static constexpr double ulps = 6, ulps_double = 4;
  template <class V> static UNROLL_INLINE V of(const V& x) { return log(x); }
  static long double exact(long double x) { return std::log(x); }
  static double exact(double x) { return std::log(x); }
};
struct Tanh {
  static constexpr double ulps = 6, ulps_double = 4;
  template <class V> static UNROLL_INLINE V of(const V& x) { return tanh(x); }
  static long double exact(long double x) { return std::tanh(x); }
  static double exact(double x) { return std::tanh(x); }
};
struct Sigmoid {
  static constexpr double ulps = 0, ulps_double = 0;  // the bound is absolute
  template <class V> static UNROLL_INLINE V of(const V& x) { return sigmoid(x); }
  template <class Real> static Real exact(Real x) { return 1 / (1 + std::exp(-x)); }
};

template <class F> struct Map {
  template <class Isa, class T> static UNROLL_INLINE void run(const T* x, T* y, Index n) {
    using V = typename Isa::template Vector<T>;
    for (Index i = 0; i < n; i += V::width) F::of(V::load(x + i)).store(y + i);
  }
};
template <class F, class T> std::vector<T> map(const std::vector<T>& x) {
  std::vector<T> y(x.size());
  detail::dispatch<Map<F>>(x.data(), y.data(), static_cast<Index>(x.size()));
  return y;
}

/// Float: every 10007th pattern of bits (a prime, so that all exponents and both signs come up). Double: random
/// patterns, and random numbers of ordinary size.
template <class T> std::vector<T> inputs() {
  std::vector<T> x;
  if constexpr (sizeof(T) == 4) {
    for (std::uint64_t bits = 0; bits <= 0xffffffff; bits += 10007)
      x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  } else {
    std::uint64_t state = 1;
    for (int k = 0; k < 120000; ++k) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double unit = static_cast<double>(state >> 11) * 0x1p-53 - 0.5;
      x.push_back(k % 2 == 0 ? std::bit_cast<double>(state) : unit * (k % 4 == 1 ? 80 : k % 8 == 3 ? 2 : 1600));
    }
  }
  while (x.size() % 16 != 0) x.push_back(1);
  return x;
}

template <class F, class T> void check_accuracy(SimdLevel level) {
  const std::vector<T> x = inputs<T>(), y = map<F>(x);
  double worst = 0, worst_at = 0;
  int wrong = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (is_nan(x[i])) {
      wrong += !is_nan(y[i]);
      continue;
    }
    if (is_infinite(x[i]) || (fast_math && std::abs(x[i]) < std::numeric_limits<T>::min())) continue;
    if (std::is_same_v<F, Log> && x[i] < 0) {
      wrong += !is_nan(y[i]);
      continue;
    }
    using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
    const Wide exact = F::exact(static_cast<Wide>(x[i]));
    const T rounded = static_cast<T>(exact);
    double error = 0;
    if (F::ulps == 0) {
      error = static_cast<double>(std::abs(exact - y[i]));
    } else if (is_infinite(rounded) || is_nan(rounded)) {
      wrong += std::bit_cast<UInt<T>>(rounded) != std::bit_cast<UInt<T>>(y[i]);
    } else if (std::abs(rounded) < std::numeric_limits<T>::min()) {
      wrong += !(std::abs(y[i]) <= std::numeric_limits<T>::min());
    } else if (is_infinite(y[i]) || is_nan(y[i])) {
      wrong += 1;
    } else {
      int exponent = 0;
      std::frexp(exact, &exponent);
      error =
          static_cast<double>(std::abs(exact - y[i]) / std::ldexp(Wide(1), exponent - std::numeric_limits<T>::digits));
      // clang's -ffast-math divides by an estimate whose correction underflows for the smallest numbers
      if (fast_math && std::abs(exact) < Wide(1e-30)) error = 0;
    }
    if (error > worst) worst = error, worst_at = static_cast<double>(x[i]);
  }
  CAPTURE(name(level));
  CAPTURE(worst_at);
  CHECK(wrong == 0);
  CHECK(worst <= (F::ulps == 0 ? (sizeof(T) == 4 ? 2e-7 : 1e-15) : sizeof(T) == 4 ? F::ulps : F::ulps_double));
}

/// The bits of f(x) for the bits of x.
template <class F, class T> UInt<T> bits_at(UInt<T> x) {
  std::vector<T> all(16);
  for (T& number : all) std::memcpy(&number, &x, sizeof(T));
  return std::bit_cast<UInt<T>>(map<F>(all)[0]);
}

}  // namespace

TEST_CASE_TEMPLATE("exp, log, tanh and sigmoid keep their accuracy over all inputs, at every level", T, float, double) {
  for_each_level([](SimdLevel level) {
    check_accuracy<Exp, T>(level);
    check_accuracy<Log, T>(level);
    check_accuracy<Tanh, T>(level);
    check_accuracy<Sigmoid, T>(level);
  });
}

TEST_CASE_TEMPLATE("infinities give the limits, and NaN stays NaN", T, float, double) {
  using U = UInt<T>;
  const U infinity = infinity_bits<T>, minus_infinity = infinity | sign_bit<T>;
  const U nan = infinity | (infinity >> 1), minus_nan = nan | sign_bit<T>;
  const U one = std::bit_cast<U>(T(1)), minus_one = std::bit_cast<U>(T(-1)), half = std::bit_cast<U>(T(0.5));
  struct Case {
    U (*f)(U);
    U x, y;
  };
  const Case cases[] = {{bits_at<Exp, T>, infinity, infinity},
                        {bits_at<Exp, T>, minus_infinity, 0},
                        {bits_at<Exp, T>, 0, one},
                        {bits_at<Exp, T>, nan, nan},
                        {bits_at<Exp, T>, minus_nan, nan},
                        {bits_at<Tanh, T>, infinity, one},
                        {bits_at<Tanh, T>, minus_infinity, minus_one},
                        {bits_at<Tanh, T>, 0, 0},
                        {bits_at<Tanh, T>, nan, nan},
                        {bits_at<Tanh, T>, minus_nan, nan},
                        {bits_at<Sigmoid, T>, infinity, one},
                        {bits_at<Sigmoid, T>, minus_infinity, 0},
                        {bits_at<Sigmoid, T>, 0, half},
                        {bits_at<Sigmoid, T>, nan, nan},
                        {bits_at<Sigmoid, T>, minus_nan, nan},
                        {bits_at<Log, T>, infinity, infinity},
                        {bits_at<Log, T>, 0, minus_infinity},
                        {bits_at<Log, T>, one, 0},
                        {bits_at<Log, T>, nan, nan},
                        {bits_at<Log, T>, minus_nan, nan},
                        {bits_at<Log, T>, minus_infinity, nan},
                        {bits_at<Log, T>, minus_one, nan}};
  const auto is_nan_bits = [&](U bits) { return (bits & ~sign_bit<T>) > infinity; };
  for_each_level([&](SimdLevel level) {
    for (const Case& c : cases) {
      const U y = c.f(c.x);
      const U distance = y - c.y + 4;  // an approximate division may miss by a few units
      const bool as_expected = c.y == nan ? is_nan_bits(y) : fast_math ? distance <= 8 : distance == 4;
      CAPTURE(name(level));
      CAPTURE(&c - cases);
      CHECK(as_expected);
    }
  });
}

#if !defined(__FAST_MATH__)
TEST_CASE_TEMPLATE("AVX2 and AVX-512 give the same bits", T, float, double) {
  if (!has_simd_level(SimdLevel::avx512)) return;
  const std::vector<T> x = inputs<T>();
  const auto differences = [&](auto f) {
    using F = decltype(f);
    std::vector<T> y[2];
    for (const SimdLevel level : {SimdLevel::avx2, SimdLevel::avx512}) {
      const ScopedLevel scoped(level);
      y[level == SimdLevel::avx512] = map<F>(x);
    }
    int count = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      count += std::bit_cast<UInt<T>>(y[0][i]) != std::bit_cast<UInt<T>>(y[1][i]);
    return count;
  };
  CHECK(differences(Exp{}) == 0);
  CHECK(differences(Log{}) == 0);
  CHECK(differences(Tanh{}) == 0);
  CHECK(differences(Sigmoid{}) == 0);
}
#endif
