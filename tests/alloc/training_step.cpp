// After one batch at least as large, a training step allocates nothing.
#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/data/batches.hpp>
#include <unroll/head/crf.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/activation_penalty.hpp>
#include <unroll/layer/additive_attention.hpp>
#include <unroll/layer/any_sequential.hpp>
#include <unroll/layer/attention.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/composite_cell.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/multi_head_attention.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/train/train_step.hpp>
#include <unroll/train/weight_average.hpp>

#include "../train/fake_run.hpp"
#include "counting.hpp"

namespace {

using unroll::Index;
constexpr Index words = 500, longest = 60, batch_size = 32;  // large enough that two threads share the work

/// Ragged sequences, the first `batch_size` of them as long as any.
unroll::TokenDataset random_data(bool per_step) {
  unroll::Rng rng(1);
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::vector<Index>> step_labels;
  std::vector<Index> labels;
  for (Index k = 0; k < 400; ++k) {
    const auto length = k < batch_size ? std::size_t(longest) : static_cast<std::size_t>(rng.below(longest + 1));
    ids.emplace_back(length);
    for (auto& id : ids.back()) id = static_cast<std::int32_t>(rng.below(words));
    step_labels.emplace_back(length, Index(0));
    for (auto& label : step_labels.back()) label = static_cast<Index>(rng.below(2));
    labels.push_back(static_cast<Index>(rng.below(2)));
  }
  return per_step ? unroll::TokenDataset(ids, step_labels) : unroll::TokenDataset(ids, labels);
}

/// How many allocations 2 epochs of shuffled batches take, after one batch of the longest sequences.
template <class M, class L, class R> long count(M model, const L& loss, R rule, bool per_step, bool similar_length) {
  unroll::initialize(model, unroll::Rng(2));
  const auto data = random_data(per_step);
  unroll::Optimizer optimizer(model, rule);
  unroll::Workspace<M, unroll::TokenBatch> work(model);
  unroll::Batches batches(data, {.batch_size = batch_size, .similar_length = similar_length, .pool = 4, .seed = 3});
  unroll::TokenBatch x;
  unroll::BatchTargets<float> targets;
  unroll::Context context{.training = true, .seed = 4};
  const auto step = [&](std::span<const Index> rows) {
    data.fill(rows, x);
    data.fill_targets<float>(rows, x.packing, targets);
    unroll::train_step(model, loss, optimizer, x, targets, work, context, {.norm = 1});
    ++context.step;
  };
  std::vector<Index> first(batch_size);
  for (Index k = 0; k < batch_size; ++k) first[static_cast<std::size_t>(k)] = k;
  step(first);

  allocations = 0;
  counting = true;
  for (Index epoch = 0; epoch < 2; ++epoch) {
    batches.start_epoch(epoch);
    for (Index k = 0; k < batches.count(); ++k) step(batches[k]);
  }
  counting = false;
  return allocations;
}

/// How many allocations an average takes in 10 updates, after its first one.
long count_averaging() {
  FakeRun run;
  run.weight.w = unroll::Matrix<double>::Zero(400, 200);
  unroll::WeightAverage average{.kind = unroll::Averaging::exponential};
  average.on_train_begin(run);
  average.on_batch_end(run);
  allocations = 0;
  counting = true;
  for (int k = 0; k < 10; ++k) average.on_batch_end(run);
  average.on_updates_end(run);
  counting = false;
  return allocations;
}

/// A cell that looks back, in each of its steps.
struct Look : unroll::CompositeCell<Look> {
  unroll::AdditiveAttention<> attend{48, 48, 8};
  unroll::Dense<> context{48, 3 * 48};
  unroll::Pointwise<unroll::Gru<>> gru{unroll::Gru{48, 48}};
  UNROLL_PARTS(attend, context, gru)
  auto operator()(unroll::StepWiring<>& run, unroll::StepNode<> a, unroll::StepMemory<> memory) const {
    return run(gru, a + run(context, run(attend, run.previous(gru), memory)));
  }
};
/// A wiring whose number of calls changes with the batch: 3 more in the longest.
struct Attentive : unroll::Composite<Attentive> {
  unroll::Embedding<> embed{words, 24};
  unroll::Bidirectional<unroll::Lstm<>> read{unroll::Lstm{24, 24}, {.input_dropout = 0.2}};
  std::vector<unroll::Recurrent<unroll::Gru<>>> deep{unroll::Recurrent{unroll::Gru{48, 48}},
                                                     unroll::Recurrent{unroll::Gru{48, 48}}};
  unroll::Recurrent<Look> look{Look{}};
  unroll::MultiHeadAttention<> heads{48, 48, 48, 4, {.window = 5}};
  unroll::AdditiveAttention<> ask{48, 48, 8};
  unroll::AttentionPool<> pool{48, 16};
  unroll::Dropout<> drop{0.2};
  unroll::Dense<> head{96, 2};
  UNROLL_PARTS(embed, read, deep, look, heads, ask, pool, drop, head)
  auto operator()(unroll::Wiring& run, unroll::Node<unroll::TokenBatch> x) const {
    const auto first = run(read, run(embed, x));
    auto h = first + first;
    for (const auto& layer : deep) h = h + dot_attention<float>(run(layer, h), first);
    for (Index t = 0; t < (x->packing.steps() + 3) % 4; ++t) h = run(deep[0], h);
    h = run(look, run(deep[1], h), first);
    h = h + run(heads, h, h) + run(ask, h, first);
    return run(head, run(drop, concat_rows(run(pool, h), max_over_time(h))));
  }
};

int passed = 0, failed = 0;
void report(const char* what, int threads, long n) {
  (n == 0 ? passed : failed) += 1;
  if (n != 0) std::printf("FAILED: %s, %d threads: %ld allocations\n", what, threads, n);
}

}  // namespace

int main() {
  using namespace unroll;  // NOLINT
  for (const int n : {1, 2}) {
    set_threads(n);
    const Sequential keras_like{
        Embedding{words, 24},
        Recurrent{Lstm{24, 32}, {.input_dropout = 0.2, .recurrent_dropout = 0.2, .per_gate = true}},
        FinalState{Recurrent{Lstm{32, 24}, {.input_dropout = 0.2, .recurrent_dropout = 0.2}}},
        Dense{24, 6},
        Relu{},
        Dropout{0.3},
        Dense{6, 1}};
    const Sequential pytorch_like{
        Embedding{words, 24, {.padding = 0}}, Dropout{0.3},
        FinalState{Stack{Bidirectional{Lstm{24, 27}}, Dropout{0.3}, Bidirectional{Lstm{54, 27}}}}, Dense{54, 2}};
    const Sequential tagger{Embedding{words, 24}, Bidirectional{Gru{24, 30}, {.recompute_every = 7}}, Dense{60, 2}};
    const Sequential with_crf{Embedding{words, 24}, Bidirectional{Gru{24, 30}}, Dense{60, 2}, Crf{2}};
    const Sequential with_softmax{Embedding{words, 24}, Recurrent{Gru{24, 24}},
                                  SoftmaxClassifier{24, words, {.tied = true}}};
    const Sequential regularised{Embedding{words, 24},
                                 Dropout{0.1, {.whole_words = true}},
                                 Dropout{0.3, {.locked = true}},
                                 Bidirectional{Lstm{24, 24}, {.weight_dropout = 0.5}},
                                 ActivationPenalty{{.activation = 2, .temporal = 1}},
                                 Dense{48, 2}};
    AnySequential<> any_tagger;
    any_tagger.add(Embedding{words, 24}).add(Dropout{0.2}).add(Bidirectional{Gru{24, 30}}).add(Dense{60, 2});
    AnySequential<Matrix<>> any_last;
    AnyStack<> any_stack;
    any_stack.add(Recurrent{Lstm{24, 27}, {.recurrent_dropout = 0.2}}).add(Dropout{0.3}).add(Recurrent{Gru{27, 30}});
    any_last.add(Embedding{words, 24}).add(FinalState{any_stack}).add(Dropout{0.3}).add(Dense{30, 2});
    report("tagger known at run time", n, count(any_tagger, CrossEntropy{}, Adam{}, true, false));
    report("stack known at run time", n, count(any_last, CrossEntropy{}, AdamW{}, false, true));
    report("regularised tagger", n, count(regularised, CrossEntropy{}, Adam{}, true, false));
    report("tagger with a CRF", n, count(with_crf, HeadLoss{}, Adam{}, true, false));
    report("language model with a tied softmax", n, count(with_softmax, NextToken{HeadLoss{}}, Adam{}, true, false));
    report("LSTM stack with dropouts", n, count(keras_like, BinaryCrossEntropy{}, Adam{}, false, false));
    report("bidirectional stack", n, count(pytorch_like, CrossEntropy{}, Adam{.weight_decay = 1e-5}, false, true));
    report("composite", n, count(Attentive{}, CrossEntropy{}, Adam{}, false, false));
    report("tagger that recomputes", n, count(tagger, CrossEntropy{}, Sgd{.momentum = 0.9}, true, false));
    report("average of the weights", n, count_averaging());
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
