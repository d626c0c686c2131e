// A run that goes on from a checkpoint of any bytes. The run that is in the corpus is written by `resume --write FILE`.
#include <cstring>

#include <unroll/cell/rnn.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/train/checkpoint.hpp>
#include <unroll/train/fit.hpp>

#include "fuzz.hpp"
#include "mutate.hpp"

namespace {
using namespace unroll;

const SequenceDataset<float>& data_set() {
  static const SequenceDataset<float> data(
      std::vector<SequenceDataset<float>::Dense>(4, SequenceDataset<float>::Dense::Ones(1, 2)),
      std::vector<Index>{0, 1, 0, 1});
  return data;
}
/// Two epochs, the first of them from the checkpoint, if there is one.
void run(std::shared_ptr<RunStore> from, std::shared_ptr<RunStore> to) {
  Sequential model{FinalState{Recurrent{Rnn{1, 1}}}, Dense{1, 2}};
  initialize(model, Rng{1});
  FitOptions<SequenceDataset<float>> options{.epochs = to ? 1 : 2, .batch_size = 2, .seed = 1};
  options.checkpoint = std::move(to);
  options.resume = std::move(from);
  fit(model, CrossEntropy{}, Adam{}, data_set(), options);
}
}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  if (*count == 3 && std::strcmp((*arguments)[1], "--write") == 0) {
    run(nullptr, checkpoint_file((*arguments)[2]));
    std::exit(0);
  }
  return 0;
}
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(data, size);
  return fuzz::read_or_refuse(size, [&] { run(checkpoint_file(file.path()), nullptr); });
}
