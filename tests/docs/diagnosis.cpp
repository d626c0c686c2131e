// What docs/diagnosis.md shows.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/data/dataset.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/recurrent_record.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/train/diagnosis.hpp>
#include <unroll/train/fit.hpp>
#include <unroll/train/jacobian.hpp>
#include <unroll/train/parameter_norms.hpp>

using namespace unroll;

namespace {

void begin(const char* region) { std::printf("// endregion\n// region %s\n", region); }

}  // namespace

int main() {
  TokenBatch x;
  x.packing = Packing::from_lengths(std::vector<Index>(8, 60), 60);
  Rng rng(1);
  for (Index n = 0; n < x.packing.total(); ++n) x.ids.push_back(static_cast<std::int32_t>(rng.below(20)));
  const std::vector<Index> labels{0, 1, 0, 1, 0, 1, 0, 1};

  begin("report");
  // region report
  // x: a batch of sequences of 60 tokens; labels: one for each of them
  Sequential forgetful{Embedding{20, 16}, FinalState{Recurrent{Lstm{16, 32}}}, Dense{32, 2}};
  initialize(forgetful, Rng(1), {.forget_bias = -5});
  Sequential keeping = forgetful;
  initialize(keeping, Rng(1), {.forget_bias = 3});

  std::cout << diagnose(forgetful, CrossEntropy{}, x, labels).report() << '\n'
            << diagnose(keeping, CrossEntropy{}, x, labels).report();
  // endregion
  std::cout << std::flush;

  begin("numbers");
  // region numbers
  const LayerDiagnosis layer = diagnose(keeping, CrossEntropy{}, x, labels).layers[0];
  for (const Index k : {0, 1, 5, 20, 59}) {
    const auto at = static_cast<std::size_t>(k);
    std::printf("%2ld steps before the last: |dL/dh| %.0e, |dL/dc| %.0e\n", long(k), layer.gradient_of[0][at],
                layer.gradient_of[1][at]);
  }
  for (const GateStatistics& gate : layer.gates) std::printf("gate %c: mean %.2f\n", gate.name, gate.mean);
  // endregion

  begin("jacobian");
  // region jacobian
  RecurrentRecord record;
  Workspace<decltype(keeping), TokenBatch> work(keeping);
  add_gradient(keeping, CrossEntropy{}, x, labels, work, {.recurrent = &record});

  const auto& lstm = keeping.layer<1>().inner;
  const RecurrentTrace& trace = record.of(lstm);  // states, gates and gradients, a column for each step
  const JacobiansOfSequence of = jacobians(lstm, trace, 0, 20);
  std::printf("h of %ld steps; spectral radius of the last %.1f; |ds_T/ds_{T-20}| %.1f\n", long(trace.states[0].cols()),
              of.radius[0], of.product[20]);
  // endregion

  begin("training");
  // region training
  std::vector<std::vector<std::int32_t>> texts(64, std::vector<std::int32_t>(30));
  std::vector<Index> verdicts;
  for (auto& text : texts) {
    for (auto& id : text) id = static_cast<std::int32_t>(2 + rng.below(18));
    verdicts.push_back(static_cast<Index>(rng.below(2)));
    text[rng.below(30)] = static_cast<std::int32_t>(verdicts.back());  // one word is the verdict
  }
  using Model = decltype(keeping);
  const ParameterNorms norms;
  FitOptions<TokenDataset> how{.epochs = 3, .batch_size = 16};
  how.on_gradient = norms;
  how.callbacks = {norms, [&](Run& run) {
                     const Diagnosis found = diagnose(run.model<Model>(), CrossEntropy{}, x, labels);
                     std::printf("epoch %ld: %zu findings\n", long(run.epoch()), found.findings().size());
                   }};
  fit(keeping, CrossEntropy{}, Adam{.rate = 1e-3}, TokenDataset(texts, verdicts), how);

  const NormsOfParameter& u = norms.of("1.weight_hh_l0");
  std::printf("an update moves U by %.0e of itself\n", u.update.back() / u.weights.back());
  // endregion
}
