// The softmax in blocks against a Dense layer and the cross-entropy of all its logits.
#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/head/head_loss.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/fit.hpp>

#include "../support/sequences.hpp"

namespace {
using namespace unroll;
using WholeSoftmax = SoftmaxClassifier<double>;

struct SoftmaxCase {
  Index D, V, n;
  SoftmaxClassifierOptions options = {};
  double scale = 1;
};
std::vector<Index> softmax_labels(const SoftmaxCase& c) {
  std::vector<Index> labels;
  Rng rng(3);
  for (Index k = 0; k < c.n; ++k) {
    labels.push_back(Index(rng.below(std::uint64_t(c.V))));
    if (k % 5 == 4) labels.back() = c.options.ignore_index;
  }
  return labels;
}
double distance(const Matrix<double>& a, const Matrix<double>& b) {
  REQUIRE(a.rows() == b.rows());
  REQUIRE(a.cols() == b.cols());
  return a.size() == 0 ? 0 : (a - b).cwiseAbs().maxCoeff() / std::max(1e-3, b.cwiseAbs().maxCoeff());
}
struct TiedModel : Composite<TiedModel> {
  Embedding<> embed{700, 12};
  Recurrent<Gru<>> read{Gru{12, 12}};
  SoftmaxClassifier<> head{12, 700, {.tied = true}};
  UNROLL_PARTS(embed, read, head)
  auto operator()(Wiring& run, Node<TokenBatch> x) const { return run(head, run(read, run(embed, x))); }
};
}  // namespace

static_assert(Head<SoftmaxClassifier<float>, PackedSequence<float>> && Head<WholeSoftmax, Matrix<double>>);

TEST_CASE("the softmax in blocks is Dense with cross-entropy: loss, gradients, decisions") {
  const SoftmaxCase cases[] = {{3, 1, 4},
                               {5, 7, 10},
                               {7, 512, 256},
                               {4, 513, 257, {.label_smoothing = 0.1}},
                               {9, 1100, 600, {.ignore_index = 3}, 30},
                               {6, 1030, 300, {.bias = false, .label_smoothing = 0.3}},
                               {5, 40, 12, {}, 400}};
  for (const SoftmaxCase& c : cases) {
    CAPTURE(c.V);
    WholeSoftmax softmax(c.D, c.V, c.options);
    randomize(softmax, Rng(1), c.scale);
    Dense<double> dense(c.D, c.V, {.bias = c.options.bias});
    dense.weight = softmax.weight, dense.bias = softmax.bias;
    const CrossEntropy loss{.label_smoothing = c.options.label_smoothing, .ignore_index = c.options.ignore_index};
    const Matrix<double> h = random_matrix<double>(c.D, c.n, 2);
    const auto labels = softmax_labels(c);

    typename Dense<double>::Cache<Matrix<double>> cache;
    Matrix<double> d_logits, dh;
    const Matrix<double>& logits = dense.forward({}, h, cache);
    const LossResult expected = loss(logits, labels, d_logits);
    Dense<double> d_dense = zeros_like(dense);
    const Matrix<double>& expected_dh = dense.backward(h, d_logits, cache, d_dense);

    WholeSoftmax::Scratch s;
    WholeSoftmax gradient = zeros_like(softmax);
    const HeadResult result = softmax.loss(h, labels, dh, gradient, s);
    CHECK(result.loss == doctest::Approx(expected.loss).epsilon(1e-12));
    CHECK(result.weight == expected.weight);
    CHECK(distance(dh, expected_dh) < 1e-12);
    CHECK(distance(gradient.weight, d_dense.weight) < 1e-12);
    CHECK(distance(gradient.bias, d_dense.bias) < 1e-12);
    CHECK(result.correct == loss.correct(logits, labels));
    CHECK(result.count == loss.count(labels));
    CHECK(softmax.loss(h, labels, s).loss == result.loss);
    const std::vector<Index> decided = softmax.decode(h, s);
    Matrix<double> p = softmax.probabilities(h, s);
    for (Index n = 0; n < c.n; ++n) {
      Index best;
      logits.col(n).maxCoeff(&best);
      CHECK(decided[std::size_t(n)] == best);
      CHECK(p.col(n).sum() == doctest::Approx(1));
    }
  }
}

TEST_CASE("what the softmax in blocks adds to a gradient is added, in parts and with weights") {
  const SoftmaxCase c{4, 600, 300};
  WholeSoftmax softmax(c.D, c.V);
  randomize(softmax, Rng(1));
  const Matrix<double> h = random_matrix<double>(c.D, c.n, 2);
  const auto labels = softmax_labels(c);
  std::vector<double> weights;
  for (Index n = 0; n < c.n; ++n) weights.push_back(double(n % 3));
  WholeSoftmax::Scratch s;
  WholeSoftmax whole = zeros_like(softmax), parts = zeros_like(softmax);
  Matrix<double> dh, d;
  const HeadResult all = softmax.loss(h, labels, dh, whole, s, weights);
  double sum = 0;
  for (const auto& [first, n] : {std::pair<Index, Index>{0, 100}, {100, 200}}) {
    const Matrix<double> part = h.middleCols(first, n);
    const HeadResult of = softmax.loss(part, std::span(labels).subspan(std::size_t(first), std::size_t(n)), d, parts, s,
                                       std::span(weights).subspan(std::size_t(first), std::size_t(n)), all.weight);
    sum += of.loss * of.weight / all.weight;
    CHECK(distance(d, dh.middleCols(first, n)) < 1e-12);
  }
  CHECK(sum == doctest::Approx(all.loss).epsilon(1e-12));
  CHECK(distance(parts.weight, whole.weight) < 1e-12);
  CHECK(distance(parts.bias, whole.bias) < 1e-12);
}

TEST_CASE("a batch in which nothing counts has no loss and no gradient") {
  const WholeSoftmax softmax(2, 3);
  WholeSoftmax gradient = zeros_like(softmax);
  WholeSoftmax::Scratch s;
  Matrix<double> dh;
  const HeadResult of =
      softmax.loss(random_matrix<double>(2, 3, 1), std::vector<Index>{-100, -100, -100}, dh, gradient, s);
  CHECK(of.weight == 0);
  CHECK(of.count == 0);
  CHECK(dh.isZero());
  CHECK(gradient.weight.isZero());
  CHECK(softmax.loss(Matrix<double>(2, 0), std::vector<Index>{}, dh, gradient, s).loss == 0);
}

TEST_CASE("the bits of the softmax in blocks do not depend on the number of threads" * doctest::test_suite("bits")) {
  const SoftmaxCase c{40, 1500, 500, {.label_smoothing = 0.1}};
  SoftmaxClassifier<float> softmax(c.D, c.V, c.options);
  randomize(softmax, Rng(1));
  const Matrix<float> h = random_matrix<float>(c.D, c.n, 2);
  const auto labels = softmax_labels(c);
  const int before = threads();
  std::vector<std::pair<SoftmaxClassifier<float>, Matrix<float>>> results;
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    SoftmaxClassifier<float>::Scratch s;
    auto& [gradient, dh] = results.emplace_back(zeros_like(softmax), Matrix<float>());
    softmax.loss(h, labels, dh, gradient, s);
    CHECK(gradient.weight == results[0].first.weight);
    CHECK(gradient.bias == results[0].first.bias);
    CHECK(dh == results[0].second);
  }
  set_threads(before);
}

TEST_CASE("a tied softmax is that of the embedding's table, and its gradient gets both parts") {
  TiedModel model;
  initialize(model, Rng(1));
  TokenBatch x;
  const std::vector<std::vector<std::int32_t>> ids{{1, 2, 3}, {}, {699, 0, 1, 512}};
  const std::vector<std::span<const std::int32_t>> views(ids.begin(), ids.end());
  pack_tokens(std::span(views), x);
  Workspace<TiedModel, TokenBatch> work(model);
  const Context context{.training = true};
  const StepResult found = add_gradient(model, NextToken{HeadLoss{}}, x, Nothing{}, work, context);
  CHECK(found.weight == 5);

  // the same as layers
  const auto& h = work.cache.output();
  Dense<float> dense(12, 700);
  dense.weight = model.embed.weight.transpose();
  dense.bias = model.head.bias;
  typename Dense<float>::Cache<PackedSequence<float>> cache;
  PackedSequence<float> d_logits;
  Dense<float> d_dense = zeros_like(dense);
  const auto& logits = dense.forward(context, h, cache);
  const LossResult expected = compute_loss(NextToken{CrossEntropy{}}, logits, x, d_logits);
  CHECK(found.loss == doctest::Approx(expected.loss).epsilon(1e-6));
  dense.backward(h, d_logits, cache, d_dense);
  Matrix<float> d_table = d_dense.weight.transpose();
  // what the embedding itself gets: the difference is in the columns of the words that occur
  const Matrix<float> rest = work.gradient.embed.weight - d_table;
  for (Index v = 0; v < 700; ++v) {
    const bool occurs = v < 4 || v == 699 || v == 512;
    CHECK((rest.col(v).cwiseAbs().maxCoeff() > 1e-5f) == (occurs && v != 3 && v != 512));
  }
  CHECK(work.gradient.embed.weight.touched.size() == 700);
  CHECK(work.gradient.head.bias.isApprox(d_dense.bias, 1e-4f));

  const auto decided = predict(model, ids[0]);
  CHECK(decided.size() == 3);
}

TEST_CASE("models with a softmax, tied or not, have the gradient of their loss") {
  TokenBatch x;
  const std::vector<std::vector<std::int32_t>> ids{{1, 2, 3}, {}, {4, 0, 1, 5}};
  const std::vector<std::span<const std::int32_t>> views(ids.begin(), ids.end());
  pack_tokens(std::span(views), x);
  for (const bool tied : {false, true}) {
    Sequential model{Embedding<double>{6, 4}, Recurrent{Gru<double>{4, 4}},
                     WholeSoftmax{4, 6, {.tied = tied, .label_smoothing = 0.1}}};
    randomize(model, Rng(2));
    const GradientReport report = check_gradient(model, NextToken{HeadLoss{}}, x, x);
    INFO(report.str());
    CHECK(report.passed());
    CHECK(report.elements == 24 + 3 * 4 * 8 + 3 * 4 * 2 + (tied ? 0 : 24) + 6);
  }
}

TEST_CASE("a tied softmax without its embedding says so") {
  Sequential model{Embedding{10, 4}, SoftmaxClassifier{4, 11, {.tied = true}}};
  const TokenDataset data({{1, 2}});
  CHECK_THROWS_WITH(evaluate(model, NextToken{HeadLoss{}}, data),
                    "SoftmaxClassifier: it is tied, and the model has no embedding of 11 x 4");
  Sequential two{Embedding{10, 4}, SoftmaxClassifier{4, 10, {.tied = true}}};
  CHECK_NOTHROW(evaluate(two, NextToken{HeadLoss{}}, data));
}

TEST_CASE("a language model with a tied softmax learns") {
  Sequential model{Embedding{20, 16}, Recurrent{Gru{16, 16}}, SoftmaxClassifier{16, 20, {.tied = true}}};
  initialize(model, Rng(1));
  std::vector<std::vector<std::int32_t>> ids;
  for (std::int32_t k = 0; k < 40; ++k) {
    ids.emplace_back();
    for (std::int32_t t = 0; t < 3 + k % 4; ++t) ids.back().push_back((k + 3 * t) % 20);
  }
  const TokenDataset data(ids);
  fit(model, NextToken{HeadLoss{}}, Adam{.rate = 2e-2}, data, {.epochs = 30, .batch_size = 10});
  CHECK(evaluate(model, NextToken{HeadLoss{}}, data).accuracy == 1);
}

TEST_CASE("a classifier of sequences with a head answers with classes") {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<Index> labels;
  for (std::int32_t k = 0; k < 60; ++k) ids.push_back({k % 3, (k / 3) % 3}), labels.push_back(k % 3);
  const TokenDataset data(ids, labels);
  Sequential model{Embedding{3, 8}, FinalState{Recurrent{Gru{8, 8}}}, SoftmaxClassifier{8, 3}};
  initialize(model, Rng(1));
  fit(model, Adam{.rate = 3e-2}, data, {.epochs = 20, .batch_size = 10});
  CHECK(evaluate(model, data).accuracy == 1);
  CHECK(predict(model, data) == labels);
  CHECK(predict(model, ids[4]) == 1);
}

TEST_CASE("logits of a packed weight have the same bits") {
  for (const bool bias : {true, false}) {
    SoftmaxClassifier<float> softmax(300, 1100, {.bias = bias});
    randomize(softmax, Rng(1), 1.0);
    SoftmaxClassifier<float>::Scratch plain, packed;
    softmax.pack(packed);
    for (const Index n : {1, 2, 13, 400}) {
      const Matrix<float> z = random_matrix<float>(300, n, 2);
      CHECK(softmax.logits(z, packed) == softmax.logits(z, plain));
    }
  }
  TiedModel model;
  initialize(model, Rng(1));
  SoftmaxClassifier<>::Scratch plain, packed;
  CHECK_THROWS_AS(model.head.pack(packed), std::invalid_argument);
  for (auto* s : {&plain, &packed}) model.head.share(model, static_cast<TiedModel*>(nullptr), *s);
  model.head.pack(packed);
  const Matrix<float> z = random_matrix<float>(12, 3, 2);
  CHECK(model.head.logits(z, packed) == model.head.logits(z, plain));
}

TEST_CASE("the packed weight of another softmax is refused") {
  const SoftmaxClassifier<float> small(4, 20), large(4, 1200);
  SoftmaxClassifier<float>::Scratch scratch;
  small.pack(scratch);
  const Matrix<float> z = Matrix<float>::Ones(4, 2);
  CHECK(small.logits(z, scratch).rows() == 20);
  CHECK_THROWS_WITH_AS(large.logits(z, scratch), "SoftmaxClassifier: the scratch has the packed weight of another one",
                       std::invalid_argument);
}
