#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/kernel/functions.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/simd.hpp>

#include "levels.hpp"

using namespace unroll;

namespace {

// A helper as a user writes it: by value, not marked inline. It must work at every level, also without optimization.
template <class V> V helper(V a, V b) {
  return select((a < b) & !(a == 0), 1 - a, 0.5 * b) + max(min(a, 2), -b) / (1 + abs(b));
}

struct Arithmetic {
  template <class Isa, class T> static UNROLL_INLINE void run(const T* a, const T* b, T* out, Index n) {
    using V = typename Isa::template Vector<T>;
    for (Index i = 0; i < n; i += V::width) {
      const Index lanes = std::min<Index>(V::width, n - i);
      V sum = helper(V::load(a + i, lanes), V::load(b + i, lanes));
      sum -= 1;
      sum *= 3;
      (sqrt(abs(sum)) - sum).store(out + i, lanes);
    }
  }
};
template <class T> T arithmetic(T a, T b) {
  T sum = (a < b && a != 0 ? 1 - a : T(0.5) * b) + std::max(std::min(a, T(2)), -b) / (1 + std::abs(b));
  sum = (sum - 1) * 3;
  return std::sqrt(std::abs(sum)) - sum;
}

struct Fma {
  template <class Isa, class T> static UNROLL_INLINE void run(const T* a, const T* c, T* out) {
    using V = typename Isa::template Vector<T>;
    fma(V(*a), V(*a), V(*c)).store(out, 1);
  }
};

static_assert(std::is_convertible_v<int, Value<float>> && std::is_convertible_v<double, Value<double>>);
static_assert(!std::is_convertible_v<Value<float>, bool> && !std::is_convertible_v<Value<float>, float>);
static_assert(sizeof(Simd<double, 4>) == 32 && alignof(Simd<float, 16>) == 64 && sizeof(Value<float>) == 4);

}  // namespace

TEST_CASE_TEMPLATE("a value computes what its lanes compute, at every level and for any count", T, float, double) {
  for_each_level([](SimdLevel level) {
    for (Index n = 0; n < 40; ++n) {
      // As many bytes as the lanes need, so that a sanitizer sees an access past them.
      std::vector<T> a(static_cast<std::size_t>(n)), b(a.size()), out(a.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = static_cast<T>(i) * T(0.37) - 3;
        b[i] = 2 - static_cast<T>(i * i % 11);
      }
      detail::dispatch<Arithmetic>(static_cast<const T*>(a.data()), static_cast<const T*>(b.data()), out.data(), n);
      for (std::size_t i = 0; i < a.size(); ++i) {
        CAPTURE(name(level));
        CHECK(out[i] == doctest::Approx(static_cast<double>(arithmetic(a[i], b[i]))).epsilon(1e-5));
      }
    }
  });
}

TEST_CASE_TEMPLATE("the levels with FMA round a*b + c once", T, float, double) {
  const T e = std::numeric_limits<T>::epsilon(), a = 1 + e, c = -(1 + 2 * e);
  for (const SimdLevel level : {SimdLevel::avx2, SimdLevel::avx512}) {
    if (!has_simd_level(level)) continue;
    const ScopedLevel scoped(level);
    T out = 1;
    detail::dispatch<Fma>(&a, &c, &out);
    CHECK(out == e * e);
  }
}

TEST_CASE("a level that the processor or the build lacks is refused by name") {
  const SimdLevel before = simd_level();
  for (const SimdLevel level : simd_levels) {
    if (has_simd_level(level)) {
      set_simd_level(level);
      CHECK(simd_level() == level);
    } else {
      CHECK_THROWS_WITH_AS(set_simd_level(level), doctest::Contains(std::string(name(level)).c_str()),
                           std::invalid_argument);
    }
  }
  set_simd_level(before);
}

TEST_CASE("a value converts from numbers and shows its lanes") {
  const Value<double> x = 3;
  CHECK(static_cast<double>(1 - x) == -2.0);
  CHECK((x + 0.5f)[0] == 3.5);
  CHECK((-Value<float>(0.f))[0] == 0.f);
#if !defined(__FAST_MATH__)
  CHECK(std::signbit((-Value<float>(0.f))[0]));
#endif
  CHECK(Value<float>()[0] == 0.f);
  const auto [a, b] = std::array<Value<float>, 2>{1, 2};
  CHECK(select(a < b, 5, 6)[0] == 5.f);
  CHECK(select((!(a <= b)) | (a >= b) | (a > b) | (a != a), 5, 6)[0] == 6.f);
}
