// fit on streams whose windows are drawn for every epoch: TokenStreams with StreamOptions::vary, and streams of a
// user's.
#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/data/contiguous_batches.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/train/weight_average.hpp>

#include "classifier.hpp"

namespace varying_windows {
using namespace unroll;
using Language = Sequential<Embedding<float>, Recurrent<Gru<float>>, Dense<float>>;

Language make_model(double dropout = 0) {
  Language model{Embedding{8, 6}, Recurrent{Gru{6, 9}, {.input_dropout = dropout, .recurrent_dropout = dropout}},
                 Dense{9, 8}};
  initialize(model, Rng(4));
  return model;
}
std::vector<std::int32_t> make_ids(std::size_t n) {
  Rng rng(1);
  std::vector<std::int32_t> ids;
  while (ids.size() < n) ids.push_back(static_cast<std::int32_t>(ids.size() % 5 + rng.below(4)));
  return ids;
}
/// 3 streams of 100 steps.
TokenStreams make_varying(Index window = 9) {
  return TokenStreams(
      make_ids(301),
      {.streams = 3, .window = window, .vary = true, .deviation = 2, .half_probability = 0.2, .min_window = 3});
}
/// As fit draws them.
std::vector<StreamWindow> windows_of_epoch(const TokenStreams& streams, std::uint64_t seed, Index epoch) {
  return streams.windows(Rng(seed).child(static_cast<std::uint64_t>(epoch)).child(2));
}

struct Kept final : RunStore {
  std::vector<Record> saved;
  void save(const Record& record) override { saved.push_back(record); }
  Record load() override { return saved.back(); }
};

/// Streams of a user's own, whose windows are of his own type: 3 streams, in each of which a text ends at step 40. No
/// window goes over that border, and those that are drawn are of 4 or 5 steps.
struct Texts {
  struct Window {
    StreamWindow steps;
    bool begins;  ///< a text
  };
  using Batch = TokenBatch;
  TokenStreams text{make_ids(301), {.streams = 3, .window = 20}};
  bool draws = true;

  Index count() const { return text.count(); }
  Index streams() const { return 3; }
  std::vector<Window> windows(Rng rng) const {
    std::vector<Window> all;
    const Index steps = 4 + static_cast<Index>(rng.below(2));
    for (Index first = 0; draws && first < 100; first += all.back().steps.steps)
      all.push_back({{first, std::min(steps, (first < 40 ? 40 : 100) - first)}, first == 40});
    return all;
  }
  void fill(Index window, TokenBatch& x, std::vector<Index>& next) const { text.fill(window, x, next); }
  void fill(const Window& window, TokenBatch& x, std::vector<Index>& next) const { text.fill(window.steps, x, next); }
  std::vector<Index> restarts(Index window) const { return restarts_if(window == 2); }
  std::vector<Index> restarts(const Window& window) const { return restarts_if(window.begins); }
  static std::vector<Index> restarts_if(bool begins) {
    return begins ? std::vector<Index>{0, 1, 2} : std::vector<Index>{};
  }
};

/// What fit does, by hand: `steps_of(window)` are the steps of a window, `begins(window)` whether all states are zero.
template <class Windows, class Steps, class Scale, class Begins>
void train_by_hand(Language& model, const TokenStreams& text, Index epochs, const Windows& windows_of,
                   const Steps& steps, const Scale& scale, const Begins& begins) {
  Optimizer optimizer(model, Adam{.rate = 1e-2});
  Workspace<Language, TokenBatch> work(model);
  Language::State state;
  TokenBatch x;
  std::vector<Index> next;
  Context context{.training = true, .seed = 9};
  for (Index epoch = 0; epoch < epochs; ++epoch) {
    bool first = true;
    for (const auto& window : windows_of(Rng(9).child(static_cast<std::uint64_t>(epoch)).child(2))) {
      text.fill(steps(window), x, next);
      optimizer.set_rate(1e-2 * scale(window));
      if (begins(window)) reset_state(state, std::vector<Index>{0, 1, 2});
      train_step(model, CrossEntropy{}, optimizer, x, next, work, context, {.norm = 1},
                 {first ? nullptr : &state, &state});
      ++context.step, first = false;
    }
  }
}
template <class D> History train(Language& model, const D& streams, FitOptions<D> options) {
  options.seed = 9, options.clip_norm = 1;
  return fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, streams, options);
}
}  // namespace varying_windows

TEST_CASE("fit reads windows that are drawn for every epoch, at rates of their own, as the loop by hand" *
          doctest::test_suite("bits")) {
  using namespace varying_windows;
  const TokenStreams streams = make_varying();
  Language by_hand = make_model(0.2), fitted = by_hand;
  train_by_hand(
      by_hand, streams, 3, [&](Rng rng) { return streams.windows(rng); },
      [](const StreamWindow& window) { return window; },
      [](const StreamWindow& window) { return static_cast<double>(window.steps) / 9; },
      [](const StreamWindow&) { return false; });
  std::vector<Index> updates, announced{0};
  struct Watch {
    std::vector<Index>*updates, *announced;
    void on_train_begin(Run& run) const { announced->front() = run.batches(); }
    void on_epoch_begin(Run& run) const { announced->push_back(run.batches()); }
    void on_epoch_end(Run& run) const {
      updates->push_back(run.batch());
      CHECK(run.sequences() == run.batches());
      CHECK(run.rate() == 1e-2);
    }
  };
  const History history = train(fitted, streams, {.epochs = 3, .callbacks = Watch{&updates, &announced}});
  CHECK(bits_of(fitted) == bits_of(by_hand));
  std::vector<Index> drawn;
  for (Index epoch = 0; epoch < 3; ++epoch) {
    drawn.push_back(static_cast<Index>(windows_of_epoch(streams, 9, epoch).size()));
    const EpochLog& log = history.epochs[static_cast<std::size_t>(epoch)];
    CHECK(log.sequences == drawn.back());
    CHECK(log.training.count == 300);  // every step once
    CHECK(log.rate == 1e-2);
  }
  CHECK(updates == drawn);
  CHECK(announced == std::vector<Index>{drawn[0], drawn[0], drawn[1], drawn[2]});
  CHECK((drawn[0] != drawn[1] || drawn[1] != drawn[2]));
  // Evaluation knows nothing of it.
  CHECK(evaluate(fitted, CrossEntropy{}, streams).loss ==
        evaluate(fitted, CrossEntropy{}, TokenStreams(make_ids(301), {.streams = 3, .window = 9})).loss);
}

TEST_CASE("windows that vary have the same bits for any number of threads, and with batches made ahead" *
          doctest::test_suite("bits")) {
  using namespace varying_windows;
  const TokenStreams streams = make_varying();
  const auto bits = [&](int n, Index prefetch) {
    set_threads(n);
    Language model = make_model(0.2);
    train(model, streams, {.epochs = 3, .accumulate = 2, .prefetch = prefetch});
    set_threads(0);
    return bits_of(model);
  };
  const std::uint64_t one = bits(1, 0);
  CHECK(bits(3, 0) == one);
  CHECK(bits(2, 3) == one);
}

TEST_CASE("the rate of an update on several windows is multiplied by their mean") {
  using namespace varying_windows;
  const TokenStreams streams = make_varying();
  const auto drawn = windows_of_epoch(streams, 9, 0);
  for (const Index accumulate : {Index(1), Index(3), Index(1000)}) {
    Language model = make_model();
    std::vector<double> expected, moved;
    for (std::size_t k = 0; k < drawn.size();) {
      double sum = 0;
      Index n = 0;
      for (; k < drawn.size() && n < accumulate; ++k, ++n) sum += static_cast<double>(drawn[k].steps) / 9;
      expected.push_back(sum / static_cast<double>(n));
    }
    // Plain SGD moves the weights by the rate times the gradient, of norm 1 where it is clipped far below.
    struct Move {
      Language before;
      std::vector<double>* moved;
      void on_batch_end(Run& run) {
        double squares = 0;
        visit([&](const Path&, const auto& a,
                  const auto& b) { squares += (a - b).template cast<double>().squaredNorm(); },
              before, run.model<Language>());
        moved->push_back(std::sqrt(squares) * 1e5);
        before = run.model<Language>();
      }
    };
    fit(model, CrossEntropy{}, Sgd{.rate = 10}, streams,
        {.accumulate = accumulate, .seed = 9, .clip_norm = 1e-6, .callbacks = Move{model, &moved}});
    REQUIRE(moved.size() == expected.size());
    for (std::size_t k = 0; k < moved.size(); ++k) CHECK(moved[k] == doctest::Approx(expected[k]).epsilon(0.02));
  }
}

TEST_CASE("a run on windows that vary, with an average, is resumed from anywhere with the same bits" *
          doctest::test_suite("bits")) {
  using namespace varying_windows;
  const TokenStreams streams = make_varying();
  using Options = FitOptions<TokenStreams>;
  const auto options = [](Index prefetch) {
    return Options{.epochs = 3,
                   .accumulate = 2,
                   .prefetch = prefetch,
                   .validation = TokenStreams(make_ids(80), {.streams = 2, .window = 9}),
                   .callbacks = WeightAverage{.kind = Averaging::since_epoch, .epoch = 2}};
  };
  const auto store = std::make_shared<Kept>();
  Options first = options(0);
  first.checkpoint = store;
  first.checkpoint_every = 1;
  Language whole = make_model(0.2);
  const History history = train(whole, streams, first);
  REQUIRE(store->saved.size() > 12);
  for (std::size_t k = 0; k < store->saved.size(); ++k) {
    CAPTURE(k);
    const auto from = std::make_shared<Kept>();
    from->saved = {store->saved[k]};
    Options rest = options(k % 3 == 0 ? 2 : 0);
    rest.resume = from;
    Language model = make_model(0.2);
    const History resumed = train(model, streams, rest);
    CHECK(bits_of(model) == bits_of(whole));
    CHECK(resumed.series("loss") == history.series("loss"));
    CHECK(resumed.series("val_loss") == history.series("val_loss"));
  }
  // Windows of another length on average: other epochs.
  const auto from = std::make_shared<Kept>();
  from->saved = {store->saved.back()};
  Options rest = options(0);
  rest.resume = from;
  Language model = make_model(0.2);
  const std::uint64_t before = bits_of(model);
  CHECK_THROWS_WITH_AS(train(model, make_varying(8), rest), doctest::Contains("checkpoint: "), FormatError);
  CHECK(bits_of(model) == before);
}

TEST_CASE("streams of a user's may draw windows of their own type, which may begin anew") {
  using namespace varying_windows;
  const Texts texts;
  Language by_hand = make_model(), fitted = by_hand;
  train_by_hand(
      by_hand, texts.text, 3, [&](Rng rng) { return texts.windows(rng); },
      [](const Texts::Window& window) { return window.steps; }, [](const Texts::Window&) { return 1; },
      [](const Texts::Window& window) { return window.begins; });
  train(fitted, texts, {.epochs = 3});
  CHECK(distance(fitted, by_hand) == 0);

  // Where they draw none, their windows are those of their numbers.
  Texts plain;
  plain.draws = false;
  by_hand = make_model(), fitted = by_hand;
  train_by_hand(
      by_hand, plain.text, 2, [](Rng) { return std::vector<Index>{0, 1, 2, 3, 4}; },
      [](Index window) { return window; }, [](Index) { return 1; }, [](Index window) { return window == 2; });
  const History history = train(fitted, plain, {.epochs = 2});
  CHECK(distance(fitted, by_hand) == 0);
  CHECK(history.epochs[1].sequences == 5);
}

TEST_CASE("streams of numbers have windows that vary, too") {
  using namespace varying_windows;
  Matrix<float> x(1, 240), y(1, 240);
  for (Index n = 0; n < 240; ++n) x(0, n) = std::sin(0.3f * float(n)), y(0, n) = std::sin(0.3f * float(n) + 0.5f);
  const SequenceStreams<float> streams(x, y, {.streams = 2, .window = 30, .vary = true});
  Sequential model{Recurrent{Gru{1, 8}}, Dense{8, 1}};
  initialize(model, Rng(2));
  fit(model, MeanSquaredError{}, Adam{.rate = 2e-2}, streams, {.epochs = 60});
  CHECK(evaluate(model, MeanSquaredError{}, streams).loss < 1e-2);
}

TEST_CASE("streams whose members do not take the windows that they draw are refused") {
  using namespace varying_windows;
  /// Begins anew at numbers of windows, which those that are drawn do not have.
  struct Songs : TokenStreams {
    using TokenStreams::TokenStreams;
    std::vector<Index> restarts(Index) const { return {}; }
  };
  /// Hides the `fill` that takes a StreamWindow.
  struct Upside : TokenStreams {
    using TokenStreams::TokenStreams;
    void fill(Index window, TokenBatch& x, std::vector<Index>& next) const { TokenStreams::fill(window, x, next); }
  };
  const auto check = [](const auto& plain, const auto& varying, const std::string& member) {
    Language model = make_model();
    train(model, plain, {});
    const std::uint64_t before = bits_of(model);
    for (const Index prefetch : {0, 2})
      CHECK_THROWS_WITH_AS(train(model, varying, {.prefetch = prefetch}),
                           ("fit: the streams have drawn windows, but their " + member +
                            " takes only the number of one; see the concept Streams")
                               .c_str(),
                           std::invalid_argument);
    CHECK(bits_of(model) == before);
  };
  check(Songs(make_ids(301), {.streams = 3}), Songs(make_ids(301), {.streams = 3, .vary = true}), "restarts");
  check(Upside(make_ids(301), {.streams = 3}), Upside(make_ids(301), {.streams = 3, .vary = true}), "fill");
}

TEST_CASE("a rate that streams make no number is refused, and the optimizer's stays") {
  using namespace varying_windows;
  struct Broken : TokenStreams {
    using TokenStreams::TokenStreams;
    double rate_scale(const StreamWindow&) const { return -1; }
  };
  Language model = make_model();
  Optimizer optimizer(model, Sgd{.rate = 0.5});
  const Broken streams(make_ids(301), {.streams = 3, .vary = true});
  CHECK_THROWS_WITH_AS(fit(model, CrossEntropy{}, optimizer, streams, {}),
                       "Optimizer::set_rate: the rate is -0.5, expected 0 or more", std::invalid_argument);
  CHECK(optimizer.rate() == 0.5);
}
