// Heads in evaluation, streams and metrics.
#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/head/crf.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/metric/classification.hpp>
#include <unroll/metric/spans.hpp>

#include "classifier.hpp"

using namespace unroll;

TEST_CASE("a tagger that ends in a CRF is scored by what that decodes") {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::vector<Index>> tags;
  for (std::int32_t k = 0; k < 30; ++k) {
    ids.push_back({k % 7, (k + 1) % 7, (2 * k) % 7});
    tags.push_back({k % 3, (k + 1) % 3, (2 * k) % 3});
  }
  const TokenDataset data(ids, tags);
  Sequential model{Embedding{7, 5}, Recurrent{Gru{5, 6}}, Dense{6, 3}, Crf{3}};
  initialize(model, Rng(1));
  fit(model, Adam{.rate = 1e-2}, data, {.epochs = 3, .prefetch = 1});
  const Evaluation of = evaluate(model, data, {.metrics = SpanScores({"O", "B-X", "I-X"})});
  ConfusionMatrix expected(3);
  const auto decoded = predict(model, data);
  for (std::size_t k = 0; k < decoded.size(); ++k)
    for (std::size_t t = 0; t < 3; ++t) expected.add(tags[k][t], decoded[k][t]);
  CHECK(of.confusion == expected);
  CHECK(of.accuracy == expected.accuracy());
  CHECK(of.metrics.contains("span_f1"));
}

TEST_CASE("a softmax head is scored by its decisions, and a language model by the tokens that follow") {
  Sequential head{Embedding{10, 5}, FinalState{Recurrent{Gru{5, 6}}}, SoftmaxClassifier{6, 2}};
  initialize(head, Rng(1));
  const TokenDataset data = make_data(40);
  const Evaluation of = evaluate(head, data);
  CHECK(of.confusion->count() == 40);
  CHECK(of.find("accuracy") == of.confusion->accuracy());
  CHECK_THROWS_AS(evaluate(head, data, {.metrics = Perplexity()}), std::invalid_argument);

  Sequential language{Embedding{10, 5}, Recurrent{Gru{5, 6}}, Dense{6, 10}};
  initialize(language, Rng(1));
  const Evaluation next = evaluate(language, NextToken{CrossEntropy{}}, data, {.metrics = Perplexity()});
  CHECK(next.metrics.at("perplexity") == doctest::Approx(std::exp(next.loss)).epsilon(1e-6));
  CHECK(next.confusion->count() == next.count);

  const TokenStreams streams({1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3}, {.streams = 2, .window = 4});
  Sequential vocabulary{Embedding{10, 5}, Recurrent{Gru{5, 6}}, SoftmaxClassifier{6, 10}};
  initialize(vocabulary, Rng(1));
  const History history = fit(vocabulary, Adam{.rate = 1e-2}, streams, {.epochs = 20, .validation = streams});
  CHECK(history.epochs.back().validation->loss < history.epochs.front().validation->loss);
}
