// One recurrent layer, forward and forward + backward, for named sizes: the library beside a naive loop (the library's
// plain kernels, one number at a time) and a well-written plain-Eigen loop. FLOPs are those of the products:
// 2 G H (D + H) a step forward, three times as many with the backward. Every row's result is checked before it is
// timed. Rows called `stream` are one sample after the other, one input, H units, a dense layer with one output:
// seconds a sample in `per_sample`. cmake/benchmark.sh makes a table of all this.
//   cell_throughput --threads=1 --benchmark_filter='lstm.*H:128' --benchmark_enable_random_interleaving=true
// --sizes='256,256,32,100 64,64,1,100' (H, D, B, T) instead of the named ones; --level=plain, baseline, avx2 or avx512
// for the library; --recompute=K is RecurrentOptions::recompute_every; `cache MB` is what a layer's cache holds, its
// output and the gradient of its input apart.
#include <array>
#include <cmath>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/gru_reset_before.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/kernel/level.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/staged.hpp>
#include <unroll/stream/stream.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "bench.hpp"
#include "plain_eigen.hpp"

namespace {

using namespace unroll;
enum class Who { library, eigen, naive };
Index recompute_every = 0;
std::vector<std::vector<std::int64_t>> sizes;

/// 'H,D,B,T H,D,B,T ...'
std::vector<std::vector<std::int64_t>> parse(const std::string& text) {
  std::vector<std::vector<std::int64_t>> all;
  std::istringstream rows(text);
  for (std::string row; rows >> row;) {
    std::istringstream numbers(row);
    all.emplace_back();
    for (std::string number; std::getline(numbers, number, ',');) all.back().push_back(std::stoll(number));
  }
  return all;
}

SimdLevel level_called(const std::string& text) {
  for (const SimdLevel level : simd_levels)
    if (name(level) == text) return level;
  fail("--level=", text, ": expected plain, baseline, avx2 or avx512");
}

/// A cell that the library does not have, written as a user writes one: the minimal gated unit (Zhou et al. 2016).
///   f = sigmoid(x_f + u_f),  n = tanh(x_n + f * u_n),  h_t = h_{t-1} + f * (n - h_{t-1})
template <class T = float> struct MinimalGated : CellSize<T> {
  using CellSize<T>::CellSize;
  static constexpr int GX = 2, GU = 2, S = 1, C = 3;
  static constexpr bool same_ports = false;
  static constexpr std::string_view name = "MinimalGated";
  template <class V> using Two = std::array<V, 2>;
  template <class V> using State = std::array<V, 1>;
  template <class V> using Cached = std::array<V, 3>;

  template <class V>
  static void forward(const Two<V>& x, const Two<V>& u, const State<V>& prev, State<V>& next, Cached<V>& cache) {
    const V f = sigmoid(x[0] + u[0]);
    const V n = tanh(x[1] + f * u[1]);
    next = {prev[0] + f * (n - prev[0])};
    cache = {f, n, u[1]};
  }
  template <class V>
  static void backward(const State<V>& prev, const State<V>&, const Cached<V>& cache, const State<V>& d_next,
                       Two<V>& dx, Two<V>& du, State<V>& d_prev) {
    const auto [f, n, u_n] = cache;
    const V dh = d_next[0];
    const V da_n = dh * f * (1 - n * n);
    const V da_f = (dh * (n - prev[0]) + da_n * u_n) * f * (1 - f);
    dx = {da_f, da_n};
    du = {da_f, da_n * f};
    d_prev = {dh * (1 - f)};
  }
};

template <class C> struct Case {
  Recurrent<C> layer;
  PackedSequence<float> x, dy;
  plain_eigen::Weights weights;

  Case(Index H, Index D, Index B, Index T) : layer(C(D, H), {.recompute_every = recompute_every}) {
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
  const double flops = 2.0 * static_cast<double>(c.weights.U.size() + c.weights.W.size()) * (backward ? 3 : 1);
  bench::report(state, steps, steps * flops);
  Index kept = cache.gates.capacity();
  c.layer.cell.visit_columns([&](const auto& columns) { kept += columns.capacity(); }, cache.cell);
  for (std::size_t s = 0; s < C::S; ++s) kept += cache.states[s].capacity() + cache.saved[s].capacity();
  state.counters["cache MB"] = static_cast<double>(kept) * sizeof(float) / 1e6;
}

void with_sizes(benchmark::internal::Benchmark* b, bool naive) {
  b->ArgNames({"H", "D", "B", "T"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const auto& of : naive ? decltype(sizes){sizes.front()} : sizes) b->Args(of);
}

template <class C, class Eigens> void add(const std::string& cell) {
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

template <class C, Index H> void add_streams(const std::string& cell) {
  using Layers = stream::Sequential<stream::Recurrent<C, 1, H>, stream::Dense<H, 1>>;
  constexpr Index samples = 1024, block = 64;
  Sequential trained{Recurrent{C(1, H)}, Dense{H, 1}};
  randomize(trained, Rng(1), 1 / std::sqrt(static_cast<double>(H)));
  auto model = std::make_shared<stream::Stream<Layers>>();
  model->assign(trained);
  std::vector<float> x(samples);
  Rng rng(2);
  for (float& value : x) value = static_cast<float>(rng.uniform(-1, 1));
  const auto add_row = [&](const char* how, auto all) {
    const auto measure = [=](benchmark::State& state) {
      for (auto _ : state) all(*model, x);
      const double passed = static_cast<double>(samples) * static_cast<double>(state.iterations());
      state.counters["per_sample"] = {passed, benchmark::Counter::kIsRate | benchmark::Counter::kInvert};
    };
    benchmark::RegisterBenchmark((cell + "/stream/" + how + "/H:" + std::to_string(H)).c_str(), measure);
  };
  add_row("step", [](auto& stream, const std::vector<float>& in) {
    float sum = 0;
    for (const float value : in) sum += stream.step(value);
    benchmark::DoNotOptimize(sum);
  });
  add_row("process", [](auto& stream, const std::vector<float>& in) {
    std::array<float, block> out;
    for (std::size_t t = 0; t < in.size(); t += block) {
      stream.process(std::span(in).subspan(t, block), out);
      benchmark::DoNotOptimize(out.data());
    }
  });
}

template <class C, class Eigens> void add_all(const std::string& cell) {
  add<C, Eigens>(cell);
  add_streams<C, 20>(cell);
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(std::stoi(bench::take(argc, argv, "threads", "1")));
  sizes = parse(bench::take(argc, argv, "sizes",
                            "128,128,64,200 256,128,64,200 256,256,32,100 512,512,64,50 "
                            "650,650,20,35 64,64,16,100 32,32,1,1000"));
  set_simd_level(level_called(bench::take(argc, argv, "level", std::string(name(simd_level())))));
  recompute_every = std::stoi(bench::take(argc, argv, "recompute", "0"));
  add_all<Lstm<>, plain_eigen::Lstm>("lstm");
  add_all<Gru<>, plain_eigen::Gru>("gru");
  add_all<GruResetBefore<>, plain_eigen::GruResetBefore>("gru-reset-before");
  add_all<Rnn<>, plain_eigen::Rnn>("rnn");
  add_all<MinimalGated<>, plain_eigen::MinimalGated>("own");
  benchmark::AddCustomContext("simd level", std::string(name(simd_level())));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
