// docs/online_learning.md: a detector that follows its machine.
// region includes
#include <cmath>
#include <cstdio>

#include <unroll/loss/gaussian_nll.hpp>
#include <unroll/metric/anomaly_score.hpp>
#include <unroll/train/dynamic_update.hpp>
#include <unroll/train/online_learner.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

namespace {

// region machine
/// A pump: how hard it is driven, and how warm it gets, which follows. Dirt makes it warmer, and nobody measures dirt.
struct Pump {
  Rng rng{1};
  double warmth = 0;
  float load = 0, temperature = 0;

  void run(double dirt, double fault = 0) {
    if (rng.below(20) == 0) load = static_cast<float>(rng.uniform(0, 1));
    warmth += 0.2 * (load - warmth);
    temperature = static_cast<float>(warmth + dirt + fault + 0.05 * rng.normal());
  }
};
// endregion

// region watch
/// What is unlikely is an alarm, and not learned.
template <class Learner> bool is_alarm(Learner& detector, const Pump& pump, bool learns) {
  detector.step(pump.load);
  if (detector.loss(pump.temperature) > 8) return true;  // -log of the density: here a temperature 4.5 deviations off
  if (learns) detector.learn(pump.temperature);
  return false;
}
// endregion

}  // namespace

int main() {
  // region train
  Pump pump;
  Matrix<float> loads(1, 2000), temperatures(1, 2000);
  for (Index t = 0; t < 2000; ++t) {
    pump.run(0);
    loads(0, t) = pump.load;
    temperatures(0, t) = pump.temperature;
  }
  Sequential model{Recurrent{Gru{1, 12}}, Dense{12, GaussianNll{}.outputs(1)}};  // a mean and a deviation at each step
  initialize(model, Rng(1));
  fit(model, GaussianNll{}, Adam{.rate = 1e-2}, SequenceStreams(loads, temperatures, {.streams = 10, .window = 20}),
      {.epochs = 60, .clip_norm = 1});
  // endregion

  std::puts("// region live");
  // region live
  const OnlineOptions options{.window = 20, .stride = 5, .clip = {.norm = 1}};
  OnlineLearner frozen(model, GaussianNll{}, Adam{.rate = 1e-3}, options);
  OnlineLearner follower = frozen;
  struct Phase {
    const char* name;
    int steps;
    double dirt_before, dirt_after, fault;
  };
  for (const Phase& phase : {Phase{"as it was     ", 500, 0, 0, 0},
                             {"getting dirty ", 3000, 0, 1, 0},
                             {"dirty         ", 500, 1, 1, 0},
                             {"a fault       ", 40, 1, 1, 0.5},
                             {"repaired      ", 500, 1, 1, 0}}) {
    int alarms = 0, alarms_of_follower = 0;
    for (int t = 0; t < phase.steps; ++t) {
      pump.run(phase.dirt_before + (phase.dirt_after - phase.dirt_before) * t / phase.steps, phase.fault);
      alarms += is_alarm(frozen, pump, false);
      alarms_of_follower += is_alarm(follower, pump, true);
    }
    std::printf("%s %3.0f %% alarms frozen, %3.0f %% learning\n", phase.name, 100.0 * alarms / phase.steps,
                100.0 * alarms_of_follower / phase.steps);
  }
  // endregion
  std::puts("// endregion\n// region errors");

  // region errors
  Sequential untrained{Recurrent{Gru{1, 12}}, Dense{12, 1}};
  initialize(untrained, Rng(2));
  OnlineLearner learner(untrained, MeanSquaredError{}, Adam{.rate = 1e-2}, options);
  AnomalyScore score({.memory = 500});
  for (int t = 0; t < 3000; ++t) {
    pump.run(1);
    learner.step(pump.load);
    score.add(std::sqrt(learner.learn(pump.temperature)));
  }
  pump.run(1, 0.5);
  learner.step(pump.load);
  std::printf("a fault is %.0f deviations above the usual error\n",
              score.score(std::sqrt(learner.loss(pump.temperature))));
  // endregion
  std::puts("// endregion");

  // region pulled
  OnlineLearner pulled(model, GaussianNll{}, DynamicUpdate(model, {.rate = 0.01, .decay = 1e-3}), options);
  // endregion
  for (int t = 0; t < 100; ++t) is_alarm(pulled, pump, true);
}
