// Scores of numbers among those before them: by hand, what is forgotten, and what is refused.
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/random.hpp>
#include <unroll/metric/anomaly_score.hpp>

#include "../support/message_of.hpp"
#include "../support/not_finite.hpp"

namespace anomaly_score_test {
using namespace unroll;

TEST_CASE("within its memory a score is relative to mean and deviation of all numbers") {
  Rng rng(1);
  AnomalyScore score({.memory = 50});
  double sum = 0, squares = 0;
  for (int n = 1; n <= 50; ++n) {
    const double x = 3 + 2 * rng.normal();
    score.add(x);
    sum += x, squares += x * x;
    const double mean = sum / n, deviation = std::sqrt(squares / n - mean * mean);
    CHECK(score.count() == n);
    CHECK(score.mean() == doctest::Approx(mean).epsilon(1e-12));
    CHECK(score.deviation() == doctest::Approx(deviation).epsilon(1e-6));
    if (n > 2) CHECK(score.score(7) == doctest::Approx((7 - mean) / deviation).epsilon(1e-6));
  }
}

TEST_CASE("what is longer ago than the memory of a score counts less and less") {
  AnomalyScore score({.memory = 20});
  std::vector<double> all;
  for (int n = 0; n < 300; ++n) {
    all.push_back(n < 100 ? (n % 2 == 0 ? 1 : -1) : (n % 2 == 0 ? 14 : 10));
    score.add(all.back());
  }
  // The first 20 weigh the same, each later one 1 / 20 of what is left.
  double mean = 0, square = 0, share = 1;
  for (std::size_t n = all.size(); n-- > 0;) {
    const double a = n < 20 ? 1 / double(n + 1) : 1 / 20.0;
    mean += share * a * all[n], square += share * a * all[n] * all[n], share *= 1 - a;
  }
  CHECK(score.mean() == doctest::Approx(mean).epsilon(1e-12));
  CHECK(score.deviation() == doctest::Approx(std::sqrt(square - mean * mean)).epsilon(1e-9));
  CHECK(score.score(12) == doctest::Approx(0).epsilon(0.05));
}

TEST_CASE("a score without spread") {
  AnomalyScore score, limited({.least = 0.5});
  CHECK(score.score(5) == 0);
  score.add(1);
  CHECK(score.score(5) == 0);
  score.add(1);
  CHECK(score.score(1) == 0);
  CHECK(score.score(2) > 1e300);
  CHECK(score.score(0) < -1e300);
  limited.add(1);
  limited.add(1);
  CHECK(limited.score(2) == 2);
}

TEST_CASE("an anomaly score called wrongly says so") {
  const auto said = [](const auto& f) { return message_of<std::invalid_argument>(f); };
  CHECK(said([] { AnomalyScore({.memory = 0.5}); }) == "AnomalyScore: memory is 0.5, expected 1 or more");
  CHECK(said([] { AnomalyScore({.least = -1}); }) == "AnomalyScore: least is -1, expected 0 or more");
  AnomalyScore score;
  score.add(1);
  score.add(3);
  CHECK(said([&] { score.add(not_finite::nan<double>()); }).find("expected a finite number") != std::string::npos);
  CHECK(said([&] { score.score(not_finite::infinity<double>()); }).find("expected a finite number") !=
        std::string::npos);
  CHECK(score.count() == 2);
  CHECK(score.mean() == 2);
}

}  // namespace anomaly_score_test
