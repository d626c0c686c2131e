// What fit cannot take: refused with a sentence.
// CASE 1: must say "a data set of the type of the training data"
// CASE 2: must say "neither a function taking a Run& nor has it one of the members"
// CASE 3: must say "this model cannot be trained on this data set"
#include <unroll/cell/gru.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/train/fit.hpp>

using namespace unroll;

int main() {
  Sequential model{Embedding{5, 4}, FinalState{Recurrent{Gru{4, 3}}}, Dense{3, 2}};
  const TokenDataset data({{1, 2}}, std::vector<int>{1});
  const SequenceDataset<float> series;
  // Each of these is one option away from a case that must not compile.
  fit(model, CrossEntropy{}, Adam{}, data, {.validation = data, .callbacks = EarlyStopping{}});
  fit(model, CrossEntropy{}, Adam{}, data, {.validation = &data, .callbacks = {EarlyStopping{}, [](Run&) {}}});
#if CASE == 1
  fit(model, CrossEntropy{}, Adam{}, data, {.validation = series});
#elif CASE == 2
  fit(model, CrossEntropy{}, Adam{}, data, {.callbacks = 3});
#elif CASE == 3
  fit(model, CrossEntropy{}, Adam{}, series);
#endif
}
