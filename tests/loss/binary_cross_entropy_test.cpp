#include <unroll/loss/binary_cross_entropy.hpp>

#include "finite_differences.hpp"

using namespace unroll;

namespace {
double naive_term(double x, double y, double pos_weight) {
  const double s = 1 / (1 + std::exp(-x));
  return -(pos_weight * y * std::log(s) + (1 - y) * std::log(1 - s));
}
Matrix<double> row(std::initializer_list<double> values) {
  Matrix<double> m(1, Index(values.size()));
  std::copy(values.begin(), values.end(), m.data());
  return m;
}
}  // namespace

TEST_CASE_TEMPLATE("binary cross-entropy at logit 0 is log 2, its gradient a half", T, float, double) {
  Matrix<T> x(1, 2), d;
  x.setZero();
  CHECK(binary_cross_entropy(x, std::vector<Index>{0, 1}, d) == doctest::Approx(std::log(2.0)));
  CHECK(d(0, 0) == doctest::Approx(0.25));
  CHECK(d(0, 1) == doctest::Approx(-0.25));
}

TEST_CASE("binary cross-entropy equals the formula, with pos_weight and sample weights") {
  const auto x = row({-2.5, 0.3, 4, -0.7, 1.1});
  const std::vector<Index> labels{0, 1, 0, 1, 1};
  const std::vector<double> weights{1, 0.5, 2, 0, 3};
  Matrix<double> d;
  for (const double pos_weight : {1.0, 2.5}) {
    const BinaryCrossEntropy loss{.pos_weight = pos_weight};
    const auto naive = [&](const Matrix<double>& logits) {
      double sum = 0;
      for (Index n = 0; n < 5; ++n)
        sum += weights[std::size_t(n)] * naive_term(logits(0, n), double(labels[std::size_t(n)]), pos_weight);
      return sum / 5;
    };
    CHECK(loss(x, labels, d, weights).loss == doctest::Approx(naive(x)).epsilon(1e-13));
    CHECK(d(0, 3) == 0);
    check_output_gradient(x, d, naive);
    Matrix<double> d_free;
    CHECK(binary_cross_entropy(x, labels, d_free, loss, weights) == loss(x, labels, d, weights).loss);
    CHECK(d == d_free);
    CHECK(loss(x, labels).loss == loss(x, labels, d).loss);
  }
}

TEST_CASE("several outputs with soft targets and a pos_weight each") {
  Matrix<double> x(3, 2), y(3, 2), d;
  x << -2.5, 0.3, 4, -0.7, 1.1, 0.2;
  y << 0, 1, 0.3, 0.95, 0.5, 0;
  const BinaryCrossEntropy loss{.pos_weights = {0.4, 3, 1.7}};
  const auto naive = [&](const Matrix<double>& logits) {
    double sum = 0;
    for (Index n = 0; n < 2; ++n)
      for (Index k = 0; k < 3; ++k) sum += naive_term(logits(k, n), y(k, n), loss.pos_weights[std::size_t(k)]);
    return sum / 6;
  };
  CHECK(binary_cross_entropy(x, y, d, loss) == doctest::Approx(naive(x)).epsilon(1e-13));
  check_output_gradient(x, d, naive);
  CHECK(loss(x, y).weight == 6);
}

TEST_CASE_TEMPLATE("binary cross-entropy is exact where the sigmoid is 0 or 1", T, float, double) {
  Matrix<T> x(1, 4), d;
  x << T(-1000), T(1000), T(-1000), T(1000);
  CHECK(binary_cross_entropy(x, std::vector<Index>{0, 1, 1, 0}, d) == doctest::Approx(500));
  CHECK(d(0, 0) == 0);
  CHECK(d(0, 1) == 0);
  CHECK(d(0, 2) == T(-0.25));
  CHECK(d(0, 3) == T(0.25));
  x.resize(1, 1);
  x << T(-30);
  const BinaryCrossEntropy loss;
  CHECK(loss(x, std::vector<Index>{0}, d).loss == doctest::Approx(std::exp(-30.0)).epsilon(1e-12));
  CHECK(double(d(0, 0)) == doctest::Approx(std::exp(-30.0)).epsilon(1e-6));
}

TEST_CASE("a logit above 0 decides for 1") {
  const BinaryCrossEntropy loss;
  const std::vector<Index> labels{1, 1, 0, 0, 0};
  CHECK(loss.correct(row({0.1, -0.1, -3, 0, 5}), labels) == 3);
  CHECK(loss.count(labels) == 5);
}

TEST_CASE("binary cross-entropy names the label it cannot use") {
  Matrix<float> x(1, 3), d;
  x.setZero();
  CHECK_THROWS_WITH_AS(binary_cross_entropy(x, std::vector<Index>{0, 2, 1}, d),
                       "binary_cross_entropy: label 1 is 2, expected 0 or 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(binary_cross_entropy(x, std::vector<Index>{0, 1}, d),
                       "binary_cross_entropy: 2 targets for an output of 3 columns", std::invalid_argument);
  const std::vector<double> weights(2, 1.0);
  CHECK_THROWS_WITH_AS(binary_cross_entropy(x, std::vector<Index>{0, 1, 1}, d, {}, weights),
                       "binary_cross_entropy: 2 sample weights for an output of 3 columns", std::invalid_argument);
  CHECK_THROWS_WITH_AS(binary_cross_entropy(x, std::vector<Index>{0, 1, 1}, d, {.pos_weights = {1, 2}}),
                       "binary_cross_entropy: 2 pos_weights for 1 outputs", std::invalid_argument);
  x.resize(2, 3);
  CHECK_THROWS_WITH_AS(binary_cross_entropy(x, std::vector<Index>{0, 1, 1}, d),
                       "binary_cross_entropy: the logits have 2 rows, expected 1", std::invalid_argument);
}
