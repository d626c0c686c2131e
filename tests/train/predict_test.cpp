#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/mean_squared_error.hpp>

#include "classifier.hpp"

using unroll::Index;

TEST_CASE("one output is the probability of class 1, and the confidence is that of the verdict") {
  const Classifier model = make_classifier();
  const std::vector<std::int32_t> ids{3, 1, 9};
  const float p = unroll::predict(model, ids);
  const float logit = unroll::infer(model, ids)(0, 0);
  CHECK(p == doctest::Approx(1 / (1 + std::exp(-logit))).epsilon(1e-6));
  const auto prediction = unroll::predict(model, ids);
  CHECK(prediction.label() == (p > 0.5f ? 1 : 0));
  CHECK(prediction.confidence() == std::max(p, 1 - p));
  const unroll::Prediction<float> negative{{0.25f}};
  CHECK(negative.label() == 0);
  CHECK(negative.confidence() == 0.75f);
}

TEST_CASE("several outputs are probabilities that add up to 1") {
  unroll::Matrix<float> logits(3, 2);
  logits << 1000, -1, 0, 0, 1000, 1;
  unroll::to_probabilities(logits);
  CHECK(logits(0, 0) == doctest::Approx(0.5));
  CHECK(logits(2, 0) == doctest::Approx(0.5));
  CHECK(logits.col(1).sum() == doctest::Approx(1));
  CHECK(logits(2, 1) / logits(1, 1) == doctest::Approx(std::exp(1)));
  const unroll::Prediction<float> three{{0.2f, 0.5f, 0.3f}};
  CHECK(three.label() == 1);
  CHECK(three.confidence() == 0.5f);
  CHECK_THROWS_WITH(static_cast<void>(float(three)),
                    "Prediction: 3 classes are not one number; see probabilities, label() and confidence()");
}

TEST_CASE("logits far from zero do not overflow") {
  unroll::Matrix<float> logits(1, 3);
  logits << -1000, 0, 1000;
  unroll::to_probabilities(logits);
  CHECK(logits(0, 0) == 0);
  CHECK(logits(0, 1) == 0.5f);
  CHECK(logits(0, 2) == 1);
}

TEST_CASE("a text without tokens has an answer, too") {
  const float p = unroll::predict(make_classifier(), std::vector<std::int32_t>{});
  CHECK(p > 0);
  CHECK(p < 1);
}

TEST_CASE("a data set is answered in its own order, or that of the rows asked for, with the bits of each alone" *
          doctest::test_suite("bits")) {
  const Classifier model = make_classifier(0.3, 40);  // dropout is off
  const auto data = make_data(70);
  for (const Index batch_size : {1, 7, 64, 1000}) {
    const auto all = unroll::predict(model, data, {.batch_size = batch_size});
    CHECK(all.rows() == 1);
    CHECK(all.cols() == 70);
    for (Index k = 0; k < data.size(); ++k) CHECK(all(0, k) == float(unroll::predict(model, data[k])));
  }
  const std::vector<Index> rows{5, 69, 0, 69, 5};  // a row may be asked for twice
  const auto some = unroll::predict(model, data, {.rows = rows});
  REQUIRE(some.cols() == 5);
  for (Index k = 0; k < 5; ++k)
    CHECK(some(0, k) == float(unroll::predict(model, data[rows[static_cast<std::size_t>(k)]])));
}

TEST_CASE("a tagger answers a data set with a matrix for each sequence, with the bits of each alone" *
          doctest::test_suite("bits")) {
  unroll::Sequential model{unroll::Embedding{10, 6}, unroll::Recurrent{unroll::Gru{6, 5}}, unroll::Dense{5, 3}};
  unroll::initialize(model, unroll::Rng(3));
  const auto data = make_data(30);
  const auto all = unroll::infer(model, data, {.batch_size = 7});
  const auto probabilities = unroll::predict(model, data, {.batch_size = 30});
  REQUIRE(all.size() == 30);
  for (Index k = 0; k < data.size(); ++k) {
    CHECK(all[static_cast<std::size_t>(k)].cols() == data.length(k));
    CHECK(all[static_cast<std::size_t>(k)] == unroll::infer(model, data[k]));
    CHECK(probabilities[static_cast<std::size_t>(k)] == unroll::predict(model, data[k]));
  }
  const std::vector<Index> rows{5, 29, 5};
  const auto some = unroll::infer(model, data, {.rows = rows});
  REQUIRE(some.size() == 3);
  for (std::size_t k = 0; k < 3; ++k) CHECK(some[k] == all[static_cast<std::size_t>(rows[k])]);
}

TEST_CASE("evaluation is the same however often it is asked and however large the batches are") {
  const Classifier model = make_classifier(0.3);
  const auto data = make_data(100);
  const unroll::BinaryCrossEntropy loss;
  const auto first = unroll::evaluate(model, loss, data);
  CHECK(unroll::evaluate(model, loss, data) == first);
  CHECK(first.count == 100);
  for (const Index batch_size : {1, 3, 100}) {
    const auto other = unroll::evaluate(model, loss, data, {.batch_size = batch_size});
    CHECK(other.loss == doctest::Approx(first.loss).epsilon(1e-12));
    CHECK(other.accuracy == first.accuracy);
  }
  // By hand.
  double right = 0;
  for (Index k = 0; k < data.size(); ++k)
    right += unroll::predict(model, data[k]).label() == data.targets().labels[static_cast<std::size_t>(k)] ? 1 : 0;
  CHECK(first.accuracy == right / 100);
}

TEST_CASE("sequences of vectors are learned and answered, numbers for every step, in double") {
  using Matrix = Eigen::MatrixXd;
  unroll::Rng rng(4);
  std::vector<Matrix> x, y;  // the running mean of the first feature
  for (int k = 0; k < 60; ++k) {
    const auto steps = static_cast<Index>(1 + rng.below(8));
    x.push_back(Matrix::NullaryExpr(2, steps, [&] { return rng.uniform(-1, 1); }));
    y.emplace_back(1, steps);
    for (Index t = 0; t < steps; ++t) y.back()(0, t) = x.back().row(0).head(t + 1).mean();
  }
  const unroll::SequenceDataset data(x, y);
  unroll::Sequential model{unroll::Recurrent{unroll::Gru<double>{2, 12}}, unroll::Dense<double>{12, 1}};
  unroll::initialize(model, unroll::Rng(5));
  const double before = unroll::evaluate(model, unroll::MeanSquaredError{}, data).loss;
  const auto history = unroll::fit(model, unroll::MeanSquaredError{}, unroll::Adam{.rate = 1e-2}, data,
                                   {.epochs = 60, .batch_size = 10});
  const auto after = unroll::evaluate(model, unroll::MeanSquaredError{}, data);
  CHECK(after.loss < 0.02 * before);
  CHECK(after.count == 0);  // nothing is decided
  CHECK_FALSE(history.epochs[0].find("accuracy").has_value());
  const auto answer = unroll::infer(model, x[0]);
  CHECK(answer.cols() == x[0].cols());
  CHECK((answer - y[0]).cwiseAbs().maxCoeff() < 0.3);
}
