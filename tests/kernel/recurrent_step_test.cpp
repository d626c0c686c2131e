#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/derived.hpp>
#include <unroll/kernel/recurrent_step.hpp>

#include "levels.hpp"

using namespace unroll;

namespace {

// Cells of the shapes that steps must serve. Two ports with another number of gates, per-unit parameters, one gate,
// none, a backward that is derived.
template <class T> struct Gated {
  using Scalar = T;
  static constexpr int GX = 4, GU = 4, S = 2, C = 5, P = 0;
  static constexpr bool same_ports = true;
  template <class V>
  static void forward(const std::array<V, 4>& x, const std::array<V, 4>& u, const std::array<V, 2>& prev,
                      std::array<V, 2>& next, std::array<V, 5>& cache) {
    const V i = sigmoid(x[0] + u[0]), f = sigmoid(x[1] + u[1]), g = tanh(x[2] + u[2]), o = sigmoid(x[3] + u[3]);
    const V c = f * prev[1] + i * g, tanh_c = tanh(c);
    next = {o * tanh_c, c};
    cache = {i, f, g, o, tanh_c};
  }
  template <class V>
  static void backward(const std::array<V, 2>& prev, const std::array<V, 2>&, const std::array<V, 5>& cache,
                       const std::array<V, 2>& d_next, std::array<V, 4>& dx, std::array<V, 4>& du,
                       std::array<V, 2>& d_prev) {
    const auto [i, f, g, o, tanh_c] = cache;
    const V dc = d_next[1] + d_next[0] * o * (1 - tanh_c * tanh_c);
    dx = {dc * g * i * (1 - i), dc * prev[1] * f * (1 - f), dc * i * (1 - g * g), d_next[0] * tanh_c * o * (1 - o)};
    du = dx;
    d_prev = {V(0), dc * f};
  }
};
template <class T> struct Parametric {
  using Scalar = T;
  static constexpr int GX = 2, GU = 3, S = 1, C = 2, P = 2;
  static constexpr bool same_ports = false;
  template <class V>
  static void forward(const std::array<V, 2>& p, const std::array<V, 2>& x, const std::array<V, 3>& u,
                      const std::array<V, 1>& prev, std::array<V, 1>& next, std::array<V, 2>& cache) {
    const V a = tanh(x[0] + u[0] * p[0]), b = x[1] * u[1] - u[2];
    next = {a * prev[0] + p[1] * b};
    cache = {a, b};
  }
  template <class V>
  static void backward(const std::array<V, 2>& p, std::array<V, 2>& dp, const std::array<V, 1>& prev,
                       const std::array<V, 1>& next, const std::array<V, 2>& cache, const std::array<V, 1>& d_next,
                       std::array<V, 2>& dx, std::array<V, 3>& du, std::array<V, 1>& d_prev) {
    const auto [a, b] = cache;
    dx = {d_next[0] * a, d_next[0] * p[1]};
    du = {dx[0] * p[0], b * d_next[0], -dx[1]};
    dp = {dx[0] * next[0], d_next[0] * b};
    d_prev = {d_next[0] * a + prev[0]};
  }
};
template <class T> struct OneGate {
  using Scalar = T;
  static constexpr int GX = 1, GU = 1, S = 1, C = 0, P = 0;
  static constexpr bool same_ports = true;
  template <class V>
  static void forward(const std::array<V, 1>& x, const std::array<V, 1>& u, const std::array<V, 1>&,
                      std::array<V, 1>& next, std::array<V, 0>&) {
    next[0] = tanh(x[0] + u[0]);
  }
  template <class V>
  static void backward(const std::array<V, 1>&, const std::array<V, 1>& next, const std::array<V, 0>&,
                       const std::array<V, 1>& d_next, std::array<V, 1>& dx, std::array<V, 1>& du,
                       std::array<V, 1>& d_prev) {
    dx[0] = du[0] = d_next[0] * (1 - next[0] * next[0]);
    d_prev[0] = V(0);
  }
};
template <class T> struct NoProduct {
  using Scalar = T;
  static constexpr int GX = 2, GU = 0, S = 1, C = 1, P = 1;
  static constexpr bool same_ports = false;
  template <class V>
  static void forward(const std::array<V, 1>& p, const std::array<V, 2>& x, const std::array<V, 0>&,
                      const std::array<V, 1>& prev, std::array<V, 1>& next, std::array<V, 1>& cache) {
    cache[0] = sigmoid(x[0]);
    next[0] = cache[0] * prev[0] * p[0] + x[1];
  }
  template <class V>
  static void backward(const std::array<V, 1>& p, std::array<V, 1>& dp, const std::array<V, 1>& prev,
                       const std::array<V, 1>&, const std::array<V, 1>& cache, const std::array<V, 1>& d_next,
                       std::array<V, 2>& dx, std::array<V, 0>&, std::array<V, 1>& d_prev) {
    const V z = cache[0];
    dx = {d_next[0] * prev[0] * p[0] * z * (1 - z), d_next[0]};
    dp[0] = d_next[0] * z * prev[0];
    d_prev[0] = d_next[0] * z * p[0];
  }
};

template <class T> struct Equations {
  using Scalar = T;
  static constexpr int GX = 3, GU = 3, S = 2, P = 1;
  static constexpr bool same_ports = false;
  static constexpr void forward(const auto& p, const auto& x, const auto& u, const auto& prev, auto& next) {
    const auto f = sigmoid(x[0] + u[0]), g = tanh(x[1] + f * u[1]), o = sigmoid(x[2] + u[2] + p[0] * prev[1]);
    const auto c = g + f * (prev[1] - g) / (1 + p[0] * p[0]);
    next = {o * tanh(c), select(c > 0, c, p[0] * c)};
  }
};

template <class T> std::vector<T> numbers(Index n, unsigned seed) {
  std::vector<T> x(static_cast<std::size_t>(n));
  unsigned state = seed * 2654435761u + 12345u;
  for (T& v : x) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<T>(static_cast<int>(state >> 8) % 2001 - 1000) / T(1000);
  }
  return x;
}

enum class Masks { none, shared, per_gate };

/// Everything one step reads and writes, in vectors of exactly the size it may touch. Weights and h are numbers that a
/// `Rounded` can be, in operands of type O.
template <class E, class O = typename E::Scalar, class Rounded = O> struct Batch {
  using T = typename E::Scalar;
  static constexpr std::size_t S = E::S, GU = E::GU;
  static constexpr Index cached = E::C - kept_in_place<E>;
  Index H, n;
  Masks masks;
  bool with_bias;
  RecurrentWeights<O> weights;
  std::vector<T> bias, p, x, cache, du, dp;
  std::array<std::vector<T>, S> prev, next, d;
  std::vector<std::vector<O>> h;
  std::vector<std::vector<T>> mask;
  std::vector<O> du_operand;

  Batch(Index units, Index columns, Masks m, bool biased) : H(units), n(columns), masks(m), with_bias(biased) {
    Matrix<T> U(E::GU * H, E::GU > 0 ? H : 0);
    const std::vector<T> values = numbers<T>(U.size(), 1);
    for (Index i = 0; i < U.size(); ++i)
      U.data()[i] = static_cast<Rounded>(values[std::size_t(i)] / std::sqrt(static_cast<T>(H)));
    weights.pack(U, H, E::GU);
    bias = numbers<T>(E::GU * H, 2);
    p = numbers<T>(E::P * H, 3);
    x = numbers<T>(E::GX * H * n, 4);
    cache.resize(std::size_t(cached * H * n));
    du.resize(E::same_ports ? 0 : std::size_t(E::GU * H * n));
    dp.resize(std::size_t(E::P * H * n));
    for (std::size_t f = 0; f < S; ++f) {
      prev[f] = numbers<T>(H * n, 5 + unsigned(f));
      next[f].resize(prev[f].size());
      d[f] = numbers<T>(H * n, 9 + unsigned(f));
    }
    const std::size_t count = masks == Masks::none ? 0 : masks == Masks::shared ? 1 : GU;
    for (std::size_t g = 0; g < count; ++g) {
      mask.push_back(numbers<T>(H * n, 20 + unsigned(g)));
      for (T& v : mask[g]) v = v > T(-0.4) ? T(1.25) : T(0);
      h.emplace_back(prev[0].size());
      for (std::size_t i = 0; i < h[g].size(); ++i)
        h[g][i] = static_cast<O>(static_cast<Rounded>(prev[0][i] * mask[g][i]));
    }
    if (!std::is_same_v<O, T>) du_operand.resize(std::size_t(E::GU * H * n));
  }

  void run(Index first, Index columns, bool keep) {
    const Index at = first * H;
    StepForward<E, O> s{.units = H,
                        .columns = columns,
                        .weights = &weights,
                        .bias = with_bias ? bias.data() : nullptr,
                        .parameters = p.data(),
                        .x = x.data() + at * E::GX,
                        .h = {},
                        .prev = {},
                        .next = {},
                        .keep = keep ? 1 : 0,
                        .cache = cache.data() + at * cached};
    for (std::size_t f = 0; f < S; ++f) {
      s.prev[f] = prev[f].data() + at;
      s.next[f] = next[f].data() + at;
    }
    for (std::size_t g = 0; g < GU; ++g)
      if (masks != Masks::none)
        s.h[g] = h[masks == Masks::shared ? 0 : g].data() + at;
      else if constexpr (std::is_same_v<O, T>)
        s.h[g] = prev[0].data() + at;
    recurrent_step(s);
  }
  void run_backward(Index first, Index columns) {
    const Index at = first * H;
    StepBackward<E, O> s{H,
                         columns,
                         &weights,
                         p.data(),
                         {},
                         {},
                         cache.data() + at * cached,
                         {},
                         masks == Masks::per_gate,
                         {},
                         x.data() + at * E::GX,
                         (E::same_ports ? x : du).data() + at * E::GU,
                         dp.data() + at * E::P,
                         du_operand.data() + (du_operand.empty() ? 0 : at * E::GU)};
    for (std::size_t f = 0; f < S; ++f) {
      s.prev[f] = prev[f].data() + at;
      s.next[f] = next[f].data() + at;
      s.d[f] = d[f].data() + at;
    }
    if (masks != Masks::none)
      for (std::size_t g = 0; g < GU; ++g) s.mask[g] = mask[masks == Masks::shared ? 0 : g].data() + at;
    recurrent_step_backward(s);
  }
  /// Forward and backward, in pieces of `piece` columns.
  std::vector<T> results(Index piece) {
    for (Index j = 0; j < n; j += piece) run(j, std::min(piece, n - j), true);
    std::vector<T> all = x;  // the cached values that stay in its place
    for (Index j = 0; j < n; j += piece) run_backward(j, std::min(piece, n - j));
    for (const auto* part : {&cache, &x, &du, &dp}) all.insert(all.end(), part->begin(), part->end());
    for (std::size_t f = 0; f < S; ++f) {
      all.insert(all.end(), next[f].begin(), next[f].end());
      all.insert(all.end(), d[f].begin(), d[f].end());
    }
    return all;
  }
};

template <class E>
std::vector<typename E::Scalar> run_at(SimdLevel level, Index H, Index n, Masks masks, bool bias, Index piece) {
  const ScopedLevel scoped(level);
  return Batch<E>(H, n, masks, bias).results(piece);
}

template <class E> void check_cell() {
  using T = typename E::Scalar;
  for (const Index H : {1, 5, 16, 23, 70})
    for (const Index n : {1, 2, 9, 27})
      for (const Masks masks : {Masks::none, Masks::shared, Masks::per_gate}) {
        const bool bias = n % 2 == 1;
        const std::vector<T> expected = run_at<E>(SimdLevel::plain, H, n, masks, bias, n);
        std::vector<T> with_fma;
        for (const SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512}) {
          if (!has_simd_level(level)) continue;
          const std::vector<T> got = run_at<E>(level, H, n, masks, bias, n);
          double worst = 0;
          for (std::size_t i = 0; i < got.size(); ++i)
            worst = std::max(worst, static_cast<double>(std::abs(got[i] - expected[i])));
          CAPTURE(name(level));
          CAPTURE(H);
          CAPTURE(n);
          CHECK(worst < (sizeof(T) == 4 ? 2e-5 : 1e-13));
#if !defined(__FAST_MATH__)
          CHECK(run_at<E>(level, H, n, masks, bias, 1) == got);
          CHECK(run_at<E>(level, H, n, masks, bias, 4) == got);
          if (level != SimdLevel::baseline) {
            if (!with_fma.empty()) CHECK(with_fma == got);
            with_fma = got;
          }
#endif
        }
      }
}

}  // namespace

TEST_CASE_TEMPLATE("a fused step equals the plain one, with the same bits for any split of the columns", E,
                   Gated<float>, Gated<double>, Parametric<float>, Parametric<double>, OneGate<float>,
                   NoProduct<double>, Derived<Equations<float>>, Derived<Equations<double>>) {
  check_cell<E>();
}

TEST_CASE("a step without a cache computes the same state") {
  for_each_level([](SimdLevel level) {
    CAPTURE(name(level));
    Batch<Gated<float>> a(37, 7, Masks::none, true), b = a;
    a.run(0, 7, true);
    const std::vector<float> x = b.x;
    b.run(0, 7, false);
    CHECK(a.next[0] == b.next[0]);
    CHECK(a.next[1] == b.next[1]);
    CHECK(b.x == x);
    CHECK(std::all_of(b.cache.begin(), b.cache.end(), [](float v) { return v == 0; }));
  });
}

#if !defined(__FAST_MATH__)
TEST_CASE("sums longer than a block of k keep their bits for any split and on both FMA levels") {
  const std::vector<float> whole = run_at<OneGate<float>>(simd_level(), 531, 7, Masks::shared, true, 7);
  CHECK(run_at<OneGate<float>>(simd_level(), 531, 7, Masks::shared, true, 2) == whole);
  if (has_simd_level(SimdLevel::avx512))
    CHECK(run_at<OneGate<float>>(SimdLevel::avx2, 531, 7, Masks::shared, true, 7) == whole);
}
#endif

TEST_CASE_TEMPLATE("a step may multiply floats where its equations are of doubles", E, Gated<double>,
                   Parametric<double>, OneGate<double>) {
  for_each_level([](SimdLevel level) {
    CAPTURE(name(level));
    for (const Masks masks : {Masks::shared, Masks::per_gate}) {
      Batch<E, double, float> wide(37, 27, masks, true);
      Batch<E, float> narrow(37, 27, masks, true);
      const std::vector<double> expected = wide.results(27), got = narrow.results(27);
#if !defined(__FAST_MATH__)
      for (std::size_t f = 0; f < narrow.next.size(); ++f) CHECK(narrow.next[f] == wide.next[f]);
      CHECK(narrow.cache == wide.cache);
#endif
      double worst = 0;  // backward rounds du
      for (std::size_t i = 0; i < got.size(); ++i) worst = std::max(worst, std::abs(got[i] - expected[i]));
      CHECK(worst < 1e-6);
      CHECK(narrow.d[0] != wide.d[0]);
    }
  });
}

namespace {

/// A cell around another's equations, with arguments that it does not use: GCC leaves such a call out of line, and the
/// functions of a value must work there too.
template <class T> struct Wrapped : Gated<T> {
  template <class V>
  static void forward(const std::array<V, 4>& x, const std::array<V, 4>&, const std::array<V, 2>& prev,
                      std::array<V, 2>& next, std::array<V, 5>& cache) {
    Gated<T>::forward(x, x, prev, next, cache);
  }
};

}  // namespace

TEST_CASE("equations may call other equations") {
  for_each_level([](SimdLevel level) {
    CAPTURE(name(level));
    Batch<Wrapped<float>> a(21, 3, Masks::none, false);
    const float x = a.x[0], y = 2 * x;
    a.run(0, 3, true);
    CHECK(a.x[0] == doctest::Approx(1 / (1 + std::exp(-y))).epsilon(1e-5));
  });
}
