// What of kernel/ is called from outside, called wrongly.
#include <climits>
#include <doctest/doctest.h>

#include <unroll/core/parallel.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/kernel/matmul.hpp>

namespace misuse_kernel {

using namespace unroll;

TEST_CASE("a number of threads is refused that no machine has") {
  const int before = threads();
  for (const int n : {-1, INT_MIN, 1025, 100000, INT_MAX})
    CHECK_THROWS_WITH_AS(set_threads(n), doctest::Contains("expected 0 (all cores) to 1024"), std::invalid_argument);
  CHECK(threads() == before);
  for (const int n : {1, 1024}) {
    set_threads(n);
    CHECK(threads() == n);
  }
  set_threads(before);
}

TEST_CASE("a negative number of tasks is refused") {
  int runs = 0;
  CHECK_THROWS_WITH_AS(parallel_for(-1, [&](int) { ++runs; }), "parallel_for: got -1 tasks, expected at least 0",
                       std::invalid_argument);
  parallel_for(0, [&](int) { ++runs; });
  parallel_ranges(0, 0, [&](Index first, Index last) { runs += static_cast<int>(last - first); });
  CHECK(runs == 0);
}

TEST_CASE("a SIMD level is refused that does not exist or is not here") {
  const SimdLevel before = simd_level();
  for (const int level : {-1, 4, 77})
    CHECK_THROWS_WITH_AS(set_simd_level(static_cast<SimdLevel>(level)), doctest::Contains("has no level unknown"),
                         std::invalid_argument);
  for (const SimdLevel level : simd_levels)
    if (!has_simd_level(level)) CHECK_THROWS_AS(set_simd_level(level), std::invalid_argument);
  CHECK(simd_level() == before);
}

TEST_CASE("a product of matrices that do not fit is refused, and nothing is written") {
  MatmulScratch<float> scratch;
  const auto refused = [&](Index rows, Index cols, const Matrix<float>& a, Transpose of_a, const Matrix<float>& b,
                           Transpose of_b) {
    Matrix<float> c = Matrix<float>::Constant(rows, cols, 7);
    CHECK_THROWS_WITH_AS(matmul(c, a, of_a, b, of_b, Accumulate::no, scratch), doctest::Contains("matmul: op(a) is "),
                         std::invalid_argument);
    CHECK((c.array() == 7).all());
  };
  const Matrix<float> a = Matrix<float>::Constant(3, 4, 1), b = Matrix<float>::Constant(4, 5, 1);
  const auto no = Transpose::no, yes = Transpose::yes;
  refused(3, 6, a, no, b, no);
  refused(2, 5, a, no, b, no);
  refused(5, 3, a, no, b, no);
  refused(3, 5, a, yes, b, no);
  refused(3, 5, a, no, b, yes);
  refused(4, 5, a, yes, b, no);
  refused(0, 0, a, no, b, no);
}

}  // namespace misuse_kernel
