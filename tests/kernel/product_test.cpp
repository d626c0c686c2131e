#include <cmath>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/kernel/matmul.hpp>
#include <unroll/kernel/product.hpp>

#include "levels.hpp"

using namespace unroll;

namespace {

template <class T> Matrix<T> numbers(Index rows, Index cols, unsigned seed) {
  Matrix<T> m(rows, cols);
  unsigned state = seed * 2654435761u + 1;
  for (Index i = 0; i < m.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    m.data()[i] = static_cast<T>(static_cast<int>(state >> 8) % 2001 - 1000) / T(1000);
  }
  return m;
}

template <class T> bool same_bits(const Matrix<T>& a, const Matrix<T>& b) {
  return a.size() == b.size() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), sizeof(T) * std::size_t(a.size())) == 0);
}

struct Size {
  Index m, n, k;
};
// Every combination of tile edges: panels of 16 rows in tiles of 1, 2 and 4, groups of 4 and 6 columns, blocks of k.
const Size sizes[] = {{0, 3, 4},    {3, 0, 4},     {3, 4, 0},   {1, 1, 1},   {1, 7, 5},    {5, 1, 300},
                      {17, 5, 3},   {16, 6, 8},    {33, 11, 9}, {64, 13, 7}, {67, 12, 31}, {130, 3, 257},
                      {49, 400, 2}, {80, 25, 520}, {15, 2, 1},  {128, 1, 64}};

template <class T>
Matrix<T> multiply(const Size& s, Transpose ta, Transpose tb, Accumulate accumulate, ProductScratch<T>& scratch) {
  const bool at = ta == Transpose::yes, bt = tb == Transpose::yes;
  const Matrix<T> a = numbers<T>(at ? s.k : s.m, at ? s.m : s.k, 1), b = numbers<T>(bt ? s.n : s.k, bt ? s.k : s.n, 2);
  Matrix<T> c = numbers<T>(s.m, s.n, 3);
  product<T>(view(c), view(a), ta, view(b), tb, accumulate, scratch);
  return c;
}

}  // namespace

TEST_CASE_TEMPLATE("a product is the sum over k for any size, transposition and level", T, float, double) {
  ProductScratch<T> scratch;
  for_each_level([&](SimdLevel level) {
    double worst = 0;
    for (const Size& s : sizes)
      for (const Transpose ta : {Transpose::no, Transpose::yes})
        for (const Transpose tb : {Transpose::no, Transpose::yes})
          for (const Accumulate accumulate : {Accumulate::no, Accumulate::yes}) {
            const bool at = ta == Transpose::yes, bt = tb == Transpose::yes;
            const Matrix<double> a = numbers<double>(at ? s.k : s.m, at ? s.m : s.k, 1);
            const Matrix<double> b = numbers<double>(bt ? s.n : s.k, bt ? s.k : s.n, 2);
            const Matrix<double> before = numbers<double>(s.m, s.n, 3);
            const Matrix<T> c = multiply<T>(s, ta, tb, accumulate, scratch);
            for (Index j = 0; j < s.n; ++j)
              for (Index i = 0; i < s.m; ++i) {
                double sum = accumulate == Accumulate::yes ? before(i, j) : 0;
                for (Index k = 0; k < s.k; ++k) sum += (at ? a(k, i) : a(i, k)) * (bt ? b(j, k) : b(k, j));
                worst = std::max(worst, std::abs(sum - static_cast<double>(c(i, j))));
              }
          }
    CAPTURE(name(level));
    CHECK(worst < (sizeof(T) == 4 ? 3e-5 : 1e-13));
  });
}

#if !defined(__FAST_MATH__)
TEST_CASE_TEMPLATE("an element's bits do not depend on the piece of the product that is asked for", T, float, double) {
  ProductScratch<T> scratch;
  for_each_level([&](SimdLevel level) {
    CAPTURE(name(level));
    for (const Transpose ta : {Transpose::no, Transpose::yes})
      for (const Transpose tb : {Transpose::no, Transpose::yes}) {
        const bool at = ta == Transpose::yes, bt = tb == Transpose::yes;
        const Index M = 83, N = 401, K = 300;
        const Matrix<T> a = numbers<T>(at ? K : M, at ? M : K, 1), b = numbers<T>(bt ? N : K, bt ? K : N, 2);
        Matrix<T> whole = numbers<T>(M, N, 3), pieces = whole, packed = whole;
        product<T>(view(whole), view(a), ta, view(b), tb, Accumulate::yes, scratch);
        for (Index j = 0, n = 1; j < N; j += n, n = std::min<Index>(N - j, 1 + j % 29))
          for (Index i = 0, m = 5; i < M; i += m, m = std::min<Index>(M - i, 3 * m)) {
            const auto left = at ? view(a).middle_cols(i, m) : view(a).middle_rows(i, m);
            const auto right = bt ? view(b).middle_rows(j, n) : view(b).middle_cols(j, n);
            // the view of a transposed operand starts at the row of C it makes
            product<T>(view(pieces).middle_cols(j, n).middle_rows(i, m), left, ta, right, tb, Accumulate::yes, scratch);
          }
        CHECK(same_bits(whole, pieces));
        PackedMatrix<T> weights;
        weights.pack(view(a), ta);
        product<T>(view(packed), weights, view(b), tb, Accumulate::yes, scratch);
        CHECK(same_bits(whole, packed));
      }
  });
}

TEST_CASE_TEMPLATE("AVX2 and AVX-512 multiply to the same bits", T, float, double) {
  if (!has_simd_level(SimdLevel::avx512)) return;
  ProductScratch<T> scratch;
  for (const Size& s : sizes) {
    Matrix<T> c[2];
    for (const SimdLevel level : {SimdLevel::avx2, SimdLevel::avx512}) {
      const ScopedLevel scoped(level);
      c[level == SimdLevel::avx512] = multiply<T>(s, Transpose::no, Transpose::yes, Accumulate::yes, scratch);
    }
    CHECK(same_bits(c[0], c[1]));
  }
}

TEST_CASE("floats that are summed in double give the bits of doubles of their value") {
  ProductScratch<float> narrow;
  ProductScratch<double> wide;
  MatmulScratch<float> threads;
  for_each_level([&](SimdLevel level) {
    CAPTURE(name(level));
    for (const Size& s : sizes)
      for (const Transpose ta : {Transpose::no, Transpose::yes})
        for (const Transpose tb : {Transpose::no, Transpose::yes}) {
          const bool at = ta == Transpose::yes, bt = tb == Transpose::yes;
          const Matrix<float> a = numbers<float>(at ? s.k : s.m, at ? s.m : s.k, 1),
                              b = numbers<float>(bt ? s.n : s.k, bt ? s.k : s.n, 2);
          const Matrix<double> wide_a = a.cast<double>(), wide_b = b.cast<double>(), bias = numbers<double>(s.m, 1, 4);
          Matrix<double> expected = numbers<double>(s.m, s.n, 3), c = expected, packed = expected;
          product<double>(view(expected), view(wide_a), ta, view(wide_b), tb, Accumulate::yes, wide);
          product<float, double>(view(c), view(a), ta, view(b), tb, Accumulate::yes, narrow);
          CHECK(same_bits(c, expected));
          PackedMatrix<float> weights;
          weights.pack<double>(view(wide_a), ta);
          product<float, double>(view(packed), weights, view(b), tb, Accumulate::yes, narrow);
          CHECK(same_bits(packed, expected));
          product<double>(view(expected), view(wide_a), ta, view(wide_b), tb, Accumulate::no, wide, Blocks::descending,
                          bias.data());
          matmul(c, a, ta, b, tb, Accumulate::no, threads, Blocks::descending, bias.data());
          CHECK(same_bits(c, expected));
        }
  });
}
#endif
