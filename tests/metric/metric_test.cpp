// Metrics against scikit-learn 1.9.1 and seqeval 1.2.2 on numbers that both sides make alike, and by hand.
#include <cstdint>
#include <stdexcept>

#include <doctest/doctest.h>

#include <unroll/metric/classification.hpp>
#include <unroll/metric/confusion_matrix.hpp>
#include <unroll/metric/ranking.hpp>
#include <unroll/metric/regression.hpp>
#include <unroll/metric/spans.hpp>

namespace {

using namespace unroll;
using Strings = std::vector<std::string>;

/// x = (1103515245 x + 12345) mod 2^31 from 7, without the last 8 bits.
std::vector<std::int64_t> numbers() {
  std::vector<std::int64_t> all;
  std::int64_t x = 7;
  for (int k = 0; k < 400; ++k) {
    x = (x * 1103515245 + 12345) % (std::int64_t{1} << 31);
    all.push_back(x >> 8);
  }
  return all;
}
doctest::Approx close(double x) { return doctest::Approx(x).epsilon(1e-13); }

SpanScores scores_of(const Strings& tags) {
  const auto a = numbers();
  const auto at = [&](std::int64_t k) { return tags[static_cast<std::size_t>(k) % tags.size()]; };
  SpanScores scores;
  for (std::size_t i = 0; i < 20; ++i) {
    Strings truth, predicted;
    for (std::size_t j = i * 10; j < i * 10 + 10; ++j) {
      truth.push_back(at(a[j]));
      predicted.push_back(a[200 + j] % 4 < 3 ? truth.back() : at(a[200 + j] / 5));
    }
    scores.add(truth, predicted);
  }
  return scores;
}

}  // namespace

TEST_CASE("scores of a classifier are scikit-learn's") {
  const auto a = numbers();
  ConfusionMatrix all(4), halves[2]{ConfusionMatrix(4), ConfusionMatrix(4)};
  for (std::size_t k = 0; k < 200; ++k) {
    const Index truth = a[k] % 4, predicted = a[200 + k] % 5 < 3 ? truth : a[200 + k] / 7 % 4;
    all.add(truth, predicted);
    halves[k % 2].add(truth, predicted);
  }
  CHECK(all.count(1, 0) == 8);
  CHECK(all.count(3, 3) == 38);
  CHECK(all.accuracy() == close(0.72));
  CHECK(all.precision(0) == close(0.627450980392157));
  CHECK(all.recall(2) == close(0.697674418604651));
  CHECK(all.f1(3) == close(0.767676767676768));
  CHECK(all.macro_f1() == close(0.718629876192901));
  CHECK(all.weighted_f1() == close(0.720667842894734));
  CHECK(all.balanced_accuracy() == close(0.718836790481477));
  CHECK(all.matthews() == close(0.625129973773916));
  halves[0].add(halves[1]);
  CHECK(halves[0].str() == all.str());
}

TEST_CASE("a model that always says no does not look good") {
  ConfusionMatrix m(2, {"no", "yes"});
  for (int k = 0; k < 100; ++k) m.add(k < 95 ? 0 : 1, 0);
  CHECK(m.accuracy() == 0.95);
  CHECK(m.f1(1) == 0);
  CHECK(m.balanced_accuracy() == 0.5);
  CHECK(m.matthews() == 0);
  CHECK(m.str() ==
        "true       no      yes   precision   recall       F1\n"
        "no         95        0       0.950    1.000    0.974\n"
        "yes         5        0       0.000    0.000    0.000\n"
        "accuracy 0.950, macro F1 0.487\n");
}

TEST_CASE("the classes of a model's outputs are counted, labels that are left out are not") {
  Matrix<float> logits(3, 3), one(1, 2);
  logits << 1, 0, 0, 5, 0, 2, 0, 3, 0;
  ConfusionMatrix m(3), binary(2);
  m.add_logits(logits, std::vector<Index>{1, 2, -1});
  CHECK(m.count() == 2);
  CHECK(m.accuracy() == 1);
  one << -1, 2;
  binary.add_logits(one, std::vector<Index>{0, 0});
  CHECK(binary.count(0, 0) == 1);
  CHECK(binary.count(0, 1) == 1);
  CHECK_THROWS_AS(m.add_logits(one, std::vector<Index>{0, 0}), std::invalid_argument);
  CHECK_THROWS_AS(m.add(3, 0), std::invalid_argument);
  CHECK_THROWS_AS(m.add(0, -1), std::invalid_argument);
  CHECK_THROWS_AS(ConfusionMatrix(1), std::invalid_argument);
  CHECK_THROWS_AS(ConfusionMatrix(3, {"a"}), std::invalid_argument);
}

TEST_CASE("rankings are scikit-learn's, with ties") {
  const auto a = numbers();
  Ranking ranking, one_class;
  for (std::size_t k = 0; k < 200; ++k) {
    const double score = static_cast<double>(a[k] % 50) / 10;
    ranking.add(score, a[k] / 50 % 3 == 0 || score > 4 ? 1 : 0);
  }
  CHECK(ranking.roc_auc() == close(0.714601547583158));
  CHECK(ranking.average_precision() == close(0.763967464796947));
  one_class.add(1, 0);
  CHECK_THROWS_AS(one_class.roc_auc(), std::invalid_argument);
  CHECK_THROWS_AS(one_class.average_precision(), std::invalid_argument);
  CHECK_THROWS_AS(one_class.add(1, 2), std::invalid_argument);
}

TEST_CASE("errors of numbers are scikit-learn's") {
  const auto a = numbers();
  RegressionScores scores;
  for (std::size_t k = 0; k < 200; ++k) {
    const double y = static_cast<double>(a[k] % 100) / 10;
    scores.add(y, y + static_cast<double>(a[200 + k] % 30 - 15) / 10);
  }
  CHECK(scores.mean_absolute_error() == close(0.726));
  CHECK(scores.root_mean_squared_error() == close(0.844274836768217));
  CHECK(scores.r2() == close(0.922355267135244));
  RegressionScores constant;
  const Matrix<float> ones = Matrix<float>::Ones(2, 2), zeros = Matrix<float>::Zero(2, 2);
  constant.add(ones, zeros);
  CHECK(constant.mean_absolute_error() == 1);
  CHECK_THROWS_AS(constant.r2(), std::invalid_argument);
}

TEST_CASE("scores of spans are seqeval's, in BIO and in IOBES") {
  const SpanScores bio = scores_of({"O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"});
  CHECK(bio.all().there == 150);
  CHECK(bio.all().f1() == close(0.766666666666667));
  CHECK(bio.kinds().size() == 3);
  const SpanScores iobes = scores_of({"O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y", "E-Y", "S-Y"});
  CHECK(iobes.all().there == 157);
  CHECK(iobes.all().predicted == 160);
  CHECK(iobes.all().precision() == close(0.75625));
  CHECK(iobes.all().recall() == close(0.770700636942675));
  CHECK(iobes.all().f1() == close(0.763406940063091));
}

TEST_CASE("the same spans in every scheme") {
  const std::vector<Span> expected{{0, 1, "PER"}, {2, 2, "PER"}, {4, 4, "LOC"}, {5, 7, "ORG"}};
  CHECK(spans_of(Strings{"I-PER", "I-PER", "B-PER", "O", "I-LOC", "I-ORG", "I-ORG", "I-ORG"}) == expected);  // IOB1
  CHECK(spans_of(Strings{"B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-ORG", "I-ORG", "I-ORG"}) == expected);  // BIO
  CHECK(spans_of(Strings{"B-PER", "E-PER", "S-PER", "O", "S-LOC", "B-ORG", "I-ORG", "E-ORG"}) == expected);  // IOBES
  CHECK(spans_of(Strings{"B-PER", "L-PER", "U-PER", "O", "U-LOC", "B-ORG", "I-ORG", "L-ORG"}) == expected);  // BILOU
  CHECK(as_bio({"I-PER", "I-PER", "B-PER", "O", "U-LOC", "B-ORG", "I-ORG", "L-ORG"}) ==
        Strings{"B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-ORG", "I-ORG", "I-ORG"});
  CHECK(spans_of(Strings{}).empty());
  CHECK_THROWS_AS(spans_of(Strings{"PER"}), std::invalid_argument);
  CHECK_THROWS_AS(spans_of(Strings{"B-"}), std::invalid_argument);
  SpanScores scores;
  CHECK_THROWS_AS(scores.add({"O"}, {}), std::invalid_argument);
  scores.add({"B-A", "O"}, {"B-A", "B-C"});
  CHECK(scores.str() ==
        "A         precision 100.00 %  recall 100.00 %  F1 100.00 %  of 1\n"
        "C         precision   0.00 %  recall   0.00 %  F1   0.00 %  of 0\n"
        "all       precision  50.00 %  recall 100.00 %  F1  66.67 %  of 1\n");
}

namespace {
/// 60 columns of logits (5, 60) that favour the true class, and the classes.
std::pair<Matrix<double>, std::vector<Index>> scored() {
  const auto a = numbers();
  Matrix<double> logits(5, 60);
  std::vector<Index> truth;
  for (Index n = 0; n < 60; ++n) {
    truth.push_back(a[static_cast<std::size_t>(n)] % 5);
    for (Index c = 0; c < 5; ++c)
      logits(c, n) = static_cast<double>(a[static_cast<std::size_t>(60 + 5 * n + c)] % 1000) / 250.0;
    logits(truth.back(), n) += 1;
  }
  return {logits, truth};
}
/// In batches of `size` columns.
template <class M> M added(M metric, const Matrix<double>& outputs, const std::vector<Index>& labels, Index size) {
  for (Index first = 0; first < outputs.cols(); first += size) {
    const Index n = std::min(size, outputs.cols() - first);
    const Matrix<double> part = outputs.middleCols(first, n);
    std::vector<Index> decided;
    decide(part, decided);
    metric.add(MetricBatch<double>{
        .outputs = part, .labels = std::span(labels).subspan(std::size_t(first), std::size_t(n)), .decided = decided});
  }
  return metric;
}
}  // namespace

// numpy: t = a[:60] % 5; x = a[60:360].reshape(60, 5) % 1000 / 250; x[arange(60), t] += 1; p = softmax(x)
TEST_CASE("top-k accuracy and perplexity are scikit-learn's, whatever the batches") {
  const auto [logits, truth] = scored();
  for (const Index size : {1, 7, 60}) {
    CHECK(added(TopK(1), logits, truth, size).accuracy() ==
          close(0.4666666666666667));  // top_k_accuracy_score(t, x, k=1)
    CHECK(added(TopK(2), logits, truth, size).accuracy() == close(0.6333333333333333));
    CHECK(added(TopK(3), logits, truth, size).accuracy() == close(0.8833333333333333));
    CHECK(added(TopK(9), logits, truth, size).accuracy() == 1);
    CHECK(added(Perplexity(), logits, truth, size).value() == close(3.808084609643487));  // exp(log_loss(t, p))
  }
  // One output: s = x[:, 4] - 2.5; y = t > 3
  const Matrix<double> score = (logits.row(4).array() - 2.5).matrix();
  std::vector<Index> last;
  for (const Index k : truth) last.push_back(k == 4 ? 1 : 0);
  CHECK(added(Perplexity(), score, last, 9).value() == close(1.6990715646506513));  // exp(log_loss(y, 1/(1+exp(-s))))
  const MetricValues ranking = added(Ranking(), score, last, 9).values();
  CHECK(ranking.at("roc_auc") == close(0.875));             // roc_auc_score(y, s)
  CHECK(ranking.at("average_precision") == close(0.6375));  // average_precision_score(y, s)
  CHECK(added(TopK(1), score, last, 9).values().at("top_1_accuracy") == close(44.0 / 60));
}

TEST_CASE("precision, recall and F1 are scikit-learn's means, and found by name") {
  const auto [logits, truth] = scored();
  ConfusionMatrix m(5, {"a", "b", "c", "d", "e"});
  m.add_logits(logits, truth);
  CHECK(m.find("macro_precision") ==
        close(0.43544571370658325));  // precision_recall_fscore_support(.., average="macro")
  CHECK(m.find("macro_recall") == close(0.41833333333333333));
  CHECK(m.find("macro_f1") == close(0.4139595683234535));
  CHECK(m.find("micro_f1") == close(0.4666666666666667));
  CHECK(m.find("weighted_f1") == close(0.48997618685717187));
  CHECK(m.find("f1_c") == m.f1(2));
  CHECK(m.find("precision_e") == m.precision(4));
  CHECK(m.find("balanced_accuracy") == m.balanced_accuracy());
  for (const char* none : {"f1", "f1_", "f1_z", "recall", "f2"}) CHECK_FALSE(m.find(none).has_value());

  ConfusionMatrix two(2);
  const Matrix<double> score = (logits.row(4).array() - 2.5).matrix();
  std::vector<Index> last;
  for (const Index k : truth) last.push_back(k == 4 ? 1 : 0);
  two.add_logits(score, last);
  CHECK(two.find("precision") == close(0.16666666666666666));  // average="binary"
  CHECK(two.find("recall") == close(0.75));
  CHECK(two.find("f1") == close(0.2727272727272727));
  CHECK(two.find("f1_1") == two.find("f1"));
}

TEST_CASE("a column whose label is below 0 counts for no metric") {
  auto [logits, truth] = scored();
  Matrix<double> kept(5, 59);
  kept << logits.leftCols(30), logits.rightCols(29);
  std::vector<Index> of_kept = truth;
  of_kept.erase(of_kept.begin() + 30);
  truth[30] = -1;
  CHECK(added(TopK(2), logits, truth, 8).accuracy() == added(TopK(2), kept, of_kept, 8).accuracy());
  CHECK(added(Perplexity(), logits, truth, 8).value() == added(Perplexity(), kept, of_kept, 59).value());
}

TEST_CASE("a metric is refused targets of the other kind, outputs that it cannot rank and classes that are not there") {
  const Matrix<double> y = Matrix<double>::Zero(3, 2), numbers = y;
  const std::vector<Index> labels{0, 3};
  const MetricBatch<double> of_numbers{.outputs = y, .numbers = &numbers}, of_labels{.outputs = y, .labels = labels};
  CHECK_THROWS_WITH_AS(TopK(1).add(of_numbers), "TopK: is a metric of classes, the targets are numbers",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(RegressionScores().add(of_labels),
                       "RegressionScores: is a metric of numbers, the targets are classes", std::invalid_argument);
  CHECK_THROWS_WITH_AS(Ranking().add(of_labels), "Ranking: 3 outputs, expected 1 or 2", std::invalid_argument);
  CHECK_THROWS_WITH_AS(Perplexity().add(of_labels), "Perplexity: class 3, expected 0 to 2", std::invalid_argument);
  CHECK_THROWS_WITH_AS(SpanScores({"O"}).add(of_labels), "SpanScores: needs an output for each step",
                       std::invalid_argument);
  CHECK_THROWS_AS(TopK(0), std::invalid_argument);
}
