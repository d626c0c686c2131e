// Training a language model on one long text: what is averaged, lowered and varied. See docs/language_models.md.
// region includes
#include <cstdio>
#include <iostream>
#include <optional>
#include <vector>

#include <unroll/train/dynamic_evaluation.hpp>
#include <unroll/train/weight_average.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

namespace {
constexpr Index words = 12, features = 8;

/// Two words in three follow from the word before.
std::vector<std::int32_t> text(std::size_t n, Rng rng) {
  std::vector<std::int32_t> ids{1};
  while (ids.size() < n) {
    const auto follows = static_cast<std::uint64_t>(5 * ids.back() + 1) % words;
    ids.push_back(static_cast<std::int32_t>(rng.below(3) == 0 ? rng.below(words) : follows));
  }
  return ids;
}
/// The same, but other words follow.
std::vector<std::int32_t> changed_text(std::size_t n, Rng rng) {
  std::vector<std::int32_t> ids = text(n, rng);
  for (std::int32_t& id : ids) id = (id + 5) % static_cast<std::int32_t>(words);
  return ids;
}
}  // namespace

int main() {
  const std::vector<std::int32_t> ids = text(2'401, Rng(1)), held_out_ids = text(1'001, Rng(2));

  // region varying
  const TokenStreams training(ids, {.streams = 8, .window = 20, .vary = true});
  const TokenStreams held_out(held_out_ids, {.streams = 10, .window = 50});
  // endregion

  Sequential untrained{Embedding{words, features}, Recurrent{Gru{features, features}},
                       SoftmaxClassifier{features, words, {.tied = true}}};
  initialize(untrained, Rng(3));

  // region plateau
  auto lowered = untrained;
  const ReduceLROnPlateau quarter{.schedule = {.factor = 0.25, .patience = 1, .threshold = 0}};
  fit(lowered, Sgd{.rate = 5}, training,
      {.epochs = 25, .validation = held_out, .clip_norm = 0.5, .callbacks = quarter});
  // endregion

  // region non_monotone
  auto averaged = untrained;
  fit(averaged, Sgd{.rate = 5}, training,
      {.epochs = 25, .validation = held_out, .clip_norm = 0.5, .callbacks = WeightAverage{.patience = 3}});
  // endregion

  // region exponential
  auto smoothed = untrained;
  const WeightAverage average{.kind = Averaging::exponential, .decay = 0.99};
  fit(smoothed, Adam{.rate = 3e-2}, training, {.epochs = 25, .clip_norm = 0.5, .callbacks = average});
  // endregion

  std::cout << "// region compared\n" << std::flush;
  // region compared
  auto plain = untrained, plain_adam = untrained;
  fit(plain, Sgd{.rate = 5}, training, {.epochs = 25, .clip_norm = 0.5});
  fit(plain_adam, Adam{.rate = 3e-2}, training, {.epochs = 25, .clip_norm = 0.5});
  const auto report = [&](const char* what, const auto& model, const auto& without) {
    const bool better = evaluate(model, held_out).loss < evaluate(without, held_out).loss;
    std::printf("%-29s %s\n", what, better ? "better" : "worse");
  };
  report("Sgd, the rate lowered:", lowered, plain);
  report("Sgd, the mean of the weights:", averaged, plain);
  report("Adam, exponential average:", smoothed, plain_adam);
  // endregion
  std::fflush(stdout);
  std::cout << "// endregion\n// region dynamic\n";

  const std::vector<std::int32_t> other = changed_text(1'001, Rng(5));
  // region dynamic
  const auto mean_squares = mean_squared_gradient(smoothed, training);
  DynamicEvaluation learner(smoothed, {.window = 5, .rate = 0.03, .decay = 0.01}, std::optional(mean_squares));
  const double as_it_is = evaluate(smoothed, TokenStreams(other, {.streams = 1, .window = 50})).loss;
  const LossResult on = learner.read(other);
  std::printf("as it is %.1f, learning on %.1f per token, of %.0f\n", as_it_is, on.loss, on.weight);
  // endregion
  std::fflush(stdout);
  std::cout << "// endregion\n";
}
