// Scheduled sampling: which tokens of a batch are replaced and by what, and what must not change that.
#include <cmath>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/pair_dataset.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/fit.hpp>
#include <unroll/train/scheduled_sampling.hpp>

#include "../io/support.hpp"
#include "../wiring/encoder_decoders.hpp"

namespace scheduled_sampling_test {

using namespace unroll;
using namespace encoder_decoders;
using Ids = std::vector<std::int32_t>;
using PairBatch = Inputs<TokenBatch, TokenBatch>;

/// 40 pairs; the targets are of tokens 6 and 7 alone.
const PairDataset& pairs() {
  static const PairDataset all = [] {
    std::vector<Ids> sources, targets;
    for (std::int32_t k = 0; k < 40; ++k) {
      sources.emplace_back();
      for (std::int32_t t = 0; t <= k % 7; ++t) sources.back().push_back(4 + (k + t * t) % 5);
      targets.emplace_back();
      for (std::int32_t t = 0; t <= k * k % 11; ++t) targets.back().push_back(6 + (k + t) % 2);
    }
    return PairDataset(sources, targets);
  }();
  return all;
}
PairBatch batch_of_pairs(Index first = 0, Index count = 40) {
  std::vector<Index> rows;
  for (Index k = 0; k < count; ++k) rows.push_back(first + k);
  PairBatch x;
  pairs().fill(rows, x);
  return x;
}
template <class M> M made_model() {
  M model;
  randomize(model, Rng(7), 1.3);
  model.head.bias(6, 0) = model.head.bias(7, 0) = -1e4;  // never said
  return model;
}
const Ids& written(const PairBatch& x) { return std::get<1>(x.all).ids; }
const Packing& packing_of(const PairBatch& x) { return std::get<1>(x.all).packing; }
/// All, from the second update on.
constexpr LinearDecay never{.steps = 1};

TEST_CASE_TEMPLATE("all but the first tokens become what the model says behind the reference", M, Plain<float>,
                   Bridged<float>) {
  const auto model = made_model<M>();
  const PairBatch before = batch_of_pairs();
  CacheFor<M, PairBatch> cache;
  detail::TokenLogits<M> of_head(model);
  const Matrix<float> logits = of_head(model.forward({.gradients = false}, before, cache));
  PairBatch x = before;
  ScheduledSampling(model, never)({.training = true, .seed = 3, .step = 1}, x);
  CHECK(std::get<0>(x.all).ids == std::get<0>(before.all).ids);
  const Packing& p = packing_of(x);
  CHECK(p == packing_of(before));
  for (Index t = 0; t < p.steps(); ++t)
    for (Index j = 0; j < p.batch_size(t); ++j) {
      Index likeliest = TextEncoding::bos;
      if (t > 0) logits.col(p.offset(t - 1) + j).maxCoeff(&likeliest);
      REQUIRE(written(x)[static_cast<std::size_t>(p.offset(t) + j)] == likeliest);
    }
}

TEST_CASE("as many tokens are replaced as the schedule says, others in each step") {
  const auto model = made_model<Bridged<float>>();
  const ScheduledSampling sampling(model, LinearDecay{.steps = 100, .minimum = 0.6});
  const PairBatch reference = batch_of_pairs();
  const auto replaced = [&](std::uint64_t step) {
    PairBatch x = reference;
    sampling({.training = true, .seed = 3, .step = step}, x);
    std::vector<bool> all;
    for (std::size_t n = 0; n < written(x).size(); ++n) all.push_back(written(x)[n] != written(reference)[n]);
    return all;
  };
  const auto tokens = static_cast<double>(written(reference).size() - 40);
  for (const std::uint64_t first : std::vector<std::uint64_t>{0, 50, 1000}) {
    double count = 0;
    for (std::uint64_t k = 0; k < 10; ++k)
      for (const bool one : replaced(first == 50 ? 50 : first + (first > 0 ? k : 0))) count += one;
    CHECK(count / (10 * tokens) == doctest::Approx(first == 0 ? 0 : first == 50 ? 0.2 : 0.4).epsilon(0.15));
  }
  CHECK(replaced(1000) == replaced(1000));
  CHECK(replaced(1000) != replaced(1001));
}

TEST_CASE("a batch that is split up gets the tokens of the whole one" * doctest::test_suite("bits")) {
  const auto model = made_model<Bridged<float>>();
  const ScheduledSampling sampling(model, LinearDecay{.steps = 1, .minimum = 0.5}, {.temperature = 1});
  PairBatch whole = batch_of_pairs();
  const Context context{.training = true, .seed = 4, .step = 9};
  sampling(context, whole);
  for (const Index size : {1, 16})
    for (Index first = 0; first < 40; first += size) {
      PairBatch part = batch_of_pairs(first, std::min<Index>(size, 40 - first));
      Context of_part = context;
      of_part.first_row = first;
      sampling(of_part, part);
      const auto tokens_of = [](const PairBatch& x, Index row) {
        Ids ids;
        for (Index n = 0; n < packing_of(x).total(); ++n)
          if (packing_of(x).sequence_of(n) == row) ids.push_back(written(x)[static_cast<std::size_t>(n)]);
        return ids;
      };
      for (Index row = 0; row < packing_of(part).batch(); ++row)
        REQUIRE(tokens_of(part, row) == tokens_of(whole, first + row));
    }
}

TEST_CASE("tokens are drawn by their probability where a temperature says so") {
  auto model = made_model<Plain<double>>();
  model.head.weight.setZero();
  for (Index id = 0; id < 8; ++id) model.head.bias(id, 0) = id < 2 ? std::log(id == 0 ? 0.75 : 0.25) : -1e4;
  const ScheduledSampling sampling(model, never, {.temperature = 1});
  double counts[2] = {0, 0};
  for (std::uint64_t step = 1; step <= 10; ++step) {
    PairBatch x = batch_of_pairs();
    sampling({.training = true, .step = step}, x);
    for (const std::int32_t id : written(x))
      if (id < 2) counts[id] += 1;
  }
  CHECK(counts[0] / (counts[0] + counts[1]) == doctest::Approx(0.75).epsilon(0.05));
}

TEST_CASE("fit with all tokens of the reference is teacher forcing, with fewer it learns, with any number of threads" *
          doctest::test_suite("bits")) {
  const auto trained = [](const auto& references, bool samples, int n) {
    set_threads(n);
    Bridged<float> model;
    initialize(model, Rng(2));
    FitOptions<PairDataset> how{.epochs = 6, .batch_size = 8, .accumulate = 2, .seed = 5, .clip_norm = 1};
    if (samples) how.on_batch = ScheduledSampling(model, references);
    const History history = fit(model, Adam{.rate = 1e-2}, pairs(), how);
    set_threads(0);
    CHECK(history.epochs.back().training.loss < history.epochs.front().training.loss);
    std::vector<Matrix<float>> all;
    visit([&](const Path&, const auto& p) { all.push_back(p); }, model);
    return all;
  };
  const auto forced = trained(ConstantRate{}, false, 0);
  CHECK(trained(ConstantRate{}, true, 0) == forced);
  const auto sampled = trained(LinearDecay{.steps = 8}, true, 1);
  CHECK(sampled != forced);
  for (const int n : {2, 3}) CHECK(trained(LinearDecay{.steps = 8}, true, n) == sampled);
}

TEST_CASE("on_batch sees every batch once for each update, by its step and first row, and not those of validation") {
  Plain<float> model;
  initialize(model, Rng(2));
  struct Seen {
    std::uint64_t step;
    Index first_row, sequences;
    bool operator==(const Seen&) const = default;
  };
  std::vector<Seen> seen;
  FitOptions<PairDataset> how{.batch_size = 10, .accumulate = 2, .validation = pairs()};
  how.on_batch = [&](const Context& context, PairBatch& x) {
    CHECK(context.training);
    seen.push_back({context.step, context.first_row, packing_of(x).batch()});
  };
  fit(model, CrossEntropy{}, Adam{}, pairs(), how);
  CHECK(seen == std::vector<Seen>{{0, 0, 10}, {0, 10, 10}, {1, 0, 10}, {1, 10, 10}});
}

TEST_CASE("logits that are no numbers leave the reference, and fit says what has happened") {
  auto model = made_model<Plain<float>>();
  model.head.bias(0, 0) = std::nanf("");
  PairBatch x = batch_of_pairs();
  ScheduledSampling(model, never)({.training = true, .step = 1}, x);
  CHECK(written(x) == written(batch_of_pairs()));
}

struct TooMuch {
  double rate(double base, std::int64_t) const { return 2 * base; }
};
TEST_CASE("scheduled sampling refuses what is no share") {
  const auto model = made_model<Plain<float>>();
  PairBatch x = batch_of_pairs();
  CHECK(message_of<std::invalid_argument>([&] { ScheduledSampling(model, TooMuch{})({}, x); }) ==
        "ScheduledSampling: the share of references is 2, expected 0 to 1");
  CHECK(message_of<std::invalid_argument>([&] {
          ScheduledSampling(model, never, {.temperature = -1});
        }).starts_with("ScheduledSampling: temperature"));
}

}  // namespace scheduled_sampling_test
