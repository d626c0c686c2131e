#include <doctest/doctest.h>

#include <unroll/core/matrix.hpp>
#include <unroll/kernel/distinct_columns.hpp>

#include "../support/not_finite.hpp"

using namespace unroll;

TEST_CASE("every column equals the distinct column that it is said to be, and no two of those are equal") {
  for (const Index rows : {1, 7, 8, 19}) {
    Matrix<float> m(rows, 3000);
    for (Index j = 0; j < m.cols(); ++j)
      for (Index i = 0; i < rows; ++i) m(i, j) = static_cast<float>((j * j % 97) * (i + 1));
    DistinctColumns distinct;
    REQUIRE(distinct.find(view(std::as_const(m))));
    for (Index j = 0; j < m.cols(); ++j)
      REQUIRE((m.col(distinct.first(distinct.which(j))).array() == m.col(j).array()).all());
    for (Index k = 0; k < distinct.count(); ++k) REQUIRE(distinct.which(distinct.first(k)) == k);
    CHECK(distinct.count() == 49);  // squares modulo 97
  }
}

TEST_CASE("where few columns repeat nothing is found") {
  Matrix<double> m(2, 5000);
  for (Index j = 0; j < m.cols(); ++j) m(0, j) = m(1, j) = static_cast<double>(j);
  DistinctColumns distinct;
  CHECK(!distinct.find(view(std::as_const(m))));
  for (Index j = 0; j < m.cols(); ++j) m(0, j) = m(1, j) = static_cast<double>(j % 4000);
  CHECK(!distinct.find(view(std::as_const(m))));
  CHECK(!distinct.find(view(std::as_const(m)).middle_cols(0, 5)));
}

TEST_CASE("columns are compared by bits") {
  Matrix<float> m(1, 600);
  for (Index j = 0; j < m.cols(); ++j) m(0, j) = not_finite::of_bits<float>(j % 2 == 0 ? 0 : 0x80000000);  // 0 and -0
  DistinctColumns distinct;
  REQUIRE(distinct.find(view(std::as_const(m))));
  CHECK(distinct.count() == 2);
}
