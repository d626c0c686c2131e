#include <unroll/loss/mean_squared_error.hpp>

#include "finite_differences.hpp"

using namespace unroll;

TEST_CASE_TEMPLATE("mean squared error is the mean over all elements", T, float, double) {
  Matrix<T> y(2, 3), t(2, 3), d;
  y << 1, 2, 3, 4, 5, 6;
  t << 1, 0, 3, 7, 5, 5;
  CHECK(mean_squared_error(y, t, d) == doctest::Approx((4 + 9 + 1) / 6.0));
  CHECK(d(0, 1) == doctest::Approx(2 * 2 / 6.0));
  CHECK(d(1, 0) == doctest::Approx(2 * -3 / 6.0));
  CHECK(d(0, 0) == 0);
  CHECK(MeanSquaredError{}(y, t).loss == doctest::Approx(14 / 6.0));
  CHECK(MeanSquaredError{}(y, t).weight == 6);
}

TEST_CASE("sample weights of mean squared error weigh columns, and the gradient is that of the loss") {
  Matrix<double> y(3, 2), t(3, 2), d;
  y << 1, 2, -3, 4, 0.5, 6;
  t << 1.5, 0, 3, 7, 5, 5;
  const std::vector<double> weights{0.25, 3};
  const auto naive = [&](const Matrix<double>& output) {
    return (0.25 * (output.col(0) - t.col(0)).squaredNorm() + 3 * (output.col(1) - t.col(1)).squaredNorm()) / 6;
  };
  CHECK(mean_squared_error(y, t, d, weights) == doctest::Approx(naive(y)).epsilon(1e-14));
  check_output_gradient(y, d, naive);
}

TEST_CASE("mean squared error of nothing is 0, of other shapes an error") {
  Matrix<float> y(2, 3), t(2, 4), d;
  CHECK_THROWS_WITH_AS(mean_squared_error(y, t, d), "mean_squared_error: 4 targets for an output of 3 columns",
                       std::invalid_argument);
  t.resize(1, 3);
  CHECK_THROWS_WITH_AS(mean_squared_error(y, t, d), "mean_squared_error: targets have 1 rows, the output has 2",
                       std::invalid_argument);
  y.resize(2, 0);
  t.resize(2, 0);
  CHECK(mean_squared_error(y, t, d) == 0);
  CHECK(d.cols() == 0);
}
