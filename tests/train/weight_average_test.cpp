// Averages of weights: what they are, when a model has them, and that a run which has one can be resumed.
#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/parallel.hpp>
#include <unroll/train/weight_average.hpp>

#include "classifier.hpp"
#include "fake_run.hpp"

namespace weight_average {
using namespace unroll;
using Options = FitOptions<TokenDataset>;

History train(Classifier& model, const Options& options) {
  return fit(model, BinaryCrossEntropy{}, Sgd{.rate = 0.5}, make_data(60), options);
}

struct KeptRecords final : RunStore {
  std::vector<Record> saved;
  void save(const Record& record) override { saved.push_back(record); }
  Record load() override { return saved.back(); }
};
/// The bits of the model after every update and at the end of every epoch.
struct WatchBits {
  std::vector<std::uint64_t>*trained, *shown;
  void on_batch_end(Run& run) const { trained->push_back(bits_of(run.model<Classifier>())); }
  void on_epoch_end(Run& run) const { shown->push_back(bits_of(run.model<Classifier>())); }
};
/// The mean over the models after the updates from `first` on.
struct SumWeights {
  Classifier* sum;
  std::int64_t first;
  void on_batch_end(Run& run) const {
    if (run.step() < first) return;
    visit([](const Path&, auto& to, const auto& w) { to += w; }, *sum, run.model<Classifier>());
  }
};

/// Epochs of `updates` updates each; the weight is the number of the update, from 1.
template <class C> void count_up(FakeRun& run, C& average, int updates) {
  average.on_updates_begin(run);
  for (int k = 0; k < updates; ++k) {
    run.weight = static_cast<double>(++run.steps);
    average.on_batch_end(run);
  }
  average.on_updates_end(run);
}
}  // namespace weight_average

TEST_CASE("the mean of the weights is that of all updates since an epoch began") {
  using namespace weight_average;
  FakeRun run;
  WeightAverage average{.kind = Averaging::since_epoch, .epoch = 2};
  average.on_train_begin(run);
  count_up(run, average, 3);
  CHECK(run.weight == 3);  // no average yet
  run.epoch_of(average, "val_loss", 1);
  run.weight = 3;
  count_up(run, average, 4);
  CHECK(run.weight == doctest::Approx((4 + 5 + 6 + 7) / 4.).epsilon(1e-14));
  average.on_epoch_end(run);
  ++run.now.epoch;
  average.on_updates_begin(run);
  CHECK(run.weight == 7);
  average.on_updates_end(run);
  CHECK(run.weight == doctest::Approx(5.5).epsilon(1e-14));
}

TEST_CASE("the exponential average is a mean whose shares fall with every update back") {
  using namespace weight_average;
  FakeRun run;
  WeightAverage average{.kind = Averaging::exponential, .decay = 0.75};
  average.on_train_begin(run);
  count_up(run, average, 5);
  double sum = 0, shares = 0;
  for (int k = 1; k <= 5; ++k) sum += std::pow(0.75, 5 - k) * k, shares += std::pow(0.75, 5 - k);
  CHECK(run.weight == doctest::Approx(sum / shares).epsilon(1e-14));

  FakeRun last;
  WeightAverage none{.kind = Averaging::exponential, .decay = 0};
  none.on_train_begin(last);
  count_up(last, none, 5);
  CHECK(last.weight == 5);
}

TEST_CASE("a mean begins after the first epoch that is worse than the best of all but the last n before it") {
  using namespace weight_average;
  const auto first_epoch = [](WeightAverage average, const std::vector<double>& metrics) {
    FakeRun run;
    average.on_train_begin(run);
    for (const double metric : metrics) run.epoch_of(average, average.monitor, metric);
    return average.first_epoch;
  };
  CHECK(first_epoch({.patience = 2}, {5, 3, 2, 4, 4}) == 6);  // epoch 5 is worse than 3, the best of epochs 1 and 2
  CHECK(first_epoch({.patience = 2}, {5, 3, 2, 4}) == 0);     // epoch 4 is not worse than 5
  CHECK(first_epoch({.patience = 3}, {5, 3, 2, 4, 4, 4}) == 7);
  CHECK(first_epoch({.patience = 0}, {5, 6}) == 3);
  CHECK(first_epoch({.patience = 0}, {5, 5, 4}) == 0);
  CHECK(first_epoch({}, {9, 8, 7, 6, 5, 4, 8.5, 1}) == 0);
  CHECK(first_epoch({}, {1, 8, 7, 6, 5, 4, 3, 1}) == 8);
  CHECK(first_epoch({.patience = 1, .monitor = "val_accuracy"}, {0.5, 0.6, 0.4}) == 4);
  CHECK(first_epoch({.patience = 1, .monitor = "val_accuracy"}, {0.5, 0.4, 0.6}) == 0);
  CHECK(first_epoch({.patience = 1}, {std::nan(""), 3, 2, 2.5}) == 0);
  CHECK(first_epoch({.patience = 1}, {3, 2, std::nan(""), 2.5}) == 5);
}

TEST_CASE("a model has the average when it is validated and saved, and is trained without it" *
          doctest::test_suite("bits")) {
  using namespace weight_average;
  std::vector<std::uint64_t> trained, shown, plain_trained, plain_shown;
  std::vector<double> losses;
  const TokenDataset held_out = make_data(40, 3);
  const auto validate = [&](Run& run) {
    losses.push_back(evaluate(run.model<Classifier>(), BinaryCrossEntropy{}, held_out, {.batch_size = 20}).loss);
  };
  Classifier model = make_classifier(), plain = model, sum = zeros_like(model);
  // In either place of the list.
  const WeightAverage average{.kind = Averaging::since_epoch, .epoch = 2};
  const History history =
      train(model, {.epochs = 3,
                    .batch_size = 20,
                    .validation = held_out,
                    .callbacks = {validate, WatchBits{&trained, &shown}, SumWeights{&sum, 4}, average}});
  train(plain, {.epochs = 3, .batch_size = 20, .callbacks = WatchBits{&plain_trained, &plain_shown}});
  CHECK(trained == plain_trained);
  REQUIRE(shown.size() == 3);
  CHECK(shown[0] == plain_shown[0]);
  CHECK(shown[1] != plain_shown[1]);
  CHECK(shown[2] == bits_of(model));
  for (std::size_t k = 0; k < 3; ++k) CHECK(losses[k] == history.epochs[k].validation->loss);
  visit([](const Path&, auto& m) { m /= 6; }, sum);  // the updates of epochs 2 and 3
  CHECK(distance(sum, model) < 1e-6);
  CHECK(distance(sum, plain) > 1e-4);
}

TEST_CASE("two averages in one list do not exchange each other's weights" * doctest::test_suite("bits")) {
  using namespace weight_average;
  std::vector<std::uint64_t> alone, shown_alone, beside, shown;
  const WeightAverage slow{.kind = Averaging::exponential, .decay = 0.9},
      late{.kind = Averaging::since_epoch, .epoch = 2};
  Classifier a = make_classifier(), b = make_classifier();
  train(a, {.epochs = 4, .batch_size = 20, .callbacks = {WatchBits{&alone, &shown_alone}, late}});
  train(b, {.epochs = 4, .batch_size = 20, .callbacks = {slow, WatchBits{&beside, &shown}, late}});
  CHECK(alone == beside);
  CHECK(shown.back() == shown_alone.back());  // what was exchanged last
}

TEST_CASE("a model keeps the average wherever training ends, and the best weights are averages") {
  using namespace weight_average;
  Classifier model = make_classifier(), sum = zeros_like(model);
  const auto stop = [](std::int64_t step) {
    struct StopAt {
      std::int64_t at;
      void on_batch_end(Run& run) const {
        if (run.step() == at) run.stop("enough");
      }
    };
    return StopAt{step};
  };
  const WeightAverage average{.kind = Averaging::since_epoch};
  train(model, {.epochs = 3, .batch_size = 20, .callbacks = {SumWeights{&sum, 1}, average, stop(5)}});
  visit([](const Path&, auto& m) { m /= 5; }, sum);
  CHECK(distance(sum, model) < 1e-6);

  // EarlyStopping has the last word, before the average and after it.
  for (const bool before : {true, false}) {
    std::vector<std::uint64_t> trained, shown;
    const EarlyStopping best{.monitor = "loss", .patience = 5};
    const WatchBits watch{&trained, &shown};
    const Callbacks list = before ? Callbacks{best, average, watch, stop(8)} : Callbacks{average, best, watch, stop(8)};
    Classifier again = make_classifier();
    const std::vector<double> loss = train(again, {.epochs = 3, .batch_size = 20, .callbacks = list}).series("loss");
    REQUIRE(loss.size() == 2);
    CHECK(bits_of(again) == shown[loss[1] < loss[0] ? 1 : 0]);
  }
}

TEST_CASE("a run with an average that is resumed ends with the same bits" * doctest::test_suite("bits")) {
  using namespace weight_average;
  const WeightAverage kinds[] = {
      {.kind = Averaging::since_epoch, .epoch = 2},
      {.kind = Averaging::exponential, .decay = 0.9},
      {.patience = 0, .goal = Goal::maximize},  // while the loss falls it is the worse
  };
  for (const WeightAverage& average : kinds) {
    const auto options = [&] {
      return Options{
          .epochs = 4, .batch_size = 20, .validation_split = 0.2, .callbacks = {EarlyStopping{.patience = 9}, average}};
    };
    const auto store = std::make_shared<KeptRecords>();
    Options first = options();
    first.checkpoint = store;
    first.checkpoint_every = 1;
    Classifier whole = make_classifier(0.2), plain = whole;
    const History history = train(whole, first);
    train(plain, {.epochs = 4, .batch_size = 20, .validation_split = 0.2});
    CHECK(bits_of(whole) != bits_of(plain));
    REQUIRE(store->saved.size() == 13);  // at the start, after every update and, instead of the last, every epoch
    for (const Record& record : store->saved) {
      const auto from = std::make_shared<KeptRecords>();
      from->saved = {record};
      Options rest = options();
      rest.resume = from;
      Classifier model = make_classifier(0.2);
      const History resumed = train(model, rest);
      CHECK(bits_of(model) == bits_of(whole));
      CHECK(resumed.series("val_loss") == history.series("val_loss"));
    }
  }
}

TEST_CASE("the state of an average that no run has saved is refused") {
  using namespace weight_average;
  const auto store = std::make_shared<KeptRecords>();
  const WeightAverage average{.kind = Averaging::exponential};
  Classifier model = make_classifier();
  train(model, {.batch_size = 20, .callbacks = average, .checkpoint = store});
  const Record good = store->saved.back();
  const auto resume = [&](const WeightAverage& with, std::string_view name, const Record::Value& value) {
    Record changed;
    for (const auto& [key, old] : good.values()) changed.set(key, key == name ? value : old);
    store->saved = {changed};
    const auto before = bits_of(model);
    std::string said = "nothing";
    try {
      train(model, {.epochs = 2, .batch_size = 20, .callbacks = with, .resume = store});
    } catch (const FormatError& error) {
      said = error.what();
      CHECK(bits_of(model) == before);
    }
    return said;
  };
  using Integers = std::vector<std::int64_t>;
  CHECK(resume({.kind = Averaging::since_epoch}, "", {}) ==
        "checkpoint: WeightAverage: the average is of another kind");
  CHECK(resume(average, "callback.0.count", Integers{0}) ==
        "checkpoint: WeightAverage: the average is in the model, but there is none");
  CHECK(resume(average, "callback.0.count", Integers{4}) == "checkpoint: 'callback.0.count' is 4, expected 0 to 3");
  CHECK(resume(average, "callback.0.first_epoch", Integers{2}) ==
        "checkpoint: WeightAverage: the average begins with epoch 2, expected 1");
  CHECK(resume(average, "callback.0.other.3.bias", Matrix<float>(2, 1)) ==
        "checkpoint: 'callback.0.other.3.bias' is 2 x 1, expected 1 x 1");
  CHECK(resume(average, "", {}) == "nothing");
}

TEST_CASE("an average does not change with the number of threads" * doctest::test_suite("bits")) {
  using namespace weight_average;
  const auto bits = [](int n) {
    set_threads(n);
    Classifier model{Embedding{10, 5000}, Recurrent{Lstm{5000, 1}}, FinalState{Recurrent{Lstm{1, 2}}}, Dense{2, 1}};
    initialize(model, Rng(1));
    train(model, {.batch_size = 30, .callbacks = WeightAverage{.kind = Averaging::exponential, .decay = 0.7}});
    set_threads(0);
    return bits_of(model);
  };
  const std::uint64_t one = bits(1);
  CHECK(bits(3) == one);
}
