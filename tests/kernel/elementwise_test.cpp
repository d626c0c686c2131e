#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/kernel/elementwise.hpp>

#include "levels.hpp"

using namespace unroll;

namespace {

template <class T> std::vector<T> numbers(Index n, double shift) {
  std::vector<T> x(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(std::sin(static_cast<double>(i) * 1.3 + shift));
  return x;
}

/// Adam as an optimizer writes it: a formula over values.
template <class T> struct AdamLike {
  T step, take1, take2, epsilon;
  template <class V> void operator()(V& w, const V& g, V& m, V& v) const {
    m += take1 * (g - m);
    v += take2 * (g * g - v);
    w -= step * m / (sqrt(v) + epsilon);
  }
};

}  // namespace

TEST_CASE_TEMPLATE("a formula is applied to every element and to none behind the last", T, float, double) {
  for_each_level([](SimdLevel level) {
    CAPTURE(name(level));
    double worst = 0;
    for (Index n = 0; n < 70; ++n) {
      std::vector<T> w = numbers<T>(n, 0), m = numbers<T>(n, 1), v = numbers<T>(n, 2);
      for (T& x : v) x = x * x;
      const std::vector<T> g = numbers<T>(n, 3), w0 = w, m0 = m, v0 = v;
      const AdamLike<T> adam{T(0.01), T(0.1), T(0.001), T(1e-8)};
      for_each_element(n, adam, w.data(), g.data(), m.data(), v.data());
      for (std::size_t i = 0; i < w.size(); ++i) {
        const double mi = m0[i] + 0.1 * (g[i] - m0[i]), vi = v0[i] + 0.001 * (g[i] * g[i] - v0[i]);
        worst = std::max({worst, std::abs(mi - m[i]), std::abs(vi - v[i]),
                          std::abs(w0[i] - 0.01 * mi / (std::sqrt(vi) + 1e-8) - w[i])});
      }
    }
    CHECK(worst < (sizeof(T) == 4 ? 1e-6 : 1e-9));
  });
}

TEST_CASE_TEMPLATE("fill, scale, axpy, add and multiply", T, float, double) {
  for_each_level([](SimdLevel level) {
    CAPTURE(name(level));
    const Index n = 37;
    std::vector<T> x = numbers<T>(n, 0), y = numbers<T>(n, 1);
    const std::vector<T> x0 = x, y0 = y;
    axpy(n, 2, x.data(), y.data());
    scale(n, 3, x.data());
    add(n, x.data(), y.data());
    multiply(n, y.data(), x.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      worst = std::max(worst, std::abs(double(y0[i] + 5 * x0[i] - y[i])));
      worst = std::max(worst, std::abs(double(3 * x0[i] * y[i] - x[i])));
    }
    CHECK(worst < 1e-5);
    fill(n - 1, 7, x.data());
    CHECK(x[n - 2] == 7);
    CHECK(x[n - 1] != 7);
  });
}

TEST_CASE_TEMPLATE("the sums of rows are added, and none behind the last", T, float, double) {
  for (const Index rows : {1, 7, 16, 33, 1030})
    for (const Index cols : {0, 1, 5, 64, 131}) {
      const std::vector<T> m = numbers<T>(rows * cols, 0.3), before = numbers<T>(rows, 2);
      std::vector<std::vector<T>> sums;
      for_each_level([&](SimdLevel level) {
        CAPTURE(name(level));
        std::vector<T> out = before;
        add_row_sums<T>({m.data(), rows, cols, rows}, out.data());
        double worst = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
          double sum = before[i];
          for (Index j = 0; j < cols; ++j) sum += m[std::size_t(j * rows) + i];
          worst = std::max(worst, std::abs(sum - out[i]));
        }
        CHECK(worst < (sizeof(T) == 4 ? 1e-4 : 1e-12));
#if !defined(__FAST_MATH__)
        sums.push_back(out);
        CHECK(sums.back() == sums.front());
#endif
      });
    }
}

#if !defined(__FAST_MATH__)
TEST_CASE("a sum of squares of floats has the same bits at every level, and a part of it too") {
  for (const Index n : {0, 1, 15, 16, 17, 100, 4099}) {
    const std::vector<float> x = numbers<float>(n, 0.5);
    std::vector<std::uint64_t> bits;
    for_each_level([&](SimdLevel) { bits.push_back(std::bit_cast<std::uint64_t>(sum_of_squares(n, x.data()))); });
    for (const std::uint64_t b : bits) CHECK(b == bits[0]);
    long double sum = 0;
    for (const float v : x) sum += static_cast<long double>(v) * v;
    CHECK(std::bit_cast<double>(bits[0]) == doctest::Approx(static_cast<double>(sum)).epsilon(1e-14));
  }
}

TEST_CASE_TEMPLATE("a sweep in pieces gives the same bits, and AVX2 those of AVX-512", T, float, double) {
  const Index n = 1001;
  std::vector<T> results[4];
  int count = 0;
  for (const SimdLevel level : {SimdLevel::avx2, SimdLevel::avx512}) {
    if (!has_simd_level(level)) continue;
    const ScopedLevel scoped(level);
    for (const Index piece : {n, Index{37}}) {
      std::vector<T> w = numbers<T>(n, 0), m = numbers<T>(n, 1), v(w.size(), T(0.1));
      const std::vector<T> g = numbers<T>(n, 3);
      for (Index i = 0; i < n; i += piece)
        for_each_element(std::min(piece, n - i), AdamLike<T>{T(0.01), T(0.1), T(0.001), T(1e-8)}, w.data() + i,
                         g.data() + i, m.data() + i, v.data() + i);
      results[count++] = w;
    }
  }
  for (int k = 1; k < count; ++k) CHECK(results[k] == results[0]);
}
#endif
