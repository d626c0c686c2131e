#include <cstdint>

#include <doctest/doctest.h>

#include <unroll/core/matrix.hpp>

using unroll::Matrix;

TEST_CASE("a matrix keeps its memory when it shrinks, and its elements are 64-byte aligned") {
  Matrix<float> m(5, 7);
  const float* const before = m.data();
  CHECK(reinterpret_cast<std::uintptr_t>(before) % 64 == 0);
  m.resize(3, 2);
  m.resize(7, 5);
  CHECK(m.data() == before);
  CHECK(m.capacity() == 35);
  m.resize(6, 6);
  CHECK(m.capacity() == 36);
}

TEST_CASE("copies are deep, moves take the memory, and both keep the shape") {
  Matrix<double> a = Eigen::MatrixXd::Random(3, 4);
  Matrix<double> b = a;
  b(0, 0) = 9;
  CHECK(a(0, 0) != 9);
  const double* const data = b.data();
  Matrix<double> c = std::move(b);
  CHECK(c.data() == data);
  CHECK(c.rows() == 3);
  a = c;
  CHECK(a(0, 0) == 9);
  CHECK(a.data() != c.data());
  Matrix<double> d(1, 1);
  d = std::move(c);
  CHECK(d.data() == data);
}

TEST_CASE("it is an Eigen expression, on both sides of an assignment") {
  Matrix<float> a = Eigen::MatrixXf::Identity(3, 3) * 2;
  Matrix<float> b = a * a + a;
  CHECK(b(2, 2) == 6);
  b = b.topRows(2).eval();
  CHECK(b.rows() == 2);
  const Eigen::MatrixXf plain = b.transpose();
  CHECK(plain.rows() == 3);
  b.col(1) = Eigen::Vector2f(7, 8);
  CHECK(b(1, 1) == 8);
}

TEST_CASE("a size that memory cannot hold is refused, not wrapped around") {
  Matrix<double> m;
  CHECK_THROWS_WITH_AS(
      m.resize(unroll::Index{1} << 5 * sizeof(unroll::Index), unroll::Index{1} << 5 * sizeof(unroll::Index)),
      doctest::Contains("more than memory"), std::invalid_argument);
}
