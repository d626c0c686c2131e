// Models that cannot learn while they stream.
// CASE 1: must say "OnlineLearner needs a model that takes a sequence and gives an output for every step"
// CASE 2: must say "OnlineLearner: a bidirectional layer needs to know what comes"
// CASE 3: must say "OnlineLearner needs a loss of single steps, such as MeanSquaredError{}, and a model without a head"
// CASE 4: must say "OnlineLearner::step: a step of this model is numbers, 1.0f and not 1"
#include <unroll/train/online_learner.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;

int main() {
#if CASE == 0
  OnlineLearner learner(Sequential{Recurrent{Gru{1, 6}}, Dense{6, 1}}, MeanSquaredError{}, Adam{});
  learner.step(1.0f);
#elif CASE == 1
  OnlineLearner(Sequential{FinalState{Recurrent{Gru{1, 6}}}, Dense{6, 1}}, MeanSquaredError{}, Adam{});
#elif CASE == 2
  OnlineLearner(Sequential{Bidirectional{Gru{1, 6}}, Dense{12, 1}}, MeanSquaredError{}, Adam{});
#elif CASE == 3
  OnlineLearner(Sequential{Recurrent{Gru{1, 6}}, Dense{6, 3}, Crf{3}}, HeadLoss{}, Adam{});
#elif CASE == 4
  OnlineLearner learner(Sequential{Recurrent{Gru{1, 6}}, Dense{6, 1}}, MeanSquaredError{}, Adam{});
  learner.step(1);
#endif
}
