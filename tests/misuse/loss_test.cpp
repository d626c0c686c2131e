// Losses called wrongly: each says what is wrong, and nothing is written.
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/gaussian_nll.hpp>
#include <unroll/loss/huber.hpp>
#include <unroll/loss/mean_absolute_error.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/loss/quantile.hpp>
#include <unroll/loss/student_t_nll.hpp>

#include "../support/not_finite.hpp"

namespace misuse_loss {
using namespace unroll;
using Ints = std::vector<Index>;

Matrix<float> output(Index rows, Index cols) {
  Matrix<float> m(rows, cols);
  m.setConstant(0.25f);
  return m;
}
const double not_a_number = not_finite::nan<double>(), infinity = not_finite::infinity<double>();
}  // namespace misuse_loss

TEST_CASE("a forgotten FinalState is named, and so is one too many") {
  using namespace misuse_loss;
  const Ints lengths{3, 2};
  const PackedSequence<float> steps{output(4, 5), Packing::from_lengths(lengths, 3)};
  PackedSequence<float> d;
  CHECK_THROWS_WITH_AS(cross_entropy(steps, Ints{0, 1}, d),
                       "loss: 2 targets for an output of 5 columns, one for each step of the 2 sequences; is a "
                       "FinalState missing in the model, or was a target for each step meant?",
                       std::invalid_argument);
  CHECK_THROWS_AS(mean_squared_error(steps, output(4, 2), d), std::invalid_argument);
  CHECK_THROWS_AS(compute_loss(CrossEntropy{}, steps, Ints{0, 1}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(cross_entropy(steps, Ints{0, 1, 2}, d), "cross_entropy: 3 targets for an output of 5 columns",
                       std::invalid_argument);
}

TEST_CASE("an output whose columns are not those of its packing is refused by every loss") {
  using namespace misuse_loss;
  const PackedSequence<float> torn{output(2, 3), {}};
  PackedSequence<float> d;
  CHECK_THROWS_WITH_AS(cross_entropy(torn, Ints{0, 1, 0}, d), "loss: the output has 3 columns, its packing 0 steps",
                       std::invalid_argument);
}

TEST_CASE("labels outside of their container or of every class are refused") {
  using namespace misuse_loss;
  CHECK_THROWS_WITH_AS(Labels()[0], "Labels: label 0, but there is none", std::invalid_argument);
  const Ints pair{1, 2};
  CHECK_THROWS_WITH_AS(static_cast<Labels>(pair)[2], "Labels: label 2, expected 0 to 1", std::invalid_argument);
  CHECK_THROWS_AS(static_cast<Labels>(pair)[-1], std::invalid_argument);
  const std::vector<std::uint64_t> huge{~std::uint64_t{0}};
  CHECK_THROWS_WITH_AS(static_cast<Labels>(huge)[0], "Labels: label 0 is 18446744073709551615, which no class can be",
                       std::invalid_argument);
  Matrix<float> d;
  CHECK_THROWS_AS(cross_entropy(output(3, 1), huge, d), std::invalid_argument);
}

TEST_CASE("weights that are negative or no numbers are refused by name") {
  using namespace misuse_loss;
  const auto x = output(2, 2), row = output(1, 2);
  const Ints y{0, 1};
  Matrix<float> d;
  const std::vector<double> bad_weights{1, not_a_number}, negative{-1, 1};
  CHECK_THROWS_WITH_AS(cross_entropy(x, y, d, {}, bad_weights),
                       "cross_entropy: sample weight 1 is nan, expected a finite number, 0 or more",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(binary_cross_entropy(row, y, d, {}, negative),
                       "binary_cross_entropy: sample weight 0 is -1, expected 0 or more", std::invalid_argument);
  CHECK_THROWS_WITH_AS(mean_squared_error(x, x, d, negative),
                       "mean_squared_error: sample weight 0 is -1, expected 0 or more", std::invalid_argument);
  CHECK_THROWS_WITH_AS(cross_entropy(x, y, d, {.class_weights = {1, infinity}}),
                       "cross_entropy: class weight 1 is inf, expected a finite number, 0 or more",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(cross_entropy(x, y, d, {.label_smoothing = not_a_number}),
                       "cross_entropy: label_smoothing is nan, expected a finite number, 0 to 1",
                       std::invalid_argument);
  for (const double weight : {not_a_number, infinity, -0.5})
    CHECK_THROWS_AS(binary_cross_entropy(row, y, d, {.pos_weight = weight}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(binary_cross_entropy(row, y, d, {.pos_weights = {-2}}),
                       "binary_cross_entropy: pos_weight 0 is -2, expected 0 or more", std::invalid_argument);
  CHECK(d.size() == 0);  // nothing was written
  // Without a gradient, too.
  CHECK_THROWS_AS(CrossEntropy{.label_smoothing = -1}(x, y), std::invalid_argument);
  CHECK_THROWS_AS(BinaryCrossEntropy{.pos_weight = -1}(row, y), std::invalid_argument);
}

TEST_CASE("targets that are no numbers, or no probabilities where those are meant, are named") {
  using namespace misuse_loss;
  const auto x = output(2, 3);
  auto y = output(2, 3);
  Matrix<float> d;
  y(1, 2) = 1.5f;
  CHECK_THROWS_WITH_AS(binary_cross_entropy(x, y, d),
                       "binary_cross_entropy: target 1 of column 2 is 1.5, expected 0 to 1", std::invalid_argument);
  CHECK_THROWS_AS(BinaryCrossEntropy{}(x, y), std::invalid_argument);
  y(1, 2) = -0.5f;
  CHECK_THROWS_AS(binary_cross_entropy(x, y, d), std::invalid_argument);
  y(1, 2) = static_cast<float>(not_a_number);
  CHECK_THROWS_AS(binary_cross_entropy(x, y, d), std::invalid_argument);
  CHECK_THROWS_WITH_AS(mean_squared_error(x, y, d),
                       "mean_squared_error: target 1 of column 2 is nan, expected a finite number",
                       std::invalid_argument);
  y(1, 2) = static_cast<float>(infinity);
  CHECK_THROWS_AS(MeanSquaredError{}(x, y), std::invalid_argument);
}

TEST_CASE("outputs without columns or without rows have an answer or a message") {
  using namespace misuse_loss;
  Matrix<float> d;
  CHECK(cross_entropy(output(3, 0), Ints{}, d) == 0);
  CHECK(binary_cross_entropy(output(1, 0), Ints{}, d) == 0);
  CHECK(mean_squared_error(output(0, 4), output(0, 4), d) == 0);
  CHECK_THROWS_WITH_AS(cross_entropy(output(0, 1), Ints{0}, d),
                       "cross_entropy: label 0 is 0, but the output has no rows, which are the classes",
                       std::invalid_argument);
  CHECK_THROWS_AS(CrossEntropy{}.correct(output(0, 1), Ints{0}), std::invalid_argument);
  CHECK(CrossEntropy{}.correct(output(0, 1), Ints{-100}) == 0);
  CHECK_THROWS_AS(binary_cross_entropy(output(0, 1), Ints{0}, d), std::invalid_argument);
  CHECK_THROWS_AS(BinaryCrossEntropy{}.correct(output(1, 2), Ints{0}), std::invalid_argument);
}

TEST_CASE("losses of numbers say how many outputs they want, and refuse options without meaning") {
  using namespace misuse_loss;
  const auto one = output(1, 2), two = output(2, 2), three = output(3, 2);
  Matrix<float> d;
  CHECK_THROWS_WITH_AS(MeanAbsoluteError{}(two, one, d), "mean_absolute_error: targets have 1 rows, the output has 2",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Huber{}(one, output(1, 3), d), "huber: 3 targets for an output of 2 columns",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      GaussianNll{}(one, one, d),
      "gaussian_nll: the output has 1 rows, expected 2 for each of the 1 rows of the targets (outputs())",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(StudentTNll{}(two, one),
                       "student_t_nll: the output has 2 rows, expected 3 for each of the 1 rows of the targets "
                       "(outputs())",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(GaussianNll{}.deviation(three),
                       "gaussian_nll: the output has 3 rows, expected 2 for each target", std::invalid_argument);
  Matrix<float> hole = one;
  hole(0, 1) = static_cast<float>(not_a_number);
  CHECK_THROWS_WITH_AS(Huber{}(one, hole, d), "huber: target 0 of column 1 is nan, expected a finite number",
                       std::invalid_argument);
  const std::vector<double> negative{-1, 1};
  CHECK_THROWS_WITH_AS(MeanAbsoluteError{}(one, one, d, negative),
                       "mean_absolute_error: sample weight 0 is -1, expected 0 or more", std::invalid_argument);
  CHECK_THROWS_WITH_AS(Huber{.delta = 0}(one, one, d), "huber: delta is 0, expected a finite number above 0",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Quantile{{}}(one, one, d), "quantile: there is no level", std::invalid_argument);
  CHECK_THROWS_WITH_AS((Quantile{{0.5, 1}}(two, one, d)), "quantile: a level is 1, expected one between 0 and 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Quantile{{0.5}}.level(one, 1), "quantile: level 1, expected 0 to 0", std::invalid_argument);
  CHECK_THROWS_WITH_AS(GaussianNll{.least = -1}(two, one),
                       "gaussian_nll: least is -1, expected a finite number, 0 or more", std::invalid_argument);
  CHECK_THROWS_WITH_AS(StudentTNll{.degrees = -1}(three, one),
                       "student_t_nll: degrees is -1, expected a finite number above 0, or 0", std::invalid_argument);
}
