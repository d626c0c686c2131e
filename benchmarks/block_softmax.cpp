// A softmax over a large vocabulary, forward and backward: SoftmaxClassifier beside PyTorch's linear and cross_entropy
// (benchmarks/peers/pytorch_softmax.py), N columns of D features:
//   block_softmax --threads=1 --benchmark_filter=V:10000
#include <string>

#include <benchmark/benchmark.h>

#include <unroll/head/softmax_classifier.hpp>

#include "bench.hpp"

namespace {

using namespace unroll;

void softmax(benchmark::State& state) {
  const Index V = state.range(0), N = state.range(1), D = state.range(2);
  SoftmaxClassifier<float> head(D, V);
  initialize(head, Rng(1));
  SoftmaxClassifier<float> gradient = zeros_like(head);
  SoftmaxClassifier<float>::Scratch scratch;
  Matrix<float> h(D, N), dh;
  Rng rng(2);
  for (Index k = 0; k < h.size(); ++k) h.data()[k] = static_cast<float>(rng.uniform(-1, 1));
  std::vector<Index> labels;
  for (Index n = 0; n < N; ++n) labels.push_back(static_cast<Index>(rng.below(static_cast<std::uint64_t>(V))));
  const auto step = [&] {
    set_zero(gradient);
    return head.loss(h, labels, dh, gradient, scratch).loss;
  };
  double loss = step(), columns = 0;
  for (auto _ : state) {
    loss = step();
    columns += static_cast<double>(N);
  }
  bench::report(state, columns, columns * 3 * 2.0 * static_cast<double>(V * D));
  state.counters["loss"] = loss;
}
BENCHMARK(softmax)
    ->ArgNames({"V", "N", "D"})
    ->Args({10'000, 2048, 256})
    ->Args({100'000, 2048, 256})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  set_threads(std::stoi(bench::take(argc, argv, "threads", "1")));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
