#include <cstring>
#include <sstream>

#include <doctest/doctest.h>

#include "../support/not_finite.hpp"
#include "classifier.hpp"

using unroll::Adam;
using unroll::BinaryCrossEntropy;
using unroll::Index;
using unroll::Stopped;

namespace {

using Options = unroll::FitOptions<unroll::TokenDataset>;

/// Keeps records in memory; of every run all that were saved.
struct MemoryStore final : unroll::RunStore {
  std::vector<unroll::Record> saved;
  std::size_t next = 0;  ///< which one to load
  void save(const unroll::Record& record) override { saved.push_back(record); }
  unroll::Record load() override { return saved.at(next); }
};

unroll::History train(Classifier& model, const Options& options, const unroll::TokenDataset& data = make_data(200)) {
  return unroll::fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, data, options);
}
Classifier trained(const Options& options, double dropout = 0) {
  Classifier model = make_classifier(dropout);
  train(model, options);
  return model;
}
std::vector<double> losses(const unroll::History& history) { return history.series("loss"); }

}  // namespace

TEST_CASE("a classifier learns its task, and the history tells how") {
  Classifier model = make_classifier();
  const auto history =
      train(model, {.epochs = 40, .batch_size = 20, .validation_split = 0.25, .clip_norm = 1}, make_data(600));
  REQUIRE(history.epochs.size() == 40);
  const auto& last = history.epochs.back();
  CHECK(last.training.accuracy > 0.97);
  CHECK(last.validation->accuracy > 0.95);
  CHECK(last.training.count == 450);
  CHECK(last.validation->count == 150);
  CHECK(last.sequences == 450);
  CHECK(last.rate == 1e-2);
  CHECK(last.gradient_norm > 0);
  CHECK(last.largest_gradient_norm >= last.gradient_norm);
  CHECK(last.clipped >= 0);
  CHECK(history.stopped == Stopped::no);
  CHECK(history.message.empty());
}

TEST_CASE("training twice gives the same bits; another seed gives others" * doctest::test_suite("bits")) {
  const auto of = [](std::uint64_t seed, bool similar) {
    return bits_of(trained({.epochs = 2, .batch_size = 16, .seed = seed, .similar_length = similar}, 0.2));
  };
  CHECK(of(1, false) == of(1, false));
  CHECK(of(1, true) == of(1, true));
  CHECK(of(1, false) != of(2, false));
  CHECK(of(1, false) != of(1, true));
}

TEST_CASE("1, 2 and 3 threads train to the same bits" * doctest::test_suite("bits")) {
  // Large enough that the layers do split their work.
  const auto data = make_data(400);
  std::vector<std::uint64_t> seen;
  std::vector<std::vector<double>> seen_losses;
  for (const int n : {1, 2, 3}) {
    unroll::set_threads(n);
    Classifier model = make_classifier(0.2, 100);
    const auto history =
        train(model, {.epochs = 2, .batch_size = 200, .validation_split = 0.1, .clip_norm = 0.1}, data);
    seen.push_back(bits_of(model));
    seen_losses.push_back(losses(history));
    seen_losses.back().push_back(history.epochs.back().validation->loss);
    seen_losses.back().push_back(history.epochs.back().gradient_norm);
  }
  unroll::set_threads(0);
  CHECK(seen[1] == seen[0]);
  CHECK(seen[2] == seen[0]);
  CHECK(seen_losses[1] == seen_losses[0]);
  CHECK(seen_losses[2] == seen_losses[0]);
}

TEST_CASE("accumulating four batches is one update of a batch four times as large, dropout masks and all") {
  const auto whole = trained({.epochs = 2, .batch_size = 48, .clip_norm = 1}, 0.3);
  const auto parts = trained({.epochs = 2, .batch_size = 12, .accumulate = 4, .clip_norm = 1}, 0.3);
  CHECK(distance(whole, parts) < 2e-4);  // sums in another order
  CHECK(distance(whole, make_classifier()) > 1e-2);
  // The last batch of an epoch is cut at another place if parts are not of equal size.
  const auto uneven = trained({.epochs = 2, .batch_size = 16, .accumulate = 3, .clip_norm = 1}, 0.3);
  CHECK(distance(whole, uneven) < 2e-4);
}

TEST_CASE("the mean of an epoch's loss is one over sequences, whatever the size of the last batch") {
  Classifier model = make_classifier();
  const auto data = make_data(50);
  const auto before = unroll::evaluate(model, BinaryCrossEntropy{}, data);
  const auto history = unroll::fit(model, BinaryCrossEntropy{}, Adam{.rate = 0}, data, {.epochs = 1, .batch_size = 48});
  CHECK(history.epochs[0].training.loss == doctest::Approx(before.loss).epsilon(1e-6));
  CHECK(history.epochs[0].training.accuracy == before.accuracy);
}

TEST_CASE("held out is the tail, or a drawn part, or a data set of its own, and it is not trained on") {
  const auto data = make_data(100);
  const auto [training, tail] = unroll::split_tail(data, 0.2);
  Classifier split_model = make_classifier(), set_model = make_classifier(), drawn_model = make_classifier();
  const auto split = train(split_model, {.epochs = 2, .validation_split = 0.2}, data);
  const auto set = train(set_model, {.epochs = 2, .validation = &tail}, training);
  CHECK(distance(split_model, set_model) == 0);
  CHECK(split.series("val_loss") == set.series("val_loss"));
  CHECK(split.epochs[0].sequences == 80);
  const auto drawn = train(drawn_model, {.epochs = 2, .validation_shuffled = 0.2}, data);
  CHECK(drawn.epochs[0].sequences == 80);
  CHECK(drawn.epochs[0].validation->count == 20);
  CHECK(drawn.series("val_loss") != split.series("val_loss"));
}

TEST_CASE("a loss that is not a number stops training before the weights are harmed, and says where") {
  Classifier model = make_classifier(), after_good = make_classifier();
  train(after_good, {.epochs = 1, .batch_size = 50, .shuffle = false});
  // The second epoch begins with a number that is none.
  const auto spoil = [](unroll::Run& run) {
    if (run.epoch() == 1) run.model<Classifier>().layer<3>().bias(0, 0) = not_finite::nan<float>();
  };
  const auto history = train(model, {.epochs = 3, .batch_size = 50, .shuffle = false, .callbacks = {spoil}});
  CHECK(history.stopped == Stopped::not_finite);
  CHECK(history.epochs.size() == 1);
  INFO(history.message);
  CHECK(history.message.starts_with("fit: in epoch 2, batch 1 of 4 the loss is not a finite number (loss "));
  CHECK(history.message.find("gradient norm") != std::string::npos);
  CHECK(history.message.find("clip_norm = 1") != std::string::npos);
  after_good.layer<3>().bias(0, 0) = 0;
  model.layer<3>().bias(0, 0) = 0;
  CHECK(bits_of(model) == bits_of(after_good));
}

TEST_CASE("a gradient that is not finite stops training, too") {
  struct Overflow : BinaryCrossEntropy {
    using BinaryCrossEntropy::operator();
    unroll::LossResult operator()(const unroll::Matrix<float>& x, unroll::Labels y, unroll::Matrix<float>& d,
                                  std::span<const double> weights) const {
      const auto result = BinaryCrossEntropy::operator()(x, y, d, weights);
      d.setConstant(not_finite::infinity<float>());
      return result;
    }
  };
  Classifier model = make_classifier();
  const auto before = bits_of(model);
  const auto history = unroll::fit(model, Overflow{}, Adam{}, make_data(40), {.epochs = 2, .clip_norm = 1});
  CHECK(history.stopped == Stopped::not_finite);
  CHECK(history.message.find("the gradient is not a finite number") != std::string::npos);
  CHECK(bits_of(model) == before);
}

TEST_CASE("a stop token ends training after the present batch") {
  std::stop_source source;
  int updates = 0;
  struct StopAfterThree {
    std::stop_source& source;
    int& updates;
    void on_batch_end(unroll::Run&) {
      if (++updates == 3) source.request_stop();
    }
  };
  Classifier model = make_classifier();
  const auto history = train(
      model,
      {.epochs = 5, .batch_size = 20, .callbacks = {StopAfterThree{source, updates}}, .stop = source.get_token()});
  CHECK(updates == 3);
  CHECK(history.stopped == Stopped::by_request);
  CHECK(history.message == "fit: stopped on request in epoch 1 after 3 of 10 updates");
  CHECK(history.epochs.empty());
}

TEST_CASE("callbacks see every epoch, may add metrics, and stop the run") {
  std::vector<double> seen;
  const auto add = [](unroll::Run& run) { run.log().metrics["twice"] = 2 * run.log().training.loss; };
  const auto read = [&](unroll::Run& run) {
    seen.push_back(*run.log().find("twice"));
    if (run.epoch() == 2) run.stop("enough");
  };
  Classifier model = make_classifier();
  const auto history = train(model, {.epochs = 5, .callbacks = {add, read}});
  CHECK(history.epochs.size() == 2);
  CHECK(history.stopped == Stopped::by_callback);
  CHECK(history.message == "enough");
  CHECK(seen[1] == 2 * history.epochs[1].training.loss);
  CHECK(history.series("twice") == seen);
}

TEST_CASE("a frozen embedding stays as it is until a callback thaws it") {
  Classifier model = make_classifier();
  unroll::freeze(model, "0.*");
  const unroll::Matrix<float> start = model.layer<0>().weight;
  const auto thaw_after_two = [&](unroll::Run& run) {
    CHECK((run.model<Classifier>().layer<0>().weight == start) == (run.epoch() <= 2));
    if (run.epoch() == 2) run.thaw("0.*");
  };
  const auto history = train(model, {.epochs = 4, .batch_size = 50, .callbacks = {thaw_after_two}});
  CHECK(history.epochs.size() == 4);
  CHECK(model.layer<0>().weight.trainable);
}

TEST_CASE("the best weights are restored at the end, early stop or not") {
  // The rate grows until training has come apart, so the best epoch is not the last.
  const auto faster = [](unroll::Run& run) { run.set_rate(4 * run.rate()); };
  Classifier model = make_classifier();
  const auto data = make_data(200);
  const auto [training, validation] = unroll::split_tail(data, 0.25);
  const auto history = train(model,
                             {.epochs = 8,
                              .batch_size = 20,
                              .validation = &validation,
                              .callbacks = {unroll::EarlyStopping{.patience = 100}, faster}},
                             training);
  const auto of = history.series("val_loss");
  const double best = *std::ranges::min_element(of);
  REQUIRE(of.back() > best);
  CHECK(unroll::evaluate(model, BinaryCrossEntropy{}, validation).loss == doctest::Approx(best).epsilon(1e-12));
}

TEST_CASE("an optimizer of the caller's keeps its groups and its state") {
  Classifier model = make_classifier();
  const unroll::Matrix<float> start = model.layer<0>().weight;
  unroll::Optimizer optimizer(model, Adam{.rate = 1e-2});
  optimizer.group("0.*", {.rate_scale = 0, .weight_decay = 0.0});
  unroll::fit(model, BinaryCrossEntropy{}, optimizer, make_data(100), {.epochs = 1, .batch_size = 25});
  CHECK(model.layer<0>().weight == start);
  CHECK(optimizer.counts()[1] == 4);
}

TEST_CASE("a run resumed from any of its checkpoints ends with the same bits" * doctest::test_suite("bits")) {
  const auto options = [] {
    return Options{.epochs = 4,
                   .batch_size = 12,
                   .accumulate = 2,
                   .seed = 5,
                   .similar_length = true,
                   .validation_split = 0.2,
                   .clip_norm = 0.5,
                   .callbacks = {unroll::EarlyStopping{.patience = 3},
                                 unroll::RateSchedule{unroll::WarmUp{10}, unroll::Every::step}, [](unroll::Run& run) {
                                   if (run.epoch() == 1) run.freeze("0.*");
                                   if (run.epoch() == 2) run.thaw("0.*");
                                 }}};
  };
  auto store = std::make_shared<MemoryStore>();
  auto first = options();
  first.checkpoint = store;
  first.checkpoint_every = 1;
  Classifier reference = make_classifier(0.2);
  const auto history = train(reference, first);
  CHECK(store->saved.size() > 20);
  for (std::size_t k = 0; k < store->saved.size(); ++k) {
    CAPTURE(k);
    auto again = options();
    auto from = std::make_shared<MemoryStore>();
    from->saved = {store->saved[k]};
    again.resume = from;
    Classifier model = make_classifier(0.2, 7);
    unroll::initialize(model, unroll::Rng(99));  // whatever it had, it is replaced
    const auto resumed = train(model, again);
    CHECK(bits_of(model) == bits_of(reference));
    CHECK(resumed.epochs.size() == history.epochs.size());
    for (const char* name :
         {"loss", "accuracy", "val_loss", "gradient_norm", "largest_gradient_norm", "clipped", "rate"}) {
      const auto a = history.series(name), b = resumed.series(name);
      CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
    }
  }
}

TEST_CASE("a run stopped on request and resumed ends with the same bits" * doctest::test_suite("bits")) {
  Classifier whole = make_classifier(0.2), halves = make_classifier(0.2);
  train(whole, {.epochs = 2, .batch_size = 20});
  auto store = std::make_shared<MemoryStore>();
  std::stop_source source;
  struct StopAt {
    std::stop_source& source;
    std::int64_t step;
    void on_batch_end(unroll::Run& run) {
      if (run.step() == step) source.request_stop();
    }
  };
  train(halves, {.epochs = 2,
                 .batch_size = 20,
                 .callbacks = {StopAt{source, 13}},
                 .stop = source.get_token(),
                 .checkpoint = store});
  store->next = store->saved.size() - 1;
  train(halves, {.epochs = 2, .batch_size = 20, .callbacks = {StopAt{source, 0}}, .resume = store});
  CHECK(bits_of(halves) == bits_of(whole));
}

TEST_CASE("a run that a callback stopped is done when it ended an epoch, and goes on when it was in the middle of one" *
          doctest::test_suite("bits")) {
  struct StopAt {
    std::int64_t step;
    bool mid_epoch;
    void on_batch_end(unroll::Run& run) {
      if (mid_epoch && run.step() == step) run.stop("interrupted");
    }
    void on_epoch_end(unroll::Run& run) {
      if (!mid_epoch && run.step() == step) run.stop("enough");
    }
  };
  Classifier whole = make_classifier();
  train(whole, {.epochs = 2, .batch_size = 20});
  for (const bool mid_epoch : {true, false}) {
    auto store = std::make_shared<MemoryStore>();
    Classifier model = make_classifier();
    const StopAt stop{mid_epoch ? 7 : 10, mid_epoch};
    const auto history = train(model, {.epochs = 2, .batch_size = 20, .callbacks = {stop}, .checkpoint = store});
    CHECK(history.stopped == Stopped::by_callback);
    CHECK(history.message == (mid_epoch ? "interrupted" : "enough"));
    const auto then = bits_of(model);
    store->next = store->saved.size() - 1;
    const auto resumed = train(model, {.epochs = 2, .batch_size = 20, .callbacks = {stop}, .resume = store});
    CHECK(bits_of(model) == (mid_epoch ? bits_of(whole) : then));
    CHECK(resumed.epochs.size() == (mid_epoch ? 2 : 1));
  }
}

TEST_CASE("a checkpoint of another run is refused, and the model stays as it was") {
  auto store = std::make_shared<MemoryStore>();
  Classifier model = make_classifier();
  train(model, {.epochs = 1, .checkpoint = store});
  const auto before = bits_of(model);
  CHECK_THROWS_WITH_AS(train(model, {.epochs = 2, .batch_size = 32, .resume = store}),
                       "checkpoint: the run that was saved had batch_size 64, this one has 32", unroll::FormatError);
  CHECK_THROWS_WITH_AS(train(model, {.epochs = 2, .seed = 3, .resume = store}),
                       "checkpoint: the run that was saved had seed 0, this one has 3", unroll::FormatError);
  Classifier other = make_classifier(0, 8);
  CHECK_THROWS_WITH_AS(train(other, {.epochs = 2, .resume = store}),
                       "checkpoint: 'model.1.bias_hh_l0' is 28 x 1, expected 32 x 1", unroll::FormatError);
  CHECK(bits_of(model) == before);
}

TEST_CASE("options without meaning are refused before training") {
  Classifier model = make_classifier();
  const auto data = make_data(10);
  CHECK_THROWS_WITH(train(model, {.epochs = -1}), "fit: epochs is -1, expected 0 or more");
  CHECK_THROWS_WITH(train(model, {.batch_size = 0}), "fit: batch_size is 0, expected at least 1");
  CHECK_THROWS_WITH(train(model, {.validation_split = 0.1, .validation = &data}),
                    "fit: validation_split, validation_shuffled and validation exclude each other");
  CHECK_THROWS_WITH(train(model, {.clip_norm = 1, .clip_value = 1}),
                    "fit: clip_norm, clip_each_norm and clip_value exclude each other");
  CHECK_THROWS_WITH(train(model, {}, unroll::TokenDataset({}, std::vector<Index>{})),
                    "fit: there is nothing to train on: 0 sequences, of which 0 are held out");
  CHECK_THROWS_WITH(train(model, {.callbacks = {unroll::EarlyStopping{}}}),
                    "EarlyStopping: there is no 'val_loss' to monitor; this run has no validation data");
}

TEST_CASE("progress goes into the stream it was given") {
  std::ostringstream out;
  Classifier model = make_classifier();
  train(model, {.epochs = 2, .progress = &out});
  CHECK(out.str().starts_with("epoch 1/2: loss 0."));
  CHECK(std::ranges::count(out.str(), '\n') == 2);
}

TEST_CASE("validation data are named, pointed to or handed over, and one callback needs no list") {
  const auto data = make_data(100);
  const auto [training, tail] = unroll::split_tail(data, 0.2);
  const auto val_losses = [&](const Options& options) {
    Classifier model = make_classifier();
    return train(model, options, training).series("val_loss");
  };
  const auto expected = val_losses({.epochs = 2, .validation = &tail});
  REQUIRE(expected.size() == 2);
  CHECK(val_losses({.epochs = 2, .validation = tail}) == expected);
  CHECK(val_losses({.epochs = 2, .validation = unroll::split_tail(data, 0.2).second}) == expected);
  const Options kept{.epochs = 2, .validation = unroll::split_tail(data, 0.2).second};  // outlives the expression
  CHECK(val_losses(kept) == expected);
  CHECK(val_losses({.epochs = 2, .validation = nullptr}).empty());

  const unroll::EarlyStopping stop{.monitor = "loss", .min_delta = 100};  // nothing is that much better
  CHECK(val_losses({.epochs = 5, .validation = tail, .callbacks = stop}).size() == 2);
  int epochs = 0;
  CHECK(val_losses({.epochs = 3, .validation = tail, .callbacks = [&](unroll::Run&) { ++epochs; }}).size() == 3);
  CHECK(epochs == 3);
  const std::vector<unroll::Callback> list{stop};
  CHECK(val_losses({.epochs = 5, .validation = tail, .callbacks = list}).size() == 2);
}

TEST_CASE("a model on which initialize was forgotten gets the weights of the seed, and only such a model" *
          doctest::test_suite("bits")) {
  const auto zeros = [] {
    return Classifier{unroll::Embedding{10, 6}, unroll::Recurrent{unroll::Lstm{6, 7}},
                      unroll::FinalState{unroll::Recurrent{unroll::Lstm{7, 5}}}, unroll::Dense{5, 1}};
  };
  Classifier forgotten = zeros(), initialized = zeros();
  unroll::initialize(initialized, unroll::Rng(9));
  const auto history = train(forgotten, {.epochs = 2, .batch_size = 20, .seed = 9});
  train(initialized, {.epochs = 2, .batch_size = 20, .seed = 9});
  CHECK(bits_of(forgotten) == bits_of(initialized));
  CHECK(history.epochs[1].training.loss < history.epochs[0].training.loss);

  // Frozen parameters stay, and what is not zero: here a bias that somebody has set.
  Classifier partly = zeros();
  unroll::freeze(partly, "0.*");
  partly.layer<3>().bias.setConstant(2);
  train(partly, {.epochs = 0, .seed = 9});
  CHECK((partly.layer<0>().weight.array() == 0).all());
  CHECK(partly.layer<3>().bias(0, 0) == 2);
  Classifier drawn = zeros();
  unroll::initialize(drawn, unroll::Rng(9));
  CHECK(partly.layer<3>().weight == drawn.layer<3>().weight);

  // One weight that is not zero: somebody meant it.
  Classifier meant = zeros();
  meant.layer<3>().weight.setConstant(1);
  const auto before = bits_of(meant);
  train(meant, {.epochs = 0});
  CHECK(bits_of(meant) == before);
}

TEST_CASE("an update that makes a weight infinite is reported, also if it is the last") {
  struct FasterAfter {
    std::int64_t step;
    void on_batch_end(unroll::Run& run) {
      if (run.step() == step) run.set_rate(1e300);
    }
  };
  auto store = std::make_shared<MemoryStore>();
  Classifier model = make_classifier();
  // 200 sequences are 4 updates an epoch; the eighth is the last of all.
  const auto history = train(model, {.epochs = 2, .batch_size = 50, .callbacks = FasterAfter{7}, .checkpoint = store});
  CHECK(history.stopped == Stopped::not_finite);
  CHECK(history.epochs.size() == 1);
  INFO(history.message);
  CHECK(
      history.message.starts_with("fit: in epoch 2, after update 4 of 4, 0.weight has a number that is not finite: "));
  CHECK(
      history.message.ends_with("The weights are those after it. Lower the rate (1e+300), clip the gradient "
                                "(clip_norm = 1) or look for bad numbers in the data"));
  // What was saved last are good weights.
  const unroll::Record saved = store->saved.back().part("model");
  for (const auto& [name, value] : saved.values())
    if (const auto* m = std::get_if<unroll::Matrix<float>>(&value)) {
      CAPTURE(name);
      CHECK(m->cwiseAbs().maxCoeff() < 10);
    }
  // In mid-epoch the next loss tells, and the message that the weights had gone before.
  const auto earlier = train(model = make_classifier(), {.epochs = 2, .batch_size = 50, .callbacks = FasterAfter{1}});
  CHECK(earlier.stopped == Stopped::not_finite);
  INFO(earlier.message);
  CHECK(earlier.message.starts_with("fit: in epoch 1, batch 3 of 4 the loss is not a finite number"));
  CHECK(earlier.message.find("those before this batch, where not all of 0.weight was finite already") !=
        std::string::npos);
  // A callback that stops right behind it does not hide it.
  struct StopAt {
    std::int64_t step;
    void on_batch_end(unroll::Run& run) {
      if (run.step() == step) run.stop("enough");
    }
  };
  const auto stopped =
      train(model = make_classifier(), {.epochs = 1, .batch_size = 50, .callbacks = {FasterAfter{1}, StopAt{2}}});
  CHECK(stopped.stopped == Stopped::not_finite);
}

TEST_CASE("clip_epsilon is added to the norm that is divided by, as in clip_grad_norm_") {
  // With an epsilon as large as the norm the gradient is half as long.
  Classifier exact = make_classifier(), halved = make_classifier();
  const auto start = make_classifier();
  const auto data = make_data(40);
  const auto step = [&](Classifier& model, double epsilon) {
    return unroll::fit(model, BinaryCrossEntropy{}, unroll::Sgd{.rate = 1}, data,
                       {.clip_norm = 1e-3, .clip_epsilon = epsilon})
        .epochs[0]
        .gradient_norm;
  };
  const double norm = step(exact, 0);
  REQUIRE(norm > 1e-3);
  step(halved, norm);
  CHECK(distance(halved, start) == doctest::Approx(distance(exact, start) / 2).epsilon(1e-3));
}
