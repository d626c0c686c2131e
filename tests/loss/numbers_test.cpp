// Losses of numbers: what each is, its gradient, and how its outputs are read.
#include <cmath>
#include <numbers>
#include <vector>

#include <unroll/core/random.hpp>
#include <unroll/loss/gaussian_nll.hpp>
#include <unroll/loss/huber.hpp>
#include <unroll/loss/mean_absolute_error.hpp>
#include <unroll/loss/quantile.hpp>
#include <unroll/loss/student_t_nll.hpp>

#include "finite_differences.hpp"

namespace {
using namespace unroll;

Matrix<double> drawn_numbers(Index rows, Index cols, std::uint64_t seed) {
  Rng rng(seed);
  Matrix<double> m(rows, cols);
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = 2 * rng.normal();
  return m;
}

/// The gradient of a loss with weights against central differences of it, and that none is made where none is wanted.
template <class Loss> void check_weighted_gradient(const Loss& loss, Index each) {
  const Matrix<double> y = drawn_numbers(each * 3, 4, 1), t = drawn_numbers(3, 4, 2);
  const std::vector<double> weights{0.25, 3, 0, 1};
  Matrix<double> d, unused;
  const LossResult result = loss(y, t, d, weights);
  CHECK(result.weight == 12);
  CHECK(result.weight == loss.weight(t));
  CHECK(d.col(2).isZero(0));
  check_output_gradient(y, d, [&](const Matrix<double>& output) { return loss(output, t, unused, weights).loss; });
  CHECK(loss(y, t).loss == loss(y, t, d).loss);

  Matrix<double> nothing(each * 3, 0), no_targets(3, 0);
  CHECK(loss(nothing, no_targets, d).weight == 0);
  CHECK(d.cols() == 0);
}
}  // namespace

TEST_CASE_TEMPLATE("absolute error, Huber's and pinball are what they say, and 0 at the target", T, float, double) {
  Matrix<T> y(2, 2), t(2, 2), d;
  y << 1, 2, 3, 4;
  t << 1, 5, 2.5, 0;
  CHECK(MeanAbsoluteError{}(y, t, d).loss == doctest::Approx((3 + 0.5 + 4) / 4));
  CHECK(d(0, 0) == 0);
  CHECK(d(0, 1) == doctest::Approx(-0.25));
  CHECK(d(1, 0) == doctest::Approx(0.25));
  CHECK(Huber{.delta = 2}(y, t, d).loss == doctest::Approx((2 * (3 - 1) + 0.125 + 2 * (4 - 1)) / 4));
  CHECK(d(0, 0) == 0);
  CHECK(d(0, 1) == doctest::Approx(-0.5));
  CHECK(d(1, 0) == doctest::Approx(0.125));
  // Level 0.9 costs 0.9 for each unit that it is too low, 0.1 for each that it is too high.
  CHECK(Quantile{{0.9}}(y, t, d).loss == doctest::Approx((0.9 * 3 + 0.1 * 0.5 + 0.1 * 4) / 4));
  CHECK(d(0, 0) == 0);
  CHECK(d(0, 1) == doctest::Approx(-0.9 / 4));
  CHECK(d(1, 0) == doctest::Approx(0.1 / 4));
}

TEST_CASE("the gradients of losses of numbers are theirs, with weights of the columns") {
  check_weighted_gradient(MeanAbsoluteError{}, 1);
  check_weighted_gradient(Huber{.delta = 0.7}, 1);
  check_weighted_gradient(Quantile{{0.05, 0.5, 0.8, 0.95}}, 4);
  for (const Spread spread : {Spread::softplus, Spread::exponential}) {
    check_weighted_gradient(GaussianNll{.spread = spread}, 2);
    check_weighted_gradient(GaussianNll{.spread = spread, .least = 0}, 2);
    check_weighted_gradient(StudentTNll{.spread = spread}, 3);
    check_weighted_gradient(StudentTNll{.degrees = 3, .spread = spread}, 2);
  }
}

TEST_CASE("what a distribution is, is read from the outputs by its loss") {
  const Matrix<double> y = drawn_numbers(6, 5, 3);
  const Quantile quantile{{0.1, 0.6, 0.9}};
  CHECK(quantile.outputs(2) == 6);
  CHECK(quantile.level(y, 2) == y.middleRows(4, 2));
  CHECK(quantile.point(y) == y.middleRows(2, 2));

  const GaussianNll gaussian{.least = 0.25};
  CHECK(gaussian.outputs(3) == 6);
  CHECK(gaussian.point(y) == y.topRows(3));
  CHECK(gaussian.deviation(y)(1, 2) == doctest::Approx(0.25 + std::log1p(std::exp(y(4, 2)))));
  CHECK(GaussianNll{.spread = Spread::exponential, .least = 0}.deviation(y)(1, 2) ==
        doctest::Approx(std::sqrt(std::exp(y(4, 2)))));

  const StudentTNll student;
  CHECK(student.outputs(2) == 6);
  CHECK(student.point(y) == y.topRows(2));
  CHECK(student.scale(y)(1, 0) == doctest::Approx(1e-3 + std::log1p(std::exp(y(3, 0)))));
  CHECK(student.degrees_of(y)(1, 0) == doctest::Approx(2 + std::log1p(std::exp(y(5, 0)))));
  CHECK(StudentTNll{.degrees = 7}.outputs(3) == 6);
  CHECK(StudentTNll{.degrees = 7}.degrees_of(y) == Matrix<double>(Eigen::MatrixXd::Constant(3, 5, 7)));
}

TEST_CASE("a Student's t of many degrees is the normal distribution, and its tail is heavier where there are few") {
  Matrix<double> y(2, 1), t(1, 1);
  y << 1, 0.5;
  for (const double truth : {1.0, 2.0, 9.0}) {
    t << truth;
    const double normal = GaussianNll{}(y, t).loss;
    CHECK(StudentTNll{.degrees = 1e8}(y, t).loss == doctest::Approx(normal).epsilon(1e-6));
    CHECK((StudentTNll{.degrees = 3}(y, t).loss < normal) == (truth == 9.0));
  }
}

TEST_CASE("losses of numbers take outputs however large") {
  Matrix<float> y(2, 2), t(1, 2), d;
  y << 1e30f, -1e30f, -1e4f, 1e4f;
  t << 0, 0;
  for (const double degrees : {0.0, 4.0}) {
    Matrix<float> z(degrees > 0 ? 2 : 3, 2);
    z.setConstant(-1e4f);
    z.topRows(2) = y;
    CHECK(std::isfinite(StudentTNll{.degrees = degrees}(z, t, d).loss));
    CHECK(d.allFinite());
  }
  CHECK(std::isfinite(Quantile{{0.2, 0.9}}(y, t, d).loss));
  CHECK(std::isfinite(GaussianNll{}(y, t, d).loss));
}
