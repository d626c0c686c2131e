// Training, evaluation and prediction called wrongly: a sentence each, never a crash, and never silence.
#include <cstdint>
#include <functional>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/train/fit.hpp>
#include <unroll/train/weight_average.hpp>

#include "../support/not_finite.hpp"

namespace misuse_train {
using namespace unroll;
using Ints = std::vector<Index>;
using Net = Sequential<Embedding<float>, FinalState<Recurrent<Gru<float>>>, Dense<float>>;
using Tagger = Sequential<Embedding<float>, Recurrent<Gru<float>>, Dense<float>>;
using Options = FitOptions<TokenDataset>;

constexpr Index most = std::numeric_limits<Index>::max();
const double not_a_number = not_finite::nan<double>(), infinite = not_finite::infinity<double>();
const std::vector<std::vector<std::int32_t>> ids{{1, 2, 3}, {4}, {}, {2, 2}};

Net net(Index units = 3) {
  Net model{Embedding{5, 4}, FinalState{Recurrent{Gru{4, units}}}, Dense{units, 2}};
  initialize(model, Rng(1));
  return model;
}
Tagger tagger() {
  Tagger model{Embedding{5, 4}, Recurrent{Gru{4, 3}}, Dense{3, 2}};
  initialize(model, Rng(1));
  return model;
}
TokenDataset labelled() { return TokenDataset(ids, Ints{0, 1, 1, 0}); }
TokenDataset unlabelled() { return TokenDataset(ids); }
History train(const Options& options, const TokenDataset& data = labelled()) {
  Net model = net();
  return fit(model, CrossEntropy{}, Adam{}, data, options);
}
/// A message, or what there was instead.
template <class F> std::string said(const F& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing";
}

/// A user's data set that does one thing wrong.
struct Wrong {
  using Batch = TokenBatch;
  TokenDataset data = labelled();
  Index fewer = 0, targets = 0, weights = 0;

  Index size() const { return data.size(); }
  Index length(Index k) const { return data.length(k); }
  void fill(std::span<const Index> rows, TokenBatch& batch) const {
    data.fill(rows.first(rows.size() - static_cast<std::size_t>(fewer)), batch);
  }
  template <class T>
  void fill_targets(std::span<const Index> rows, const Packing& packing, BatchTargets<T>& out) const {
    data.fill_targets(rows, packing, out);
    out.labels.resize(out.labels.size() + static_cast<std::size_t>(targets));
    out.sample_weights.assign(static_cast<std::size_t>(weights), 1.0);
  }
};
}  // namespace misuse_train

TEST_CASE("a data set without targets is refused before the first step, wherever it is given") {
  using namespace misuse_train;
  Net model = net();
  const auto none = unlabelled();
  CHECK(said([&] { train({}, none); }) ==
        "fit: the data set has no targets: labels or numbers, from its file or given to its constructor");
  CHECK(said([&] { train({.validation = none}); }) ==
        "fit: the validation data set has no targets: labels or numbers, from its file or given to its constructor");
  CHECK(said([&] { evaluate(model, CrossEntropy{}, none); }) ==
        "evaluate: the data set has no targets: labels or numbers, from its file or given to its constructor");
  CHECK(infer(model, none).cols() == 4);  // an answer needs none
  CHECK_THROWS_WITH_AS(evaluate(model, CrossEntropy{}, TokenDataset()), "evaluate: the data set has no sequence",
                       std::invalid_argument);
  CHECK_THROWS_AS(train({.validation = TokenDataset()}), std::invalid_argument);
}

TEST_CASE("targets of a kind that the loss does not take are refused, and both kinds are named") {
  using namespace misuse_train;
  Net model = net();
  const TokenDataset numbers(ids, Eigen::MatrixXf(Eigen::MatrixXf::Ones(2, 4)));
  CHECK(said([&] { fit(model, MeanSquaredError{}, Adam{}, labelled()); }) ==
        "fit: the data set has labels as targets, this loss takes numbers (a matrix, one column each)");
  CHECK(said([&] { train({}, numbers); }) ==
        "fit: the data set has numbers as targets, this loss takes labels (integers, one class each)");
  CHECK(said([&] { train({.validation = numbers}); }) ==
        "fit: the validation data set has numbers as targets, this loss takes labels (integers, one class each)");
  CHECK(said([&] { evaluate(model, CrossEntropy{}, numbers); }).starts_with("evaluate: the data set has numbers"));
}

TEST_CASE("a FinalState that is missing or one too many is what the message names") {
  using namespace misuse_train;
  Tagger steps = tagger();
  CHECK(said([&] { fit(steps, CrossEntropy{}, Adam{}, labelled()); }) ==
        "loss: 4 targets for an output of 6 columns, one for each step of the 4 sequences; is a FinalState missing in "
        "the model, or was a target for each step meant?");
  const TokenDataset tagged(ids, std::vector<Ints>{{1, 0, 1}, {0}, {}, {1, 1}});
  CHECK(said([&] { train({}, tagged); }) ==
        "loss: 6 targets, one for each step, for an output of 4 columns, one for each sequence; is a FinalState in the "
        "model that should not be there, or was a target for each sequence meant?");
  CHECK(said([&] { evaluate(net(), CrossEntropy{}, tagged); }).starts_with("loss: 6 targets, one for each step"));
}

TEST_CASE("a user's data set that makes too little or too much is named as what is wrong") {
  using namespace misuse_train;
  Net model = net();
  const auto of = [&](const Wrong& data) { return said([&] { fit(model, CrossEntropy{}, Adam{}, data); }); };
  CHECK(of({.fewer = 1}) == "Dataset: fill made a batch of 3 sequences out of 4 rows");
  CHECK(of({.targets = 1}) == "Dataset: fill_targets made 5 targets for 4 sequences of 6 steps together");
  CHECK(of({.targets = -4}) == "Dataset: fill_targets made 0 targets for 4 sequences of 6 steps together");
  CHECK(of({.weights = 3}) == "Dataset: fill_targets made 3 sample weights for 4 targets");
  CHECK(said([&] { evaluate(model, CrossEntropy{}, Wrong{.targets = -1}); }) ==
        "Dataset: fill_targets made 3 targets for 4 sequences of 6 steps together");
  CHECK(said([&] { infer(model, Wrong{.fewer = 2}); }) == "Dataset: fill made a batch of 2 sequences out of 4 rows");
  CHECK(of({}) == "nothing");
}

TEST_CASE("rows to evaluate or to answer must be there, and may repeat") {
  using namespace misuse_train;
  const Net model = net();
  const auto data = labelled();
  for (const Index row : {Index(4), Index(-1), most}) {
    const Ints rows{0, row};
    CHECK_THROWS_AS(evaluate(model, CrossEntropy{}, data, {.rows = rows}), std::invalid_argument);
    CHECK_THROWS_AS(infer(model, data, {.rows = rows}), std::invalid_argument);
    CHECK_THROWS_AS(predict(tagger(), data, {.rows = rows}), std::invalid_argument);
  }
  const Ints outside{4};
  CHECK(said([&] { infer(model, data, {.rows = outside}); }) == "infer: row 4, expected 0 to 3");
  CHECK(said([&] { evaluate(model, CrossEntropy{}, TokenDataset(ids, Ints{0, 1, 1, 0}), {.batch_size = 0}); }) ==
        "evaluate: batch_size is 0, expected at least 1");
  const Ints rows{1, 0, 1, 1};
  const auto some = infer(model, data, {.rows = rows}), all = infer(model, data, {.batch_size = most});
  REQUIRE(some.cols() == 4);
  for (Index k = 0; k < 4; ++k) CHECK(some.col(k) == all.col(rows[static_cast<std::size_t>(k)]));
}

TEST_CASE("options of fit outside of their range are refused by name") {
  using namespace misuse_train;
  for (const double bad : {not_a_number, infinite, -0.1}) {
    CHECK_THROWS_AS(train({.validation_split = bad}), std::invalid_argument);
    CHECK_THROWS_AS(train({.validation_shuffled = bad}), std::invalid_argument);
    CHECK_THROWS_AS(train({.clip_norm = bad}), std::invalid_argument);
    CHECK_THROWS_AS(train({.clip_each_norm = bad}), std::invalid_argument);
    CHECK_THROWS_AS(train({.clip_value = bad}), std::invalid_argument);
    CHECK_THROWS_AS(train({.clip_norm = 1, .clip_epsilon = bad}), std::invalid_argument);
  }
  CHECK(said([&] { train({.validation_shuffled = not_a_number}); }) ==
        "fit: validation_shuffled is nan, expected a finite number, 0 or more and less than 1");
  CHECK(said([&] { train({.validation_split = 1}); }) ==
        "fit: validation_split is 1, expected 0 or more and less than 1");
  CHECK(said([&] { train({.validation_split = 1e-30}); }) == "fit: 1e-30 of 4 sequences are none to hold out");
  CHECK(said([&] { train({.accumulate = 0}); }) == "fit: accumulate is 0, expected at least 1");
  CHECK(said([&] { train({.clip_epsilon = 1e-6}); }) == "fit: clip_epsilon belongs to clip_norm, which is 0");
  CHECK(said([&] { train({.checkpoint_every = -1}); }) == "fit: checkpoint_every is -1, expected 0 or more");
}

TEST_CASE("the largest batch size is all sequences at once, whatever it is multiplied with") {
  using namespace misuse_train;
  const auto losses = [](const Options& options) { return train(options).series("loss"); };
  const auto all = losses({.epochs = 2, .batch_size = 4});
  CHECK(losses({.epochs = 2, .batch_size = most}) == all);
  CHECK(losses({.epochs = 2, .batch_size = most, .accumulate = most}) == all);
  CHECK(losses({.epochs = 2, .batch_size = 4, .accumulate = most / 2}) == all);
  CHECK(losses({.epochs = 2, .batch_size = most, .similar_length = true}).size() == 2);
}

TEST_CASE("callbacks with options outside of their range, and empty ones, are refused before training") {
  using namespace misuse_train;
  const auto with = [](const Callbacks& callbacks) {
    return said([&] { train({.validation = labelled(), .callbacks = callbacks}); });
  };
  CHECK(with(EarlyStopping{.patience = -1}) == "EarlyStopping: patience is -1, expected 0 or more");
  CHECK(with(EarlyStopping{.skip_epochs = -1}) == "EarlyStopping: skip_epochs is -1, expected 0 or more");
  CHECK(with(EarlyStopping{.min_delta = not_a_number}) == "EarlyStopping: min_delta is nan, expected a finite number");
  CHECK(with(ReduceLROnPlateau{.schedule = {.factor = 2}}) ==
        "ReduceOnPlateau: factor is 2, expected 0 or more and less than 1");
  CHECK(with(WeightAverage{.epoch = 0}) == "WeightAverage: epoch is 0, expected at least 1");
  CHECK(with(WeightAverage{.decay = 1}) == "WeightAverage: decay is 1, expected 0 or more and less than 1");
  CHECK(with(WeightAverage{.decay = not_a_number}) ==
        "WeightAverage: decay is nan, expected a finite number, 0 or more and less than 1");
  CHECK(with(WeightAverage{.patience = -1}) == "WeightAverage: patience is -1, expected 0 or more");
  CHECK(with(WeightAverage{.monitor = "val_f2"}) == "WeightAverage: there is no 'val_f2' to monitor");
  CHECK(said([&] { train({.callbacks = WeightAverage{}}); }) ==
        "WeightAverage: there is no 'val_loss' to monitor; this run has no validation data");
  CHECK(with(RateSchedule{StepDecay{.every = 0}}) == "StepDecay: every is 0, expected at least 1");
  CHECK(with([](Run& run) { run.set_rate(not_a_number); }) ==
        "Optimizer::set_rate: the rate is nan, expected a finite number, 0 or more");
  CHECK(with(ModelCheckpoint{.save_model = [](Run&) {}, .every = 0}) ==
        "ModelCheckpoint: every is 0, expected at least 1");
  CHECK_THROWS_WITH_AS(Callback(std::function<void(Run&)>()), "Callback: the function is empty", std::invalid_argument);
  Callback first = EarlyStopping{};
  const Callback second = std::move(first);
  CHECK_THROWS_WITH_AS(first.copy(), "Callback: used after it was moved from", std::invalid_argument);
  std::ostringstream out;
  CHECK_THROWS_AS(Progress(out, not_a_number), std::invalid_argument);
  CHECK_THROWS_AS(Progress(out, true, -1), std::invalid_argument);
}

TEST_CASE("a step with a workspace, a gradient or an optimizer of another model changes nothing") {
  using namespace misuse_train;
  Net model = net();
  const Net start = model, larger = net(7);
  Workspace<Net, TokenBatch> other(larger), own(model);
  Optimizer<Net, Adam> optimizer(model), of_larger(larger);
  TokenBatch x;
  const Ints rows{0, 1}, y{0, 1};
  labelled().fill(rows, x);
  const Context context{.training = true};
  CHECK(said([&] { train_step(model, CrossEntropy{}, optimizer, x, y, other, context); }) ==
        "add_gradient: the workspace is of another model: its gradient of 1.weight_ih_l0 is 21 x 4, expected 9 x 4");
  CHECK_THROWS_AS(train_step(model, CrossEntropy{}, of_larger, x, y, own, context), std::invalid_argument);
  CHECK(said([&] {
          apply_gradient(model, optimizer, other.gradient);
        }).starts_with("Optimizer::step: the gradient of 1.weight_ih_l0 is 21 x 4"));
  CHECK(said([&] {
          train_step(model, CrossEntropy{}, optimizer, x, y, own, {.training = true, .gradients = false});
        }) == "add_gradient: context.gradients is false, so nothing is kept for the backward pass");
  CHECK_THROWS_AS(train_step(model, CrossEntropy{}, optimizer, x, Ints{0}, own, context), std::invalid_argument);
  CHECK_THROWS_AS(train_step(model, CrossEntropy{}, optimizer, x, Ints{0, 2}, own, context), std::invalid_argument);
  for (const double bad : {not_a_number, infinite, -1.0}) {
    CHECK_THROWS_AS(apply_gradient(model, optimizer, own.gradient, {.norm = bad}), std::invalid_argument);
    CHECK_THROWS_AS(apply_gradient(model, optimizer, own.gradient, {.each_norm = bad}), std::invalid_argument);
    CHECK_THROWS_AS(apply_gradient(model, optimizer, own.gradient, {.value = bad}), std::invalid_argument);
    CHECK_THROWS_AS(apply_gradient(model, optimizer, own.gradient, {.norm = 1, .epsilon = bad}), std::invalid_argument);
    CHECK_THROWS_AS(add_gradient(model, CrossEntropy{}, x, y, own, context, bad), std::invalid_argument);
  }
  visit([](const Path&, const auto& a, const auto& b) { CHECK(a == b); }, model, start);
}

TEST_CASE("a parameter that was thawed after the workspace was made is trained, too") {
  using namespace misuse_train;
  Net model = net();
  freeze(model);
  Workspace<Net, TokenBatch> work(model);
  Optimizer<Net, Adam> optimizer(model);
  thaw(model);
  const Net start = model;
  TokenBatch x;
  const Ints rows{0, 1};
  labelled().fill(rows, x);
  CHECK(train_step(model, CrossEntropy{}, optimizer, x, Ints{0, 1}, work, {.training = true}).finite);
  visit(
      [](const Path& path, const auto& a, const auto& b) {
        CAPTURE(path.str());
        CHECK(a != b);
      },
      model, start);
}

TEST_CASE("nothing in, nothing out: batches, sequences and data sets that are empty") {
  using namespace misuse_train;
  Net model = net();
  Workspace<Net, TokenBatch> work(model);
  Optimizer<Net, Adam> optimizer(model);
  const Net start = model;
  CHECK(train_step(model, CrossEntropy{}, optimizer, TokenBatch{}, Ints{}, work, {.training = true}).loss == 0);
  CHECK(infer(model, std::vector<std::int32_t>{}).cols() == 1);
  CHECK(predict(tagger(), std::vector<std::int32_t>{}).cols() == 0);
  CHECK(infer(model, TokenDataset()).size() == 0);
  CHECK(predict(model, TokenDataset()).size() == 0);
  CHECK(predict(tagger(), TokenDataset()).empty());
  const Sequential series{FinalState{Recurrent{Gru{2, 3}}}, Dense{3, 1}};
  CHECK(infer(series, Eigen::MatrixXf(2, 0)).cols() == 1);
  CHECK_THROWS_AS(infer(series, Eigen::MatrixXf(0, 3)), std::invalid_argument);
  CHECK_THROWS_AS(infer(series, Eigen::MatrixXf(3, 4)), std::invalid_argument);
  CHECK_THROWS_AS(infer(model, std::vector<std::int32_t>{5}), std::invalid_argument);
  CHECK_THROWS_AS(infer(model, std::vector<std::int32_t>{-1}), std::invalid_argument);
  Matrix<float> none(0, 3), empty;
  to_probabilities(none);
  to_probabilities(empty);
  CHECK(none.cols() == 3);
}

TEST_CASE("a prediction without probabilities has no label") {
  using namespace misuse_train;
  const Prediction<float> nothing;
  CHECK_THROWS_WITH_AS(nothing.label(), "Prediction: there are no probabilities", std::invalid_argument);
  CHECK_THROWS_AS(nothing.confidence(), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(float(nothing)), std::invalid_argument);
  CHECK(EpochLog{}.find("val_loss") == std::nullopt);
  CHECK(EpochLog{}.find("val_") == std::nullopt);
  CHECK(History{}.series("loss").empty());
}
