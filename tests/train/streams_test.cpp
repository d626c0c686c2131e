// fit and evaluate on streams: windows in order, the state carried, the gradient stopped.
#include <stdexcept>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/data/contiguous_batches.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/mean_squared_error.hpp>

#include "classifier.hpp"

namespace {

using namespace unroll;
using Language = Sequential<Embedding<float>, Recurrent<Gru<float>>, Dense<float>>;
using StreamFitOptions = FitOptions<TokenStreams>;

Language make_language(double dropout = 0) {
  Language model{Embedding{8, 6}, Recurrent{Gru{6, 9}, {.input_dropout = dropout, .recurrent_dropout = dropout}},
                 Dense{9, 8}};
  initialize(model, Rng(4));
  return model;
}
/// What follows an id depends on the two before it, and on chance.
std::vector<std::int32_t> make_text(std::size_t n, std::uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<std::int32_t> ids{1, 2};
  while (ids.size() < n)
    ids.push_back(static_cast<std::int32_t>(
        rng.below(5) == 0 ? rng.below(8)
                          : static_cast<std::uint64_t>(ids[ids.size() - 1] + ids[ids.size() - 2] + 1) % 8));
  return ids;
}
/// 3 streams of 66 steps: 9 windows of 7 and one of 3.
TokenStreams make_streams() { return TokenStreams(make_text(200), {.streams = 3, .window = 7}); }
History train_on(Language& model, const TokenStreams& streams, const StreamFitOptions& options) {
  return fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, streams, options);
}

struct LastRecord final : RunStore {
  std::vector<Record> saved;
  std::size_t next = 0;
  void save(const Record& record) override { saved.push_back(record); }
  Record load() override { return saved.at(next); }
};

/// Streams in which a new text begins, at places of their own.
struct Songs : TokenStreams {
  using TokenStreams::TokenStreams;
  std::vector<Index> restarts(Index window) const { return window == 4 ? std::vector<Index>{1} : std::vector<Index>{}; }
};

}  // namespace

TEST_CASE("fit on streams is the loop by hand that carries the state, bit for bit" * doctest::test_suite("bits")) {
  const TokenStreams streams = make_streams();
  Language by_hand = make_language(0.2), fitted = by_hand;

  Optimizer optimizer(by_hand, Adam{.rate = 1e-2});
  Workspace<Language, TokenBatch> work(by_hand);
  Language::State state;
  TokenBatch x;
  std::vector<Index> next;
  std::uint64_t step = 0;
  for (int epoch = 0; epoch < 3; ++epoch)
    for (Index window = 0; window < streams.count(); ++window) {
      streams.fill(window, x, next);
      train_step(by_hand, CrossEntropy{}, optimizer, x, next, work, {.training = true, .seed = 9, .step = step++},
                 {.norm = 1}, {window == 0 ? nullptr : &state, &state});
    }

  const History history = train_on(fitted, streams, {.epochs = 3, .seed = 9, .clip_norm = 1});
  CHECK(bits_of(fitted) == bits_of(by_hand));
  CHECK(history.epochs.back().training.count == 3 * 66);
  CHECK(history.epochs.back().training.loss < history.epochs.front().training.loss);
}

TEST_CASE("evaluation carries the state: windows of any length give the loss of the whole") {
  const std::vector<std::int32_t> text = make_text(200);
  Language model = make_language();
  train_on(model, make_streams(), {.epochs = 5});
  const Evaluation whole = evaluate(model, CrossEntropy{}, TokenStreams(text, {.streams = 3, .window = 66}));
  for (const Index window : {1, 7, 65}) {
    const Evaluation parts = evaluate(model, CrossEntropy{}, TokenStreams(text, {.streams = 3, .window = window}));
    CHECK(parts.loss == doctest::Approx(whole.loss).epsilon(1e-6));
    CHECK(parts.accuracy == whole.accuracy);
    CHECK(parts.count == 198);
  }
  const TokenStreams held_out(make_text(120, 2), {.streams = 2, .window = 10});
  const History history = train_on(model, make_streams(), {.epochs = 2, .validation = held_out});
  CHECK(history.epochs.back().validation == evaluate(model, CrossEntropy{}, held_out));
}

TEST_CASE("accumulated windows make one update, and the state goes through all of them") {
  // With a rate of 0 all windows see the same model, so one gradient is the mean of the others.
  const TokenStreams streams = make_streams();
  std::vector<Language> gradients;
  std::vector<double> weights;
  const auto keep = [&](const BatchGradient& batch) {
    gradients.push_back(zeros_like(make_language()));
    weights.push_back(batch.weight);
    std::vector<std::vector<double>> all;
    batch.visit([&](const Path&, auto g) { all.emplace_back(g.begin(), g.end()); });
    std::size_t k = 0;
    visit(
        [&](const Path&, auto& p) {
          for (Index i = 0; i < p.size(); ++i) p.data()[i] = static_cast<float>(all[k][static_cast<std::size_t>(i)]);
          ++k;
        },
        gradients.back());
  };
  const auto gradients_of = [&](Index accumulate) {
    gradients.clear(), weights.clear();
    Language model = make_language();
    fit(model, CrossEntropy{}, Sgd{.rate = 0}, streams, {.accumulate = accumulate, .on_gradient = keep});
    return std::pair(gradients, weights);
  };
  const auto [single, w] = gradients_of(1);
  const auto [sums, sum_weights] = gradients_of(4);
  REQUIRE(single.size() == 10);
  REQUIRE(sums.size() == 3);
  CHECK(sum_weights == std::vector<double>{84, 84, 30});
  for (std::size_t k = 0; k < 3; ++k) {
    Language mean = zeros_like(make_language());
    for (std::size_t j = 4 * k; j < std::min<std::size_t>(4 * k + 4, 10); ++j)
      visit([&](const Path&, auto& m, const auto& g) { m += static_cast<float>(w[j] / sum_weights[k]) * g; }, mean,
            single[j]);
    CHECK(distance(mean, sums[k]) < 1e-6);
  }
}

TEST_CASE("a run on streams that is resumed within an epoch goes on with the state it had" *
          doctest::test_suite("bits")) {
  const TokenStreams streams = make_streams();
  const auto store = std::make_shared<LastRecord>();
  Language whole = make_language(0.2);
  train_on(whole, streams, {.epochs = 2, .accumulate = 3, .checkpoint = store, .checkpoint_every = 1});
  REQUIRE(store->saved.size() >= 8);
  for (std::size_t k = 0; k < store->saved.size(); ++k) {
    CAPTURE(k);
    store->next = k;
    Language model = make_language(0.2);
    train_on(model, streams, {.epochs = 2, .accumulate = 3, .resume = store});
    CHECK(bits_of(model) == bits_of(whole));
  }
  // Other streams have other states.
  store->next = 2;
  Language model = make_language(0.2);
  const std::uint64_t before = bits_of(model);
  const TokenStreams narrow(make_text(68), {.streams = 1, .window = 7});
  CHECK_THROWS_WITH_AS(train_on(model, narrow, {.epochs = 2, .accumulate = 3, .resume = store}),
                       "checkpoint: 'state.1.h' is 9 x 3, expected 9 x 1", FormatError);
  CHECK(bits_of(model) == before);
}

TEST_CASE("a model known at run time goes on with the checkpoint, state and all, of the one with types" *
          doctest::test_suite("bits")) {
  const TokenStreams streams = make_streams();
  const auto store = std::make_shared<LastRecord>();
  Language whole = make_language(0.2);
  train_on(whole, streams, {.epochs = 2, .accumulate = 3, .checkpoint = store, .checkpoint_every = 1});
  const Language drawn = make_language(0.2);
  for (std::size_t k = 0; k < store->saved.size(); k += 3) {
    store->next = k;
    AnySequential<> model;
    model.add(drawn.layer<0>()).add(drawn.layer<1>()).add(drawn.layer<2>());
    fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, streams, {.epochs = 2, .accumulate = 3, .resume = store});
    CHECK(bits_of(model) == bits_of(whole));
  }
}

TEST_CASE("streams that begin anew in mid-epoch start from zero there") {
  const std::vector<std::int32_t> text = make_text(200);
  const Songs songs(text, {.streams = 3, .window = 7});
  const Language model = make_language();
  double sum = 0, weight = 0;
  Language::State state;
  CacheFor<Language, TokenBatch> cache;
  TokenBatch x;
  std::vector<Index> next;
  for (Index window = 0; window < songs.count(); ++window) {
    songs.fill(window, x, next);
    if (window == 4) reset_state(state, std::vector<Index>{1});
    const auto& y = model.forward({.training = false}, x, cache, {window == 0 ? nullptr : &state, &state});
    const LossResult loss = CrossEntropy{}(y.values, next);
    sum += loss.loss * loss.weight, weight += loss.weight;
  }
  CHECK(evaluate(model, CrossEntropy{}, songs).loss == sum / weight);
  CHECK(evaluate(model, CrossEntropy{}, static_cast<const TokenStreams&>(songs)).loss != sum / weight);
}

TEST_CASE("streams of numbers are trained on likewise") {
  Matrix<float> x(1, 240), y(1, 240);
  for (Index n = 0; n < 240; ++n) x(0, n) = std::sin(0.3f * float(n)), y(0, n) = std::sin(0.3f * float(n) + 0.5f);
  const SequenceStreams<float> streams(x, y, {.streams = 2, .window = 30});
  Sequential model{Recurrent{Gru{1, 8}}, Dense{8, 1}};
  initialize(model, Rng(2));
  fit(model, MeanSquaredError{}, Adam{.rate = 2e-2}, streams, {.epochs = 60});
  CHECK(evaluate(model, MeanSquaredError{}, streams).loss < 1e-2);
}

TEST_CASE("options that streams have no use for are refused") {
  const TokenStreams streams = make_streams();
  Language model = make_language();
  CHECK_THROWS_WITH_AS(train_on(model, streams, {.batch_size = 20}),
                       "fit: batch_size is 20, but a batch of streams is a window of all 3; see StreamOptions",
                       std::invalid_argument);
  CHECK_THROWS_AS(train_on(model, streams, {.similar_length = true}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(train_on(model, streams, {.validation_split = 0.1}),
                       "fit: no windows can be held out of streams: validation takes other streams",
                       std::invalid_argument);
  const std::vector<Index> rows{0};
  CHECK_THROWS_AS(evaluate(model, CrossEntropy{}, streams, {.rows = rows}), std::invalid_argument);
}
