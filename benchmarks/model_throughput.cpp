// Whole models on real reviews, and a word language model: training steps with clipping and Adam (or SGD), and
// inference; a small one that writes, too, 20 words a step; and alone, forward and backward, a decoder that attends,
// and attention. The rows are those of benchmarks/peers/pytorch_rows.py and keras_rows.py:
//   model_throughput --batches=FILE --threads=1 --benchmark_filter=sentiment/lstm/train
// FILE comes from benchmarks/peers/imdb.py. A row's time is that of a step, the mean over the file's first batches;
// tokens/s counts real tokens. FLOPs are those of the products, on real tokens.
#include <cstring>
#include <iostream>
#include <string>

#include <benchmark/benchmark.h>

#include <unroll/file/safetensors.hpp>
#include <unroll/head/softmax_classifier.hpp>
#include <unroll/layer/additive_attention.hpp>
#include <unroll/layer/composite_cell.hpp>
#include <unroll/layer/multi_head_attention.hpp>
#include <unroll/train/generate.hpp>
#include <unroll/train/train_step.hpp>
#include <unroll/unroll.hpp>

#include "bench.hpp"

namespace {

using namespace unroll;

struct Batches {
  std::vector<TokenBatch> inputs;
  std::vector<std::vector<Index>> labels;

  static Batches read(const std::string& path) {
    const SafeTensors file = read_safetensors(path);
    const auto integers = [&](const char* name) {
      const Tensor& tensor = file.tensor(name);
      require<FormatError>(tensor.dtype == Dtype::i32, path, ": ", name, " is not I32");
      std::vector<std::int32_t> numbers(tensor.bytes.size() / 4);
      std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
      return numbers;
    };
    const auto ids = integers("ids"), labels = integers("labels");
    const auto& shape = file.tensor("ids").shape;
    const auto rows = static_cast<std::size_t>(shape[1]), size = rows * static_cast<std::size_t>(shape[2]);
    Batches all;
    for (std::size_t k = 0; k < static_cast<std::size_t>(shape[0]); ++k) {
      all.inputs.emplace_back();
      pack_tokens(std::span(ids).subspan(k * size, size), Index(rows), 0, all.inputs.back());
      all.labels.emplace_back(labels.begin() + Index(k * rows), labels.begin() + Index((k + 1) * rows));
    }
    return all;
  }
};

std::string batches_file;
const Batches& batches() {
  static const Batches all = Batches::read(batches_file);
  return all;
}

auto two_lstms(const RecurrentOptions& options) {
  return Sequential{Embedding{20'000, 128},
                    Recurrent{Lstm{128, 128}, options},
                    FinalState{Recurrent{Lstm{128, 64}, options}},
                    Dense{64, 32},
                    Relu{},
                    Dropout{0.3},
                    Dense{32, 1}};
}
auto two_bidirectional_lstms() {
  return Sequential{Embedding{20'000, 128, {.padding = 0}},
                    Dropout{0.3},
                    FinalState{Stack{Bidirectional{Lstm{128, 256}}, Dropout{0.3}, Bidirectional{Lstm{512, 256}}}},
                    Dense{512, 64},
                    Relu{},
                    Dropout{0.3},
                    Dense{64, 2}};
}
constexpr double lstm_flops = 2.0 * (4 * 128 * (128 + 128) + 4 * 64 * (128 + 64));
constexpr double bilstm_flops = 2.0 * 2 * (4 * 256 * (128 + 256) + 4 * 256 * (512 + 256));

template <class M, class L, class Rule>
void train(benchmark::State& state, M model, const L& loss, const Rule& rule, double flops) {
  initialize(model, Rng(1), Scheme::pytorch());
  Optimizer optimizer(model, rule);
  Workspace<M, TokenBatch> work(model);
  std::uint64_t step = 0;
  const auto one = [&](std::size_t k) {
    return train_step(model, loss, optimizer, batches().inputs[k], Labels(batches().labels[k]), work,
                      {.training = true, .seed = 1, .step = step++}, {.norm = 1});
  };
  for (std::size_t k = 0; k < 2; ++k)
    if (!one(k).finite) return state.SkipWithError("the loss is no number");
  double tokens = 0;
  std::size_t k = 0;
  for (auto _ : state) {
    one(k);
    tokens += static_cast<double>(batches().inputs[k].packing.total());
    k = (k + 1) % batches().inputs.size();
  }
  bench::report(state, tokens, tokens * 3 * flops);
}

template <bool folded = false, class M> void infer(benchmark::State& state, M made, double flops) {
  initialize(made, Rng(1), Scheme::pytorch());
  const auto model = [&] {
    if constexpr (folded)
      return fold_embedding(made);
    else
      return std::move(made);
  }();
  CacheFor<std::remove_const_t<decltype(model)>, TokenBatch> cache;
  double tokens = 0;
  std::size_t k = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(model.forward({.training = false, .gradients = false}, batches().inputs[k], cache).data());
    tokens += static_cast<double>(batches().inputs[k].packing.total());
    k = (k + 1) % batches().inputs.size();
  }
  bench::report(state, tokens, tokens * flops);
}

/// Zaremba et al. 2014, small: 10,000 words, two layers of 200, no dropout; here with a tied softmax.
auto small_word_model() {
  return Sequential{Embedding{10'000, 200}, Stack{Recurrent{Lstm{200, 200}}, Recurrent{Lstm{200, 200}}},
                    SoftmaxClassifier{200, 10'000, {.tied = true}}};
}
constexpr double small_word_flops = 2.0 * (2 * 4 * 200 * 400 + 200 * 10'000);

/// 20 streams of 35 words: clipping, SGD; the state goes on.
template <class M, class L> void train_words(benchmark::State& state, M model, const L& loss, double flops) {
  initialize(model, Rng(1), Scheme::pytorch());
  Optimizer optimizer(model, Sgd{.rate = 1});
  Workspace<M, TokenBatch> work(model);
  constexpr Index streams = 20, window = 35;
  Rng rng(2);
  std::vector<std::int32_t> ids;
  for (Index i = 0; i < 10 * streams * window; ++i) ids.push_back(static_cast<std::int32_t>(rng.uniform(0, 9999)));
  const TokenStreams text(ids, {.streams = streams, .window = window});
  TokenBatch x;
  std::vector<Index> next;
  typename M::State carried;
  text.fill(0, x, next);
  std::uint64_t step = 0;
  const auto one = [&] {
    const auto* const start = step == 0 ? nullptr : &carried;
    return train_step(model, loss, optimizer, x, Labels(next), work, {.training = true, .seed = 1, .step = step++},
                      {.norm = 5}, {start, &carried});
  };
  if (!one().finite) return state.SkipWithError("the loss is no number");
  double tokens = 0;
  for (auto _ : state) {
    one();
    tokens += static_cast<double>(x.packing.total());
  }
  bench::report(state, tokens, tokens * 3 * flops);
}

/// 20 words for each of so many texts, drawn.
void generate_words(benchmark::State& state, Index texts) {
  auto model = small_word_model();
  initialize(model, Rng(1), Scheme::pytorch());
  constexpr Index length = 20;
  std::vector<std::vector<std::int32_t>> prompts;
  for (Index k = 0; k < texts; ++k) prompts.push_back({static_cast<std::int32_t>(k)});
  GenerateOptions options{.max_tokens = length};
  double tokens = 0;
  for (auto _ : state) {
    ++options.seed;
    if (texts == 1)
      benchmark::DoNotOptimize(generate(model, prompts[0], options).ids.data());
    else
      benchmark::DoNotOptimize(generate(model, prompts, options).data());
    tokens += static_cast<double>(texts * length);
  }
  bench::report(state, tokens, tokens * small_word_flops);
}

/// Bahdanau et al. 2015: 512 units, 64 sequences of 12 words, over 12 steps of an encoder's 512.
struct Decoder : CompositeCell<Decoder> {
  AdditiveAttention<> attend{512, 512, 512};
  Dense<> context{512, 3 * 512, {.bias = false}};
  Pointwise<Gru<>> gru{Gru{256, 512}};
  UNROLL_PARTS(attend, context, gru)
  auto operator()(StepWiring<>& run, StepNode<> a, StepMemory<> memory) const {
    return run(gru, a + run(context, run(attend, run.previous(gru), memory)));
  }
};
void train_decoder(benchmark::State& state) {
  constexpr Index batch = 64, steps = 12;
  Recurrent decoder{Decoder{}};
  decoder.initialize(Rng(1), Scheme::pytorch());
  auto gradient = zeros_like(decoder);
  PackedSequence<> words, encoded;
  for (auto* x : {&words, &encoded}) {
    x->packing = Packing::from_lengths(std::vector<Index>(batch, steps), steps);
    x->values.resize(x == &words ? 256 : 512, batch * steps);
    Rng rng(2);
    for (Index k = 0; k < x->values.size(); ++k) x->values.data()[k] = static_cast<float>(rng.uniform(-1, 1));
  }
  decltype(decoder)::Cache<PackedSequence<>, PackedSequence<>> cache;
  const PackedSequence<> dy = decoder.forward({.training = true}, words, encoded, cache);
  double tokens = 0;
  for (auto _ : state) {
    decoder.forward({.training = true}, words, encoded, cache);
    decoder.backward(words, encoded, dy, cache, gradient);
    tokens += batch * steps;
  }
  bench::report(state, tokens, tokens * 3 * 2 * (3 * 512 * (256 + 512 + 512) + 512 * (512 + 512) + 12 * 2 * 512));
}

/// 64 sequences of 10 to 60 steps, 256 features, each attending to itself.
struct Attend : Composite<Attend> {
  AttentionOptions how;
  UNROLL_PARTS(how)
  auto operator()(Wiring&, Node<PackedSequence<>> q, Node<PackedSequence<>> k, Node<PackedSequence<>> v) const {
    return scaled_dot_attention(q, k, v, how);
  }
};
struct AttendToItself : Composite<AttendToItself> {
  MultiHeadAttention<> attend{256, 256, 256, 8};
  UNROLL_PARTS(attend)
  auto operator()(Wiring& run, Node<PackedSequence<>> x) const { return run(attend, x, x); }
};
PackedSequence<> sequences_of_256(std::uint64_t seed) {
  std::vector<Index> lengths;
  for (Index b = 0; b < 64; ++b) lengths.push_back(10 + 37 * b % 51);
  PackedSequence<> x;
  x.packing = Packing::from_lengths(lengths, 60);
  x.values.resize(256, x.packing.total());
  Rng rng(seed);
  for (Index k = 0; k < x.values.size(); ++k) x.values.data()[k] = static_cast<float>(rng.uniform(-1, 1));
  return x;
}
template <class M, class In>
void train_attention(benchmark::State& state, M model, const In& x, const Packing& p, double flops_of_step) {
  initialize(model, Rng(1), Scheme::pytorch());
  M gradient = zeros_like(model);
  CacheFor<M, In> cache;
  const PackedSequence<> dy = model.forward({.training = true}, x, cache);
  double steps = 0, pairs = 0, tokens = 0;
  for (const Index length : p.lengths) steps += double(length), pairs += double(length * length);
  for (auto _ : state) {
    model.forward({.training = true}, x, cache);
    model.backward(x, dy, cache, gradient);
    tokens += steps;
  }
  bench::report(state, tokens, tokens * 3 * (flops_of_step + 2 * 2 * 256 * pairs / steps));
}

}  // namespace

int main(int argc, char** argv) {
  batches_file = bench::take(argc, argv, "batches", "");
  set_threads(std::stoi(bench::take(argc, argv, "threads", "1")));
  const auto row = [](const char* name, auto f) {
    benchmark::RegisterBenchmark(name, f)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  const RecurrentOptions tied{.input_dropout = 0.2, .recurrent_dropout = 0.2},
      per_gate{.input_dropout = 0.2, .recurrent_dropout = 0.2, .per_gate = true};
  if (!batches_file.empty()) {
    const auto lstm = [&](const char* name, const RecurrentOptions& options) {
      row(name, [options](benchmark::State& s) {
        train(s, two_lstms(options), BinaryCrossEntropy{}, Adam{.rate = 1e-3}, lstm_flops);
      });
    };
    lstm("sentiment/lstm/train", {});
    lstm("sentiment/lstm-dropout/train", tied);
    lstm("sentiment/lstm-dropout-per-gate/train", per_gate);
    row("sentiment/bilstm/train", [](benchmark::State& s) {
      train(s, two_bidirectional_lstms(), CrossEntropy{}, Adam{.rate = 1e-3, .weight_decay = 1e-5}, bilstm_flops);
    });
    row("sentiment/lstm/inference", [](benchmark::State& s) { infer(s, two_lstms({}), lstm_flops); });
    row("sentiment/lstm/inference-folded", [](benchmark::State& s) { infer<true>(s, two_lstms({}), lstm_flops); });
    row("sentiment/bilstm/inference-folded",
        [](benchmark::State& s) { infer<true>(s, two_bidirectional_lstms(), bilstm_flops); });
    row("sentiment/bilstm/inference", [](benchmark::State& s) { infer(s, two_bidirectional_lstms(), bilstm_flops); });
  }
  row("words/lstm/train", [](benchmark::State& s) {
    train_words(s,
                Sequential{Embedding{10'000, 650}, Dropout{0.5},
                           Stack{Recurrent{Lstm{650, 650}}, Dropout{0.5}, Recurrent{Lstm{650, 650}}}, Dropout{0.5},
                           Dense{650, 10'000}},
                CrossEntropy{}, 2.0 * (2 * 4 * 650 * 1300 + 650 * 10'000));
  });
  row("words/lstm-tied/train",
      [](benchmark::State& s) { train_words(s, small_word_model(), HeadLoss{}, small_word_flops); });
  row("words/lstm-tied/generate-1", [](benchmark::State& s) { generate_words(s, 1); });
  row("words/lstm-tied/generate-32", [](benchmark::State& s) { generate_words(s, 32); });
  row("decoder/gru/train", train_decoder);
  for (const Index heads : {1, 8})
    row(("attention/dot-" + std::to_string(heads) + "/train").c_str(), [heads](benchmark::State& s) {
      const Inputs<PackedSequence<>, PackedSequence<>, PackedSequence<>> x{
          {sequences_of_256(1), sequences_of_256(2), sequences_of_256(3)}};
      train_attention(s, Attend{{}, {.heads = heads}}, x, std::get<0>(x.all).packing, 0);
    });
  row("attention/multi-head-8/train", [](benchmark::State& s) {
    const auto x = sequences_of_256(1);
    train_attention(s, AttendToItself{}, x, x.packing, 2. * 4 * 256 * 256);
  });
  benchmark::AddCustomContext("simd level", std::string(name(simd_level())));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
