// Features on one scale and back, and as text in a model's file.
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/scaler.hpp>

using namespace unroll;

TEST_CASE("a scaler makes mean 0 and deviation 1, or 0 to 1, of what it has learned from, and goes back") {
  Matrix<double> x(3, 4);
  x << 1, 2, 3, 6, -10, 10, -10, 10, 0.1, 0.1, 0.1, 0.1;
  const Scaler standard = Scaler::standard(x), range = Scaler::min_max(x);
  const Matrix<double> y = standard.scale(x), z = range.scale(x);
  CHECK(y.row(0).mean() == doctest::Approx(0));
  CHECK(y.row(0).squaredNorm() / 4 == doctest::Approx(1));
  CHECK(y(1, 1) == doctest::Approx(1));
  CHECK(z(0, 0) == 0);
  CHECK(z(0, 1) == doctest::Approx(0.2));
  CHECK(z(0, 3) == 1);
  CHECK(standard.width()[2] == 1);  // constant
  CHECK(y.row(2).isZero(1e-12));
  CHECK(standard.unscale(y).isApprox(x, 1e-14));
  CHECK(range.unscale(z).isApprox(x, 1e-14));
  CHECK(Scaler().scale(x) == x);
}

TEST_CASE("forecasts go back to the unit of their feature, deviations by the width alone") {
  Matrix<double> x(2, 2);
  x << 0, 2, 100, 300;
  const Scaler scaler = Scaler::standard(x);  // middles 1 and 200, widths 1 and 100
  Matrix<float> forecast(2, 1);
  forecast << 1, 2;
  const std::vector<Index> second{1};
  CHECK(scaler.unscale(forecast, second)(0, 0) == 300);
  CHECK(scaler.unscale(forecast, second)(1, 0) == 400);
  CHECK(scaler.unscale(forecast)(0, 0) == 2);
  CHECK(scaler.unscale(forecast)(1, 0) == 400);
  CHECK(scaler.unscale_difference(forecast, second)(1, 0) == 200);
}

TEST_CASE("a scaler's text is exact, and another text is refused") {
  Matrix<double> x(2, 3);
  x << 0.1, 1.0 / 3, 7, -1e-300, 5e200, 1;
  const Scaler scaler = Scaler::min_max(x);
  CHECK(Scaler::from_text(scaler.text()) == scaler);
  CHECK(Scaler::from_text(Scaler().text()) == Scaler());
  for (const std::string text : {"", "scaler 1 ", "scaler 2 1 0 1", "scaler 1 1 0", "scaler 1 1 0 1 ", "scaler 1 2 0 1",
                                 "scaler 1 1 0 0", "scaler 1 1 nan 1", "scaler 1 1 0 1x", "scaler 1 1 0 inf"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Scaler::from_text(text), FormatError);
  }
}

TEST_CASE("a scaler refuses other features, and what cannot be learned from") {
  Matrix<float> x = Matrix<float>::Ones(2, 3);
  const Scaler scaler = Scaler::standard(x);
  CHECK_THROWS_WITH_AS(scaler.scale(Matrix<float>::Ones(4, 1)), "Scaler: 4 features, expected 2",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(scaler.unscale(Matrix<float>::Ones(3, 1)), "Scaler: 3 rows, expected 2 or a multiple of it",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(scaler.unscale(x, std::vector<Index>{2}), "Scaler: target 2, expected 0 to 1",
                       std::invalid_argument);
  CHECK_THROWS_AS(Scaler::standard(Matrix<float>(2, 0)), std::invalid_argument);
  x(1, 2) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH_AS(Scaler::min_max(x), "Scaler: feature 1 of step 2 is inf, expected a finite number",
                       std::invalid_argument);
}
