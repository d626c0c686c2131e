// Nanoseconds per sample of a stream: a recurrent layer and a dense layer with one output, batch 1, one thread.
//   fixed/LSTM/D:1/H:20/process    sizes known to the compiler, blocks of 64 samples (step: one call a sample)
//   int16/LSTM/D:1/H:128/process   the same with weights of 16 bits
//   any/LSTM/D:1/H:20/process      the same network given to stream::AnyModel
//   any/../dynamic:1               .. and kept from its compiled sizes, by a second dense layer of one weight
// Read the column "per_sample".
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <unroll/core/random.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/network/model.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/network_data.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/sequential.hpp>
#include <unroll/stream/stream.hpp>

namespace {

using namespace unroll;

constexpr Index samples = 1024, block = 64;

std::vector<float> random_values(Index n, double scale) {
  static Rng rng(1);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values) v = static_cast<float>(rng.uniform(-scale, scale));
  return values;
}
Matrix<float> random_matrix(Index rows, Index cols, double scale) {
  const auto values = random_values(rows * cols, scale);
  return Eigen::Map<const Eigen::MatrixXf>(values.data(), rows, cols);
}

Network network_of(const LayerKind* cell, Index D, Index H, bool dynamic) {
  const double scale = 1 / std::sqrt(double(H));
  const Index G = describe_layer({cell}).gates;
  NetworkLayer w{cell};
  w.tensors["weight_ih"] = random_matrix(G * H, D, scale);
  w.tensors["weight_hh"] = random_matrix(G * H, H, scale);
  w.tensors["bias_ih"] = random_matrix(G * H, 1, scale);
  w.tensors["bias_hh"] = random_matrix(G * H, 1, scale);
  Network network;
  network.layers = {w, NetworkLayer{&layer_kind<DenseKind>,
                                    {{"weight", random_matrix(1, H, scale)}, {"bias", random_matrix(1, 1, scale)}}}};
  if (dynamic)
    network.layers.push_back(NetworkLayer{&layer_kind<DenseKind>, {{"weight", Matrix<float>::Constant(1, 1, 1.f)}}});
  return network;
}

/// f runs all samples once.
template <class F> void measure(benchmark::State& state, const F& f) {
  for (auto _ : state) {
    f();
    benchmark::ClobberMemory();
  }
  state.counters["per_sample"] = benchmark::Counter(double(samples) * double(state.iterations()),
                                                    benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
template <class S> void process(benchmark::State& state, S& stream, Index D) {
  const auto x = random_values(samples * D, 1);
  std::vector<float> y(static_cast<std::size_t>(samples));
  measure(state, [&] {
    for (Index t = 0; t < samples; t += block)
      stream.process(std::span(x).subspan(std::size_t(t * D), std::size_t(block * D)),
                     std::span(y).subspan(std::size_t(t), std::size_t(block)));
    benchmark::DoNotOptimize(y.data());
  });
}

template <template <class> class C, Index D, Index H, class Stored = float>
void add_fixed(const std::string& cell, const LayerKind* kind) {
  using Layer = stream::Recurrent<C<float>, D, H, stream::Accurate, Stored>;
  using Model = stream::Stream<stream::Sequential<Layer, stream::Dense<H, 1>>>;
  const Network network = network_of(kind, D, H, false);
  const auto model = std::make_shared<Model>();
  const auto& head = network.layers[1];
  model->model().template layer<0>().set(detail::data_of<Layer::S>(network.layers[0]));
  model->model().template layer<1>().set(detail::span_of(head.tensor("weight")), detail::span_of(head.tensor("bias")));
  model->reset();
  const std::string name = (std::is_same_v<Stored, float> ? "fixed/" : "int16/") + cell + "/D:" + std::to_string(D) +
                           "/H:" + std::to_string(H);
  benchmark::RegisterBenchmark((name + "/process").c_str(),
                               [model](benchmark::State& state) { process(state, *model, D); });
  benchmark::RegisterBenchmark((name + "/step").c_str(), [model](benchmark::State& state) {
    const auto x = random_values(samples * D, 1);
    measure(state, [&] {
      float sum = 0;
      for (Index t = 0; t < samples; ++t)
        if constexpr (D == 1)
          sum += model->step(x[std::size_t(t)]);
        else
          sum += model->step(std::span<const float, std::size_t(D)>(x.data() + t * D, std::size_t(D)));
      benchmark::DoNotOptimize(sum);
    });
  });
}
void add_any(const std::string& cell, const LayerKind* kind, Index D, Index H, bool dynamic) {
  const auto model = std::make_shared<stream::AnyModel>(network_of(kind, D, H, dynamic));
  const std::string name = "any/" + cell + "/D:" + std::to_string(D) + "/H:" + std::to_string(H) + "/process";
  benchmark::RegisterBenchmark((name + (dynamic ? "/dynamic:1" : "")).c_str(),
                               [model, D](benchmark::State& state) { process(state, *model, D); });
}
/// h = 0.9 h from 1 on, without input: soon all of it is denormal, or, flushed, zero. Beside it the same with input.
void add_decay(bool decays) {
  using Layer = stream::Recurrent<ReluRnn<>, 1, 32>;
  const auto model = std::make_shared<stream::Stream<stream::Sequential<Layer>>>();
  const std::vector<float> W(32, 1.f), h(32, 1.f);
  std::vector<float> U(32 * 32, 0.f);
  for (std::size_t k = 0; k < 32; ++k) U[33 * k] = 0.9f;
  Layer::Data data{W, U};
  data.initial[0] = h;
  model->model().layer<0>().set(data);
  benchmark::RegisterBenchmark(decays ? "decay/RNN/H:32/process" : "decay/RNN/H:32/process/with_input:1",
                               [model, decays](benchmark::State& state) {
                                 const std::vector<float> x(std::size_t(samples), decays ? 0.f : 1.f);
                                 std::vector<float> y(32 * x.size());
                                 model->reset();
                                 measure(state, [&] { model->process(x, y); });
                               });
}
template <template <class> class C> void add_cell(const std::string& cell, const LayerKind* kind) {
  [&]<Index... H>(std::integer_sequence<Index, H...>) {
    (add_fixed<C, 1, H>(cell, kind), ...);
  }(std::integer_sequence<Index, 8, 12, 16, 20, 24, 32, 40, 64, 128>());
  add_fixed<C, 16, 64>(cell, kind);
  add_fixed<C, 128, 64>(cell, kind);
  add_fixed<C, 16, 128>(cell, kind);
  add_fixed<C, 128, 128>(cell, kind);
  add_fixed<C, 1, 128, std::int16_t>(cell, kind);
  add_fixed<C, 128, 128, std::int16_t>(cell, kind);
  for (const Index H : {8, 12, 16, 20, 24, 32, 40, 64}) add_any(cell, kind, 1, H, false);
  for (const Index H : {8, 12, 16, 20, 24, 32, 40, 64, 128}) add_any(cell, kind, 1, H, true);
  for (const Index H : {64, 128}) add_any(cell, kind, 16, H, true);
}

}  // namespace

int main(int argc, char** argv) {
  add_cell<Lstm>("LSTM", &layer_kind<LstmKind>);
  add_cell<Gru>("GRU", &layer_kind<GruKind>);
  add_decay(true);
  add_decay(false);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
