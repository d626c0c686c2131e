// Scores of forecasts that do not depend on the unit.
#include <limits>
#include <span>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/metric/forecast.hpp>

using namespace unroll;

TEST_CASE("MAPE leaves out truths of 0, sMAPE goes from 0 to 2, MASE divides by the naive error") {
  ForecastScores scores(0.5);
  scores.add(4, 3);
  scores.add(-2, 2);
  CHECK(scores.mape() == doctest::Approx((0.25 + 2) / 2));
  CHECK(scores.smape() == doctest::Approx((2.0 / 7 + 2) / 2));
  CHECK(scores.mase() == doctest::Approx((1 + 4) / 2.0 / 0.5));
  scores.add(0, 1);
  scores.add(0, 0);
  CHECK(scores.count() == 4);
  CHECK(scores.zeros() == 2);
  CHECK(scores.mape() == doctest::Approx((0.25 + 2) / 2));
  CHECK(scores.smape() == doctest::Approx((2.0 / 7 + 2 + 2 + 0) / 4));
  CHECK(scores.mase() == doctest::Approx((1 + 4 + 1) / 4.0 / 0.5));
  CHECK(scores.values().size() == 3);

  Matrix<float> truth(1, 2), forecast(1, 2);
  truth << 4, -2;
  forecast << 3, 2;
  ForecastScores of_matrices;
  of_matrices.add(MetricBatch<float>{.outputs = forecast, .numbers = &truth});
  CHECK(of_matrices.mape() == doctest::Approx((0.25 + 2) / 2));
  CHECK(of_matrices.values().contains("smape"));
  CHECK_FALSE(of_matrices.values().contains("mase"));
}

TEST_CASE("the seasonal naive error is the mean change over a season") {
  const std::vector<float> series{1, 3, 2, 7, 4};
  CHECK(seasonal_naive_error(std::span(series)) == doctest::Approx((2 + 1 + 5 + 3) / 4.0));
  CHECK(seasonal_naive_error(std::span(series), 2) == doctest::Approx((1 + 4 + 2) / 3.0));
  CHECK(seasonal_naive_error(std::span(series), 4) == doctest::Approx(3));
}

TEST_CASE("forecast scores without meaning are refused") {
  const std::vector<float> series{1, 3, 2}, constant{2, 2, 2}, hole{1, std::numeric_limits<float>::infinity()};
  CHECK_THROWS_WITH_AS(seasonal_naive_error(std::span(series), 3),
                       "seasonal_naive_error: a season of 3 in a series of 3 values, expected 1 or more, and a longer "
                       "series",
                       std::invalid_argument);
  CHECK_THROWS_AS(seasonal_naive_error(std::span(series), 0), std::invalid_argument);
  CHECK_THROWS_WITH_AS(seasonal_naive_error(std::span(hole)), "seasonal_naive_error: value 1 is not finite",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      seasonal_naive_error(std::span(constant)),
      "seasonal_naive_error: every value is that of a season before: there is no error to compare with",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(ForecastScores(0), "ForecastScores: naive_error is 0, expected a finite number above 0",
                       std::invalid_argument);
  ForecastScores scores;
  scores.add(0, 1);
  CHECK_THROWS_WITH_AS(scores.mape(), "ForecastScores: mape needs a true number that is not 0, has none among 1",
                       std::invalid_argument);
  CHECK_THROWS_AS(scores.mase(), std::invalid_argument);
  CHECK_THROWS_WITH_AS(scores.add(1, std::numeric_limits<double>::infinity()), "ForecastScores: number 1 is not finite",
                       std::invalid_argument);
  Matrix<float> one(1, 2), two(2, 2);
  CHECK_THROWS_WITH_AS(scores.add(one, two), "ForecastScores: 1 x 2 numbers and 2 x 2 forecasts",
                       std::invalid_argument);
  const std::vector<Index> labels{0, 1};
  CHECK_THROWS_AS(scores.add(MetricBatch<float>{.outputs = one, .labels = labels}), std::invalid_argument);
}
