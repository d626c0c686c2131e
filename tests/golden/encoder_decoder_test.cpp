// An encoder-decoder model with additive attention against PyTorch: losses, the first gradient, the last weights.
#include <string>
#include <vector>

#include <unroll/data/pair_dataset.hpp>
#include <unroll/optim/clip.hpp>
#include <unroll/optim/optimizer.hpp>
#include <unroll/optim/sgd.hpp>
#include <unroll/train/train_step.hpp>

#include "../wiring/encoder_decoders.hpp"
#include "golden.hpp"

namespace golden_encoder_decoder {
using namespace unroll;

/// The pairs of the file, which are one after the other.
PairDataset pairs_of(const Golden& golden) {
  const auto sources = golden.integers<std::int32_t>("sources"), targets = golden.integers<std::int32_t>("targets");
  const auto lengths = golden.integers<Index>("lengths");
  std::vector<std::vector<std::int32_t>> x, y;
  auto from = sources.begin(), to = targets.begin();
  for (std::size_t k = 0; k < lengths.size(); k += 2) {
    x.emplace_back(from, from + lengths[k]), from += lengths[k];
    y.emplace_back(to, to + lengths[k + 1]), to += lengths[k + 1];
  }
  return PairDataset(x, y);
}
}  // namespace golden_encoder_decoder

TEST_CASE("the first 20 losses of an encoder-decoder model with additive attention equal PyTorch") {
  using namespace golden_encoder_decoder;
  using Model = encoder_decoders::Bridged<double>;
  const Golden golden("pytorch_encoder_decoder");
  Model model(golden.shape("source.weight")[0], golden.shape("target.weight")[0], golden.shape("bridge.weight")[0]);
  golden.load(model);
  const PairDataset data = pairs_of(golden);
  const std::vector<double> losses = golden.numbers("losses");
  Workspace<Model, PairDataset::Batch> work(model);
  Optimizer optimizer(model, Sgd{.rate = std::stod(golden.metadata("rate"))});
  const Index first = std::stol(golden.metadata("first_batch"));
  for (std::size_t k = 0; k < losses.size(); ++k) {
    std::vector<Index> rows;
    for (Index row = k % 2 == 0 ? 0 : first; row < (k % 2 == 0 ? first : data.size()); ++row) rows.push_back(row);
    PairDataset::Batch x;
    BatchTargets<double> targets;
    data.fill(rows, x);
    data.fill_targets(rows, x, targets);
    set_zero(work.gradient);
    const StepResult result = add_gradient(model, HeadLoss{}, x, targets.labels, work, {.training = true});
    check_close("loss " + std::to_string(k), result.loss, losses[k]);
    if (k == 0) golden.check_parameters(work.gradient, "first.grad.");
    clip_by_global_norm(work.gradient, std::stod(golden.metadata("clip_norm")), {.epsilon = 1e-6});
    optimizer.step(model, work.gradient);
  }
  golden.check_parameters(model, "last.");
  golden.check_all_read();
}
