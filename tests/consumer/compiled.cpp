// A program with the compiled part, whatever its own flags: trains, saves, loads, streams; a cell of its own trains
// too.
#include <array>
#include <cmath>
#include <cstdio>
#include <span>
#include <vector>

#include <unroll/format/load_network.hpp>
#include <unroll/format/network_writer.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/unroll.hpp>

namespace {

/// h_t = h_(t-1) / 2 + x: a cell that the library has never seen.
struct Leaky : unroll::CellSize<float> {
  using CellSize<float>::CellSize;
  static constexpr int GX = 1, GU = 0, S = 1, C = 0;
  static constexpr std::string_view name = "Leaky";
  template <class V>
  UNROLL_INLINE static void forward(const std::array<V, 1>& x, const std::array<V, 0>&, const std::array<V, 1>& prev,
                                    std::array<V, 1>& next, std::array<V, 0>&) {
    next[0] = prev[0] * V(0.5F) + x[0];
  }
  template <class V>
  UNROLL_INLINE static void backward(const std::array<V, 1>&, const std::array<V, 1>&, const std::array<V, 0>&,
                                     const std::array<V, 1>& d_next, std::array<V, 1>& dx, std::array<V, 0>&,
                                     std::array<V, 1>& d_prev) {
    dx[0] = d_next[0];
    d_prev[0] = d_next[0] * V(0.5F);
  }
};

template <class C> double trained_loss(C cell, const unroll::SequenceDataset<float>& data) {
  unroll::Sequential model{unroll::FinalState{unroll::Recurrent{cell}}, unroll::Dense{8, 1}};
  unroll::initialize(model, unroll::Rng{1});
  return unroll::fit(model, unroll::MeanSquaredError{}, unroll::Adam{.rate = 1e-2}, data, {.epochs = 20, .seed = 1})
      .epochs.back()
      .training.loss;
}

}  // namespace

int main() {
  std::vector<Eigen::MatrixXf> inputs;
  Eigen::MatrixXf targets(1, 64);
  for (Eigen::Index k = 0; k < 64; ++k) {
    const auto now = 0.2F * static_cast<float>(k);
    inputs.push_back(Eigen::RowVectorXf::LinSpaced(12, now, now + 2.2F).array().sin());
    targets(0, k) = std::sin(now + 2.4F);
  }
  const unroll::SequenceDataset data(inputs, targets);
  const double gru = trained_loss(unroll::Gru{1, 8}, data), leaky = trained_loss(Leaky{1, 8}, data);

  unroll::Sequential amp{unroll::Recurrent{unroll::Lstm{1, 8}}, unroll::Dense{8, 1}};
  unroll::initialize(amp, unroll::Rng{2});
  unroll::save("consumer.safetensors", amp);
  const auto make = [](const unroll::ModelInfo&) {
    return unroll::Sequential{unroll::Recurrent{unroll::Lstm{1, 8}}, unroll::Dense{8, 1}};
  };
  const auto loaded = unroll::load_model(make, "consumer.safetensors");
  unroll::save_network("consumer_network.safetensors", unroll::load_network("consumer.safetensors"));
  unroll::stream::AnyModel stream(unroll::load_network("consumer_network.safetensors"));
  std::vector<float> x(40, 0.25F), y(40);
  stream.process(x, y);
  unroll::CacheFor<decltype(amp), unroll::PackedSequence<>> cache;
  const auto& together =
      loaded.model.forward({.gradients = false}, unroll::pack(Eigen::RowVectorXf::Constant(40, 0.25F)), cache);
  double largest = 0;
  for (Eigen::Index t = 0; t < 40; ++t)
    largest = std::fmax(largest, std::fabs(together.values(0, t) - y[static_cast<std::size_t>(t)]));
  std::printf("losses %.4f and %.4f, stream and layers differ by %.1e\n", gru, leaky, largest);
  return gru < 0.2 && leaky < 0.2 && largest < 1e-5 ? 0 : 1;
}
