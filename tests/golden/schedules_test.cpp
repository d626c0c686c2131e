// Learning-rate schedules against PyTorch's and Keras's, epoch by epoch.
#include <unroll/optim/schedule.hpp>

#include "golden.hpp"

namespace {

using namespace unroll;
constexpr double base = 1e-3;

/// To the last digits of the rate: rates are small, check_close would let them pass.
void check_rate(const std::string& name, std::size_t k, double got, double expected) {
  CAPTURE(name);
  CAPTURE(k);
  CHECK(std::abs(got - expected) <= 1e-9 * base);
}

template <Schedule S> void check(const Golden& golden, const std::string& name, const S& schedule, std::size_t epochs) {
  const auto rates = golden.numbers(name + ".rates");
  for (std::size_t k = 0; k < epochs; ++k)
    check_rate(name, k, schedule.rate(base, static_cast<std::int64_t>(k)), rates[k]);
}

void check_plateau(const Golden& golden, const std::string& name, ReduceOnPlateau plateau, double tolerance) {
  CAPTURE(name);
  const auto losses = golden.numbers("plateau.losses"), rates = golden.numbers(name + ".rates");
  double rate = base;
  for (std::size_t k = 0; k < rates.size(); ++k) {
    CAPTURE(k);
    CHECK(std::abs(rate - rates[k]) <= tolerance * base);
    rate = plateau.update(losses[k], rate);
  }
}

}  // namespace

TEST_CASE("schedules have PyTorch's rates in every epoch") {
  const Golden golden("schedules");
  check(golden, "step", StepDecay{.every = 3, .factor = 0.5}, 25);
  check(golden, "exponential", ExponentialDecay{.factor = 0.9}, 25);
  check(golden, "cosine", CosineDecay{.steps = 10, .minimum = 1e-5}, 11);  // PyTorch's rises again
  for (std::int64_t k = 11; k < 25; ++k) CHECK(CosineDecay{.steps = 10, .minimum = 1e-5}.rate(base, k) == 1e-5);
  check(golden, "warm_up", WarmUp{5}, 25);
  check(golden, "warm_up_then_cosine", WarmUp{5, CosineDecay{.steps = 15}}, 20);
}

TEST_CASE("reduce on plateau follows both frameworks' rules") {
  const Golden golden("schedules");
  using R = PlateauRule;
  check_plateau(golden, "pytorch_plateau", {.rule = R::pytorch, .factor = 0.1, .patience = 2}, 1e-9);
  check_plateau(golden, "pytorch_plateau_cooldown", {.rule = R::pytorch, .factor = 0.5, .patience = 1, .cooldown = 2},
                1e-9);
  check_plateau(golden, "pytorch_plateau_absolute",
                {.rule = R::pytorch, .factor = 0.5, .patience = 2, .absolute_threshold = true}, 1e-9);
  check_plateau(golden, "pytorch_plateau_min_lr",
                {.rule = R::pytorch, .factor = 0.1, .patience = 0, .minimum_rate = 5e-6}, 1e-9);
  // Keras keeps the rate in float32.
  check_plateau(golden, "keras_plateau", {.factor = 0.5, .patience = 2}, 1e-7);
  check_plateau(golden, "keras_plateau_default_delta", {.factor = 0.1, .patience = 3}, 1e-7);
  check_plateau(golden, "keras_plateau_cooldown", {.factor = 0.5, .patience = 1, .cooldown = 2}, 1e-7);
  check_plateau(golden, "keras_plateau_min_lr", {.factor = 0.1, .patience = 1, .minimum_rate = 5e-6}, 1e-7);
}
