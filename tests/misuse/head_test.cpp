// What callers do wrong with heads.
#include <doctest/doctest.h>

#include <unroll/head/crf.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/train/fit.hpp>

#include "../support/sequences.hpp"

namespace {
using namespace unroll;
}

TEST_CASE("sizes and options of heads that have no meaning are refused") {
  CHECK_THROWS_AS(Crf<float>(0), std::invalid_argument);
  CHECK_THROWS_AS(Crf<float>(-1), std::invalid_argument);
  CHECK_THROWS_AS(Crf<float>(2, {.starts = {2}}), std::invalid_argument);
  CHECK_THROWS_AS(Crf<float>(2, {.ends = {-1}}), std::invalid_argument);
  CHECK_THROWS_AS(SoftmaxClassifier<float>(0, 3), std::invalid_argument);
  CHECK_THROWS_AS(SoftmaxClassifier<float>(3, 0), std::invalid_argument);
  CHECK_THROWS_AS(SoftmaxClassifier<float>(3, 2, {.label_smoothing = 1.5}), std::invalid_argument);
}

TEST_CASE("heads refuse scores, labels, weights and gradients that do not fit") {
  const PackedSequence<float> z = random_sequences<float>(3, {2, 1}, 2), wide = random_sequences<float>(4, {2, 1}, 2);
  const std::vector<Index> labels{0, 1, 2};
  const std::vector<double> uneven{1, 1, 2}, negative{-1, -1, -1}, few{1};
  PackedSequence<float> dz;
  const auto check = [&]<class H>(const H& head, H other) {
    typename H::Scratch s;
    H gradient = zeros_like(head);
    CHECK_NOTHROW(head.loss(z, labels, dz, gradient, s));
    CHECK_THROWS_AS(head.loss(wide, labels, s), std::invalid_argument);
    CHECK_THROWS_AS(head.loss(z, std::vector<Index>{0, 1}, s), std::invalid_argument);
    CHECK_THROWS_AS(head.loss(z, std::vector<Index>{0, 1, -1}, s), std::invalid_argument);
    CHECK_THROWS_AS(head.loss(z, std::vector<Index>{0, 1, 3}, s), std::invalid_argument);
    CHECK_THROWS_AS(head.loss(z, labels, dz, other, s), std::invalid_argument);
    CHECK_THROWS_AS(head.loss(z, labels, dz, gradient, s, negative), std::invalid_argument);
    CHECK_THROWS_AS(head.loss(z, labels, dz, gradient, s, few), std::invalid_argument);
    CHECK_THROWS_AS(head.decode(wide, s), std::invalid_argument);
    PackedSequence<float> torn = z;
    torn.values.resize(3, 2);
    CHECK_THROWS_AS(head.decode(torn, s), std::invalid_argument);
  };
  check(Crf<float>(3), Crf<float>(4));
  check(SoftmaxClassifier<float>(3, 3), SoftmaxClassifier<float>(3, 4));
  Crf<float> crf(3), gradient(3);
  Crf<float>::Scratch s;
  CHECK_THROWS_WITH(crf.loss(z, labels, dz, gradient, s, std::vector<double>{1, 1, 2}),
                    "Crf: the steps of sequence 0 have sample weights that differ");
  crf.start_transitions.resize(4, 1);
  CHECK_THROWS_WITH(crf.decode(z), "Crf: the parameters are not of one number of labels");
  const SoftmaxClassifier<float> tied(3, 5, {.tied = true});
  SoftmaxClassifier<float>::Scratch unshared;
  CHECK_THROWS_AS(tied.decode(z, unshared), std::invalid_argument);
}

TEST_CASE("a head's input of another width is told with the layer before it") {
  Sequential model{Embedding{5, 4}, Dense{4, 3}, Crf{2}};
  CHECK_THROWS_WITH(predict(model, std::vector<std::int32_t>{1}),
                    "layer 2: head: input has 3 features, expected 2; layer 1 before it is Dense 4 -> 3");
}

TEST_CASE("what a head is not given is asked for") {
  Sequential model{Embedding{5, 4}, Dense{4, 2}, Crf{2}};
  const TokenDataset none({{1, 2}}), per_sequence({{1, 2}}, std::vector<Index>{1});
  CHECK_THROWS_AS(fit(model, Adam{}, none), std::invalid_argument);
  CHECK_THROWS_AS(evaluate(model, none), std::invalid_argument);
  CHECK_THROWS_AS(evaluate(model, per_sequence), std::invalid_argument);
  const TokenDataset numbers({{1, 2}}, Targets(Eigen::MatrixXd::Ones(1, 1)));
  CHECK_THROWS_AS(evaluate(model, numbers), std::invalid_argument);
}
