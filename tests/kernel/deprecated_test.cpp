// Names of the version before still say the same.
#include <doctest/doctest.h>

#include <unroll/data/contiguous_batches.hpp>
#include <unroll/kernel/matmul.hpp>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

using namespace unroll;

TEST_CASE("functions and types under their old names") {
  CHECK(concat("t = ", 3) == "t = 3");
  CHECK(StreamBatches(70, {.streams = 2}).count() == 1);
}

TEST_CASE("a product that is told by a boolean whether it adds") {
  const Matrix<float> a = Matrix<float>::Constant(2, 3, 1), b = Matrix<float>::Constant(3, 4, 2);
  Matrix<float> c = Matrix<float>::Constant(2, 4, 5);
  MatmulScratch<float> scratch;
  matmul(c, a, Transpose::no, b, Transpose::no, true, scratch);
  CHECK((c.array() == 11).all());
  matmul(c, a, Transpose::no, b, Transpose::no, false, scratch);
  CHECK((c.array() == 6).all());
  PackedMatrix<float> packed;
  packed.pack(view(a), Transpose::no);
  matmul(c, packed, b, Transpose::no, true, scratch);
  CHECK((c.array() == 12).all());
}
