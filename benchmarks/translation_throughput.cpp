// An encoder-decoder model: training steps with clipping and Adam, and 1,000 sentences decoded, greedily and by a beam
// of 5. The rows are those of benchmarks/peers/pytorch_translation.py:
//   translation_throughput --threads=1 --benchmark_filter=translation/train
// Decoding forbids the end, so that both sides write 30 tokens for each sentence, whatever their weights are.
#include <span>
#include <string>

#include <benchmark/benchmark.h>

#include <unroll/layer/encoder_decoder.hpp>
#include <unroll/train/train_step.hpp>
#include <unroll/train/translate.hpp>
#include <unroll/unroll.hpp>

#include "bench.hpp"

namespace {

using namespace unroll;

constexpr Index words = 8000, units = 256, batch = 64;
constexpr double of_source = 2. * 2 * 4 * (units / 2) * (units + units / 2),
                 of_target = 2. * (4 * units * 2 * units + 2 * units * units + units * words);  // FLOPs of a token

/// A bidirectional LSTM reads, an LSTM writes, and looks back by the product of its states with what was read.
struct Translator : EncoderDecoder<Translator> {
  Embedding<> source{words, units}, target{words, units};
  Bidirectional<Lstm<>> encoder{Lstm{units, units / 2}};
  Dense<> bridge{units, units}, mix{2 * units, units};
  Tanh<> tanh;
  Recurrent<Lstm<>> decoder{Lstm{units, units}};
  SoftmaxClassifier<> head{units, words};
  UNROLL_PARTS(source, target, encoder, bridge, mix, tanh, decoder, head)

  auto encode(Wiring& run, Node<TokenBatch> x) const {
    const auto read = run(encoder, run(source, x));
    const auto start = initial_state(decoder, run(tanh, run(bridge, final_output(read))));
    return std::tuple{Node<PackedSequence<>>(read), start};
  }
  auto decode(Wiring& run, const auto& encoded, Node<TokenBatch> y) const {
    const auto& [read, start] = encoded;
    const auto h = run(decoder, run(target, y), from(start));
    return run(head, run(tanh, run(mix, concat_rows(h, dot_attention(h, read)))));
  }
};

/// 10 to 30 tokens each, the first of a target being its begin.
std::vector<std::vector<std::int32_t>> sentences(Index count, Index step) {
  Rng rng(static_cast<std::uint64_t>(step));
  std::vector<std::vector<std::int32_t>> all;
  for (Index b = 0; b < count; ++b) {
    all.emplace_back();
    for (Index t = 0; t < 10 + step * b % 21; ++t)
      all.back().push_back(4 + static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(words - 4))));
  }
  return all;
}

void train(benchmark::State& state) {
  Translator model;
  initialize(model, Rng(1), Scheme::pytorch());
  const PairDataset data(sentences(batch, 8), sentences(batch, 11));
  std::vector<Index> rows(batch);
  for (Index b = 0; b < batch; ++b) rows[static_cast<std::size_t>(b)] = b;
  PairDataset::Batch x;
  BatchTargets<float> targets;
  data.fill(rows, x);
  data.fill_targets(rows, x, targets);
  Optimizer optimizer(model, Adam{.rate = 1e-3});
  Workspace<Translator, PairDataset::Batch> work(model);
  std::uint64_t step = 0;
  const auto one = [&] {
    return train_step(model, HeadLoss{}, optimizer, x, targets, work, {.training = true, .seed = 1, .step = step++},
                      {.norm = 1});
  };
  if (!one().finite) return state.SkipWithError("the loss is no number");
  const auto read = static_cast<double>(std::get<0>(x.all).packing.total()),
             written = static_cast<double>(std::get<1>(x.all).packing.total());
  double steps = 0;
  for (auto _ : state) one(), steps += 1;
  bench::report(state, steps * written, steps * 3 * (read * of_source + written * of_target));
}

void decode(benchmark::State& state, Index width) {
  constexpr Index count = 1000, tokens = 30;
  Translator model;
  initialize(model, Rng(1), Scheme::pytorch());
  const auto sources = sentences(count, 8);
  const TranslateOptions options{.width = width,
                                 .max_ratio = 0,
                                 .max_more = tokens,
                                 .forbidden = {Vocabulary::pad, TextEncoding::bos, TextEncoding::eos},
                                 .batch_size = batch};
  double read = 0, runs = 0;
  for (const auto& source : sources) read += static_cast<double>(source.size());
  for (auto _ : state) {
    if (translate(model, std::span(sources), options).front().front().ids.size() != tokens)
      return state.SkipWithError("a text has another length");
    runs += 1;
  }
  const auto written = static_cast<double>(count * tokens);
  bench::report(state, runs * written, runs * (read * of_source + written * static_cast<double>(width) * of_target));
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(std::stoi(bench::take(argc, argv, "threads", "1")));
  const auto row = [](const char* name, auto f) {
    benchmark::RegisterBenchmark(name, f)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  row("translation/train", train);
  row("translation/greedy", [](benchmark::State& s) { decode(s, 1); });
  row("translation/beam-5", [](benchmark::State& s) { decode(s, 5); });
  benchmark::AddCustomContext("simd level", std::string(name(simd_level())));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
