#include <bit>

#include <unroll/loss/cross_entropy.hpp>

#include "../support/not_finite.hpp"
#include "finite_differences.hpp"

using namespace unroll;

namespace {
/// PyTorch's cross_entropy as its documentation and source tell it: the loss of the labels and the smoothed part summed
/// apart, both divided by the weights of the labels. Sample weights multiply a column's loss.
double naive(const Matrix<double>& x, const std::vector<Index>& labels, const CrossEntropy& options,
             const std::vector<double>& sample_weights = {}) {
  double nll = 0, smooth = 0, weight_sum = 0;
  const auto weight = [&](Index c) {
    return options.class_weights.empty() ? 1.0 : options.class_weights[std::size_t(c)];
  };
  for (Index n = 0; n < x.cols(); ++n) {
    const Index y = labels[std::size_t(n)];
    if (y == options.ignore_index) continue;
    const double sample = sample_weights.empty() ? 1.0 : sample_weights[std::size_t(n)];
    const Eigen::ArrayXd log_p = x.col(n).array() - std::log(x.col(n).array().exp().sum());
    nll -= sample * weight(y) * log_p(y);
    for (Index c = 0; c < x.rows(); ++c) smooth -= sample * weight(c) * log_p(c);
    weight_sum += weight(y);
  }
  const double s = options.label_smoothing;
  return ((1 - s) * nll + s / double(x.rows()) * smooth) / weight_sum;
}
Matrix<double> waves(Index rows, Index cols) {
  Matrix<double> m(rows, cols);
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = 3 * std::sin(1.7 * double(k) + 0.3);
  return m;
}
const std::vector<Index> classes_of_seven{3, 0, 1, 2, 0, 3, 3};
}  // namespace

TEST_CASE_TEMPLATE("equal logits cost log C, whatever they are", T, float, double) {
  Matrix<T> x(4, 1), d;
  x.setConstant(T(7));
  CHECK(cross_entropy(x, std::vector<std::int32_t>{2}, d) == doctest::Approx(std::log(4.0)));
  CHECK(d(0, 0) == T(0.25));
  CHECK(d(2, 0) == T(-0.75));
}

TEST_CASE("cross-entropy and its gradient equal the formula under every option") {
  const auto x = waves(4, 7);
  const std::vector<Index> ignored{3, -100, 1, 2, -100, 3, 3};
  const std::vector<double> weights{0.5, 2, 1.25, 0.8}, samples{1, 0.3, 2, 0, 1.5, 1, 0.1};
  for (const double smoothing : {0.0, 0.15})
    for (const bool weighted : {false, true})
      for (const Index ignore : {Index(-100), Index(3)})
        for (const bool sampled : {false, true}) {
          const CrossEntropy loss{.label_smoothing = smoothing,
                                  .ignore_index = ignore,
                                  .class_weights = weighted ? weights : std::vector<double>{}};
          const auto& y = ignore == 3 ? classes_of_seven : ignored;
          const auto s = sampled ? samples : std::vector<double>{};
          Matrix<double> d;
          CAPTURE(smoothing);
          CAPTURE(weighted);
          CAPTURE(ignore);
          CHECK(loss(x, y, d, s).loss == doctest::Approx(naive(x, y, loss, s)).epsilon(1e-13));
          check_output_gradient(x, d, [&](const Matrix<double>& moved) { return naive(moved, y, loss, s); });
          for (Index n = 0; n < 7; ++n)
            if (y[std::size_t(n)] == ignore) CHECK(d.col(n).cwiseAbs().maxCoeff() == 0);
        }
}

TEST_CASE("where every label is ignored, or weighs nothing, loss and gradient are 0") {
  const auto x = waves(4, 3);
  Matrix<double> d(4, 3);
  d.setOnes();
  const auto result = CrossEntropy{}(x, std::vector<Index>(3, -100), d);
  CHECK(result.loss == 0);
  CHECK(result.weight == 0);
  CHECK(d.cwiseAbs().maxCoeff() == 0);
  d.setOnes();
  CHECK(cross_entropy(x, std::vector<Index>{1, 1, 1}, d, {.class_weights = {1, 0, 1, 1}}) == 0);
  CHECK(d.cwiseAbs().maxCoeff() == 0);
  d.resize(4, 0);
  CHECK(cross_entropy(Matrix<double>(4, 0), std::vector<Index>{}, d) == 0);
}

TEST_CASE_TEMPLATE("huge logits neither overflow nor lose the loss", T, float, double) {
  Matrix<T> x(3, 2), d;
  x << T(3000), T(-3000), T(-3000), T(-3000), T(0), T(-3000);
  CHECK(cross_entropy(x, std::vector<Index>{0, 1}, d) == doctest::Approx(std::log(3.0) / 2));
  CHECK(cross_entropy(x, std::vector<Index>{1, 1}, d) == doctest::Approx((6000 + std::log(3.0)) / 2));
  CHECK(d(0, 0) == T(0.5));
  CHECK(d(1, 0) == T(-0.5));
}

TEST_CASE("float follows double to float's own precision") {
  const auto x = waves(60, 9);
  const Matrix<float> narrow = x.cast<float>();
  const std::vector<Index> y{0, 59, 3, 8, 13, 21, 34, 55, 1};
  Matrix<double> d;
  Matrix<float> d_narrow;
  const double loss = cross_entropy(x, y, d, {.label_smoothing = 0.1});
  CHECK(cross_entropy(narrow, y, d_narrow, {.label_smoothing = 0.1}) == doctest::Approx(loss).epsilon(1e-6));
  CHECK((d_narrow.cast<double>() - d).cwiseAbs().maxCoeff() < 1e-7 * d.cwiseAbs().maxCoeff() * 4);
}

TEST_CASE("correct counts the columns whose largest logit is at the label, without the ignored") {
  Matrix<float> x(3, 5);
  x << 1, 5, 2, 0, 2,  //
      2, 1, 2, 0, 3,   //
      3, 0, 1, 9, 1;
  const std::vector<Index> y{2, 1, 0, -100, 1};
  const CrossEntropy loss;
  CHECK(loss.correct(x, y) == 3);
  CHECK(loss.count(y) == 4);
}

TEST_CASE("cross-entropy names the label it cannot use") {
  Matrix<float> x(4, 2), d;
  x.setZero();
  CHECK_THROWS_WITH_AS(cross_entropy(x, std::vector<Index>{0, 4}, d),
                       "cross_entropy: label 1 is 4, expected 0 to 3 or -100 to ignore it", std::invalid_argument);
  CHECK_THROWS_WITH_AS(cross_entropy(x, std::vector<std::int32_t>{-1, 2}, d, {.ignore_index = 0}),
                       "cross_entropy: label 0 is -1, expected 0 to 3 or 0 to ignore it", std::invalid_argument);
  CHECK_THROWS_WITH_AS(cross_entropy(x, std::vector<Index>{1}, d),
                       "cross_entropy: 1 targets for an output of 2 columns", std::invalid_argument);
  CHECK_THROWS_WITH_AS(cross_entropy(x, std::vector<Index>{1, 1}, d, {.class_weights = {1, 2}}),
                       "cross_entropy: 2 class weights for 4 classes", std::invalid_argument);
  CHECK_THROWS_WITH_AS(cross_entropy(x, std::vector<Index>{1, 1}, d, {.label_smoothing = 1.5}),
                       "cross_entropy: label_smoothing is 1.5, expected 0 to 1", std::invalid_argument);
}

TEST_CASE("a logit that is not a number makes the loss not a number") {
  auto x = waves(4, 2);
  x(2, 1) = not_finite::nan<double>();
  Matrix<double> d;
  const double loss = cross_entropy(x, std::vector<Index>{1, 1}, d);
  CHECK((std::bit_cast<std::uint64_t>(loss) << 1) > 0xffe0000000000000U);  // by bits: -ffast-math folds comparisons
}
