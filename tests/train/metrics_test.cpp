// Metrics in evaluate, in fit's validation and in callbacks.
#include <sstream>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/gaussian_nll.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/metric/classification.hpp>
#include <unroll/metric/ranking.hpp>
#include <unroll/metric/regression.hpp>
#include <unroll/metric/spans.hpp>
#include <unroll/train/infer.hpp>

#include "classifier.hpp"

namespace {

using namespace unroll;
using SpanTagger = Sequential<Embedding<float>, Recurrent<Gru<float>>, Dense<float>>;

/// Of 200 sequences 4 are of class 1, and are told by an id of their own.
TokenDataset make_rare() {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<Index> labels;
  for (std::int32_t k = 0; k < 200; ++k) {
    labels.push_back(k % 50 == 7 ? 1 : 0);
    ids.push_back({k % 7, labels.back() == 1 ? 9 : (k + 3) % 7});
  }
  return TokenDataset(ids, Targets(labels, {"no", "yes"}));
}

const std::vector<std::string> tags{"O", "B-X", "I-X", "B-Y"};
/// Some steps have no label.
TokenDataset make_tagged() {
  Rng rng(3);
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::vector<Index>> labels;
  for (int k = 0; k < 30; ++k) {
    ids.emplace_back(rng.below(9));
    labels.emplace_back();
    for (auto& id : ids.back()) {
      id = static_cast<std::int32_t>(rng.below(10));
      labels.back().push_back(rng.below(10) == 0 ? 7 : static_cast<Index>(id % 4));
    }
  }
  return TokenDataset(ids, labels);
}
const CrossEntropy tag_loss{.ignore_index = 7};

/// Only its mean output.
struct MeanOutput {
  double sum = 0;
  Index count = 0;
  void add(const MetricBatch<float>& batch) {
    sum += batch.outputs.template cast<double>().sum();
    count += batch.outputs.size();
  }
  MetricValues values() const { return {{"mean_output", sum / static_cast<double>(count)}}; }
};

struct KeptRecord final : RunStore {
  std::vector<Record> saved;
  void save(const Record& record) override { saved.push_back(record); }
  Record load() override { return saved.at(3); }
};

}  // namespace

TEST_CASE("evaluate knows the confusion matrix, and metrics are exact whatever the batches") {
  Classifier model = make_classifier();
  const TokenDataset data = make_data(150);
  fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, data, {.epochs = 3, .batch_size = 20});
  const Metrics metrics{Ranking(), Perplexity(), TopK(1), MeanOutput()};
  const Evaluation whole = evaluate(model, BinaryCrossEntropy{}, data, {.batch_size = 150, .metrics = metrics});

  ConfusionMatrix expected(2);
  const Matrix<float> logits = infer(model, data);
  expected.add_logits(logits, data.targets().labels);
  CHECK(whole.confusion == expected);
  CHECK(whole.find("f1") == expected.f1(1));
  CHECK(whole.find("accuracy") == expected.accuracy());
  CHECK(whole.find("top_1_accuracy") == expected.accuracy());
  CHECK(whole.metrics.at("perplexity") == doctest::Approx(std::exp(whole.loss)).epsilon(1e-6));
  Ranking ranking;
  for (Index n = 0; n < logits.cols(); ++n)
    ranking.add(static_cast<double>(logits(0, n)), data.targets().labels[static_cast<std::size_t>(n)]);
  CHECK(whole.metrics.at("roc_auc") == ranking.roc_auc());
  for (const Index batch_size : {1, 7, 64}) {
    const Evaluation parts =
        evaluate(model, BinaryCrossEntropy{}, data, {.batch_size = batch_size, .metrics = metrics});
    CHECK(parts.confusion == whole.confusion);
    CHECK(parts.metrics.at("roc_auc") == whole.metrics.at("roc_auc"));
    for (const auto& [name, value] : whole.metrics)
      CHECK(parts.metrics.at(name) == doctest::Approx(value).epsilon(1e-12));
  }
  CHECK(evaluate(model, BinaryCrossEntropy{}, data, {.batch_size = 150, .metrics = metrics}) ==
        whole);  // what is asked for is not used up
}

TEST_CASE("a model that always says no does not look good") {
  Classifier model = make_classifier();
  model.layer<3>().weight.setZero();
  model.layer<3>().bias.setConstant(-3);
  const Evaluation of = evaluate(model, BinaryCrossEntropy{}, make_rare());
  CHECK(of.accuracy == 0.98);
  CHECK(of.find("f1_yes") == 0);
  CHECK(of.find("balanced_accuracy") == 0.5);
  std::ostringstream out;
  out << of;
  CHECK(out.str() ==
        "loss 0.1086, accuracy 0.9800 of 200, always the most frequent class 0.9800, macro F1 0.4949\n"
        "true       no      yes   precision   recall       F1\n"
        "no        196        0       0.980    1.000    0.990\n"
        "yes         4        0       0.000    0.000    0.000\n"
        "accuracy 0.980, macro F1 0.495\n");
  std::ostringstream epochs;
  epochs << fit(model, BinaryCrossEntropy{}, Sgd{.rate = 0}, make_rare(), {.validation_split = 0.5});
  CHECK(epochs.str().find("val_accuracy 0.9800, val_macro_f1 0.4949, gradient") != std::string::npos);
  // Held out is one that has no yes at all.
  epochs.str("");
  epochs << fit(model, BinaryCrossEntropy{}, Sgd{.rate = 0}, make_rare(), {.validation_split = 0.2});
  CHECK(epochs.str().find("val_macro_f1 1.0000 of 1 of 2 classes, gradient") != std::string::npos);
  // Where classes are about as frequent as each other the accuracy tells enough.
  std::ostringstream balanced;
  balanced << evaluate(model, BinaryCrossEntropy{}, make_data(100));
  CHECK(balanced.str().find("F1") == std::string::npos);
}

TEST_CASE("a tagger is scored by spans, and steps that the loss ignores count for nothing") {
  SpanTagger model{Embedding{10, 6}, Recurrent{Gru{6, 9}}, Dense{9, 4}};
  initialize(model, Rng(2));
  const TokenDataset data = make_tagged();
  fit(model, tag_loss, Adam{.rate = 1e-2}, data, {.epochs = 4, .batch_size = 5});
  SpanScores spans;
  ConfusionMatrix confusion(4);
  const auto outputs = infer(model, data);
  std::size_t at = 0;
  for (const Matrix<float>& y : outputs) {
    std::vector<std::string> truth, predicted;
    std::vector<Index> decided;
    decide(y, decided);
    for (const Index k : decided) {
      const Index label = data.targets().labels[at++];
      if (label == 7) continue;
      truth.push_back(tags[static_cast<std::size_t>(label)]);
      predicted.push_back(tags[static_cast<std::size_t>(k)]);
      confusion.add(label, k);
    }
    spans.add(truth, predicted);
  }
  for (const Index batch_size : {1, 4, 30}) {
    const Evaluation of = evaluate(model, tag_loss, data, {.batch_size = batch_size, .metrics = SpanScores(tags)});
    CHECK(of.metrics == spans.values());
    CHECK(of.confusion == confusion);
    CHECK(of.count == confusion.count());
  }
  CHECK(spans.values().at("span_f1") > 0.3);
  CHECK(spans.values().contains("span_f1_Y"));
  CHECK_THROWS_WITH_AS(evaluate(model, tag_loss, data, {.metrics = SpanScores({"O"})}),
                       doctest::Contains("SpanScores: class"), std::invalid_argument);
}

TEST_CASE("numbers are scored by numbers") {
  std::vector<Eigen::MatrixXf> x;
  Matrix<double> y(1, 40);
  for (Index k = 0; k < 40; ++k) x.push_back(Eigen::MatrixXf::Constant(1, 2, float(k) / 20)), y(0, k) = double(k % 5);
  const SequenceDataset<float> data(x, y);
  Sequential model{FinalState{Recurrent{Gru{1, 4}}}, Dense{4, 1}};
  initialize(model, Rng(1));
  const Evaluation of = evaluate(model, MeanSquaredError{}, data, {.batch_size = 7, .metrics = RegressionScores()});
  CHECK(of.metrics.at("rmse") == doctest::Approx(std::sqrt(of.loss)).epsilon(1e-6));
  CHECK(of.metrics.contains("mae"));
  CHECK(of.metrics.contains("r2"));
  CHECK_FALSE(of.confusion.has_value());
  CHECK_THROWS_AS(evaluate(model, MeanSquaredError{}, data, {.metrics = TopK(1)}), std::invalid_argument);

  // Of a distribution, metrics see the mean.
  Sequential wide{FinalState{Recurrent{Gru{1, 4}}}, Dense{4, GaussianNll{}.outputs(1)}};
  initialize(wide, Rng(1));
  const Matrix<float> mean = GaussianNll{}.point(infer(wide, data));
  const Evaluation likely = evaluate(wide, GaussianNll{}, data, {.batch_size = 7, .metrics = RegressionScores()});
  CHECK(likely.metrics.at("mae") == doctest::Approx((mean.cast<double>() - y).cwiseAbs().mean()).epsilon(1e-6));
}

TEST_CASE("callbacks monitor any metric by its name, and logs have it") {
  Classifier model = make_classifier();
  const TokenDataset data = make_rare();
  std::vector<double> seen;
  const auto see = [&](Run& run) { seen.push_back(run.log().find("val_f1").value()); };
  FitOptions<> options{.epochs = 30,
                       .batch_size = 20,
                       .validation = data,
                       .metrics = {Ranking(), TopK(1)},
                       .callbacks = {see, EarlyStopping{.monitor = "val_f1", .patience = 3, .skip_epochs = 5}}};
  const BinaryCrossEntropy loss{.pos_weight = 10};
  const History history = fit(model, loss, Adam{.rate = 2e-2}, data, options);
  CHECK(history.series("val_f1") == seen);
  CHECK(history.series("val_roc_auc").size() == seen.size());
  CHECK(history.series("val_top_1_accuracy") == history.series("val_accuracy"));
  CHECK(seen.back() > 0.9);
  CHECK(evaluate(model, BinaryCrossEntropy{}, data).find("f1") == *std::ranges::max_element(seen));
  std::ostringstream line;
  line << history.epochs.back();
  CHECK(line.str().find(", val_average_precision ") != std::string::npos);

  options.callbacks = EarlyStopping{.monitor = "val_f2"};
  CHECK_THROWS_WITH_AS(fit(model, BinaryCrossEntropy{}, Adam{}, data, options),
                       "EarlyStopping: there is no 'val_f2' to monitor", std::invalid_argument);
}

TEST_CASE("a run that is resumed has the metrics of the epochs before") {
  const TokenDataset data = make_rare();
  const auto store = std::make_shared<KeptRecord>();
  FitOptions<> options{.epochs = 5, .validation_split = 0.3, .metrics = Ranking(), .checkpoint = store};
  Classifier model = make_classifier(), again = model;
  const History whole = fit(model, BinaryCrossEntropy{}, Adam{}, data, options);
  options.resume = std::exchange(options.checkpoint, nullptr);
  const History resumed = fit(again, BinaryCrossEntropy{}, Adam{}, data, options);
  REQUIRE(resumed.epochs.size() == 5);
  for (std::size_t e = 0; e < 5; ++e) CHECK(resumed.epochs[e].validation == whole.epochs[e].validation);
}

TEST_CASE("the goal of a metric is told by its name") {
  using detail::goal_of;
  for (const char* up : {"accuracy", "val_accuracy", "val_top_5_accuracy", "val_f1", "val_f1_yes", "val_macro_f1",
                         "val_span_f1_PER", "validation.span_f1_PER", "training.f1_2", "val_roc_auc",
                         "val_average_precision", "val_matthews", "val_r2", "recall"})
    CHECK(goal_of(up, {}) == Goal::maximize);
  for (const char* down : {"loss", "val_loss", "val_perplexity", "val_mae", "gradient_norm"})
    CHECK(goal_of(down, {}) == Goal::minimize);
  CHECK(goal_of("val_f1", Goal::minimize) == Goal::minimize);
}

TEST_CASE("a loss that decides in a way of its own is scored by its decisions, and its outputs are no logits") {
  struct Own : CrossEntropy {
    Index classes() const { return 5; }
    void decide(const Matrix<float>& output, std::vector<Index>& classes) const {
      classes.assign(static_cast<std::size_t>(output.cols()), 3);
    }
  };
  Sequential model{Embedding{10, 4}, FinalState{Recurrent{Gru{4, 4}}}, Dense{4, 2}};
  initialize(model, Rng(1));
  const TokenDataset data = make_rare();
  const Evaluation of = evaluate(model, Own{}, data);
  REQUIRE(of.confusion->classes() == 5);
  CHECK(of.confusion->count(0, 3) == 196);
  CHECK(of.confusion->count(1, 3) == 4);
  CHECK_THROWS_AS(evaluate(model, Own{}, data, {.metrics = TopK(1)}), std::invalid_argument);
}
