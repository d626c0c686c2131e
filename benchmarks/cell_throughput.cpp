// One recurrent layer, forward and forward + backward, for named sizes: the library beside a naive loop (the library's
// plain kernels, one number at a time) and a well-written plain-Eigen loop. FLOPs are those of the products:
// 2 G H (D + H) a step forward, three times as many with the backward. Every row's result is checked before it is
// timed.
//   cell_throughput --threads=1 --benchmark_filter='lstm.*H:128' --benchmark_enable_random_interleaving=true
#include <benchmark/benchmark.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "bench.hpp"
#include "plain_eigen.hpp"

namespace {

using namespace unroll;
enum class Who { library, eigen, naive };

template <class C> struct Case {
  Recurrent<C> layer;
  PackedSequence<float> x, dy;
  plain_eigen::Weights weights;

  Case(Index H, Index D, Index B, Index T) : layer(C(D, H)) {
    randomize(layer, Rng(1), 1 / std::sqrt(static_cast<double>(H)));
    weights = {layer.weight_ih, layer.cell.weight_hh, layer.bias_ih, layer.cell.bias_hh};
    const std::vector<Index> lengths(std::size_t(B), T);
    x.packing = dy.packing = Packing::from_lengths(lengths, T);
    Rng rng(2);
    x.values = Eigen::MatrixXf::NullaryExpr(D, B * T, [&] { return static_cast<float>(rng.uniform(-1, 1)); });
    dy.values = Eigen::MatrixXf::NullaryExpr(H, B * T, [&] { return static_cast<float>(rng.uniform(-1, 1)); });
  }
};

bool close(const Eigen::Ref<const Eigen::MatrixXf>& a, const Eigen::Ref<const Eigen::MatrixXf>& b) {
  return (a - b).cwiseAbs().maxCoeff() <= 1e-3f * b.cwiseAbs().maxCoeff();
}

template <class C, class Eigens, Who who, bool backward> void run(benchmark::State& state) {
  const Index H = state.range(0), D = state.range(1), B = state.range(2), T = state.range(3);
  Case<C> c(H, D, B, T);
  const FlushDenormals flush;
  CacheFor<Recurrent<C>, PackedSequence<float>> cache;
  auto gradient = zeros_like(c.layer);
  Eigens eigen(c.weights, B, T);
  const Eigen::MatrixXf x = c.x.values, dy = c.dy.values;
  const auto library = [&] {
    c.layer.forward({.training = true, .gradients = backward}, c.x, cache);
    if (backward) c.layer.backward(c.x, c.dy, cache, gradient);
  };
  const auto baseline = [&] {
    eigen.forward(x);
    if (backward) eigen.backward(x, dy);
  };
  const SimdLevel best = simd_level();
  library();
  baseline();
  if (!close(cache.y.values, eigen.h.rightCols(B * T)) ||
      (backward && (!close(gradient.weight_ih, eigen.d.W) || !close(gradient.cell.weight_hh, eigen.d.U) ||
                    !close(cache.dx.values, eigen.dx)))) {
    state.SkipWithError("the library and plain Eigen disagree");
    return;
  }
  if (who == Who::naive) set_simd_level(SimdLevel::plain);
  for (auto _ : state) {
    if (who == Who::eigen)
      baseline();
    else
      library();
    set_zero(gradient);
  }
  set_simd_level(best);
  const double steps = static_cast<double>(B * T) * static_cast<double>(state.iterations());
  const double flops = 2.0 * C::GX * static_cast<double>(H * (D + H)) * (backward ? 3 : 1);
  bench::report(state, steps, steps * flops);
}

template <class C, class Eigens> void add(const std::string& cell) {
  const auto with_sizes = [](benchmark::internal::Benchmark* b, bool naive) {
    b->ArgNames({"H", "D", "B", "T"})->Unit(benchmark::kMillisecond)->UseRealTime();
    b->Args({128, 128, 64, 200});
    if (!naive)
      for (const auto& sizes : std::vector<std::vector<std::int64_t>>{{256, 128, 64, 200},
                                                                      {256, 256, 32, 100},
                                                                      {512, 512, 64, 50},
                                                                      {650, 650, 20, 35},
                                                                      {64, 64, 16, 100},
                                                                      {32, 32, 1, 1000}})
        b->Args(sizes);
  };
  const auto name = [&](const char* who, const char* what) { return cell + "/" + who + "/" + what; };
  with_sizes(benchmark::RegisterBenchmark(name("unroll", "forward").c_str(), run<C, Eigens, Who::library, false>),
             false);
  with_sizes(benchmark::RegisterBenchmark(name("eigen", "forward").c_str(), run<C, Eigens, Who::eigen, false>), false);
  with_sizes(benchmark::RegisterBenchmark(name("naive", "forward").c_str(), run<C, Eigens, Who::naive, false>), true);
  with_sizes(
      benchmark::RegisterBenchmark(name("unroll", "forward+backward").c_str(), run<C, Eigens, Who::library, true>),
      false);
  with_sizes(benchmark::RegisterBenchmark(name("eigen", "forward+backward").c_str(), run<C, Eigens, Who::eigen, true>),
             false);
  with_sizes(benchmark::RegisterBenchmark(name("naive", "forward+backward").c_str(), run<C, Eigens, Who::naive, true>),
             true);
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(std::stoi(bench::take(argc, argv, "threads", "1")));
  add<Lstm<>, plain_eigen::Lstm>("lstm");
  add<Gru<>, plain_eigen::Gru>("gru");
  add<Rnn<>, plain_eigen::Rnn>("rnn");
  benchmark::AddCustomContext("simd level", std::string(name(simd_level())));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
