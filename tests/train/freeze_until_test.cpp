#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/train/freeze_until.hpp>

#include "classifier.hpp"

namespace freeze_until {
using unroll::FreezeUntil;
using unroll::Index;
using Options = unroll::FitOptions<unroll::TokenDataset>;

unroll::History train_embedding(Classifier& model, const Options& options) {
  return unroll::fit(model, unroll::BinaryCrossEntropy{}, unroll::Adam{.rate = 1e-2}, make_data(100), options);
}

/// Writes down after every epoch whether the embedding is as it was.
struct WatchEmbedding {
  unroll::Matrix<float> start;
  std::vector<bool>* still;
  void on_epoch_end(unroll::Run& run) const { still->push_back(run.model<Classifier>().layer<0>().weight == start); }
};

struct KeptRuns final : unroll::RunStore {
  std::vector<unroll::Record> saved;
  std::size_t next = 0;
  void save(const unroll::Record& record) override { saved.push_back(record); }
  unroll::Record load() override { return saved.at(next); }
};
}  // namespace freeze_until

TEST_CASE("a part of a model is frozen until an epoch begins") {
  using namespace freeze_until;
  const auto still = [](Index epoch) {
    Classifier model = make_classifier();
    std::vector<bool> seen;
    train_embedding(model, {.epochs = 4,
                            .batch_size = 50,
                            .callbacks = {FreezeUntil{"0.*", epoch}, WatchEmbedding{model.layer<0>().weight, &seen}}});
    CHECK(model.layer<0>().weight.trainable == (epoch <= 4));
    CHECK(model.layer<3>().weight.trainable);
    return seen;
  };
  CHECK(still(1) == std::vector<bool>{false, false, false, false});
  CHECK(still(3) == std::vector<bool>{true, true, false, false});
  CHECK(still(5) == std::vector<bool>{true, true, true, true});
}

TEST_CASE("parts of a model thaw one after the other") {
  using namespace freeze_until;
  Classifier model = make_classifier();
  std::vector<Index> trainable;
  const auto count = [&](unroll::Run& run) {
    trainable.push_back(unroll::count_trainable(run.model<Classifier>().layer<0>()) > 0);
    trainable.push_back(unroll::count_trainable(run.model<Classifier>().layer<1>()) > 0);
  };
  train_embedding(model,
                  {.epochs = 3, .batch_size = 50, .callbacks = {FreezeUntil{"0.*", 3}, FreezeUntil{"1.*", 2}, count}});
  CHECK(trainable == std::vector<Index>{0, 0, 0, 1, 1, 1});
}

TEST_CASE("a thawed part learns at the share of the rate that its group has") {
  using namespace freeze_until;
  const auto moved = [](double rate_scale) {
    Classifier model = make_classifier();
    const unroll::Matrix<float> start = model.layer<0>().weight;
    unroll::Optimizer optimizer(model, unroll::Adam{.rate = 1e-2});
    optimizer.group("0.*", {.rate_scale = rate_scale});
    unroll::fit(model, unroll::BinaryCrossEntropy{}, optimizer, make_data(100),
                {.epochs = 2, .batch_size = 100, .callbacks = {FreezeUntil{"0.*", 2}}});
    return static_cast<double>((model.layer<0>().weight - start).cwiseAbs().maxCoeff());
  };
  CHECK(moved(1) == doctest::Approx(1e-2).epsilon(1e-3));  // Adam's first update
  CHECK(moved(0.1) == doctest::Approx(1e-3).epsilon(1e-3));
  CHECK(moved(0) == 0);
}

TEST_CASE("a run that is resumed thaws when the whole run does" * doctest::test_suite("bits")) {
  using namespace freeze_until;
  const auto options = [] { return Options{.epochs = 4, .batch_size = 50, .callbacks = {FreezeUntil{"0.*", 3}}}; };
  const auto store = std::make_shared<KeptRuns>();
  Options first = options();
  first.checkpoint = store;
  first.checkpoint_every = 1;
  Classifier whole = make_classifier();
  train_embedding(whole, first);
  REQUIRE(store->saved.size() > 4);
  for (store->next = 0; store->next < store->saved.size(); ++store->next) {
    CAPTURE(store->next);
    const auto from = std::make_shared<KeptRuns>();
    from->saved = {store->saved[store->next]};
    Options rest = options();
    rest.resume = from;
    Classifier model = make_classifier();
    train_embedding(model, rest);
    CHECK(bits_of(model) == bits_of(whole));
  }
}

TEST_CASE("what cannot be frozen until an epoch is refused before training begins") {
  using namespace freeze_until;
  Classifier model = make_classifier();
  const auto bits = bits_of(model);
  CHECK_THROWS_WITH_AS(train_embedding(model, {.epochs = 2, .callbacks = {FreezeUntil{"embedding.*", 2}}}),
                       doctest::Contains("embedding.*"), std::invalid_argument);
  CHECK_THROWS_AS(train_embedding(model, {.epochs = 2, .callbacks = {FreezeUntil{"0.*", 0}}}), std::invalid_argument);
  CHECK(bits_of(model) == bits);
}
