// The measurements of docs/bptt.md.
#include <cmath>
#include <cstdio>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/data/contiguous_batches.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/optim/clip.hpp>
#include <unroll/train/fit.hpp>

using namespace unroll;

namespace {

void begin(const char* region) { std::printf("// endregion\n// region %s\n", region); }

constexpr Index D = 4, H = 32;

// region distance
/// |dL/ds| for the state s that was k steps before, where L is one direction of h, of length 1: how much of what is
/// learned now arrives k steps ago.
template <class C> double gradient_across(const Recurrent<C>& layer, Index k) {
  const std::vector<Index> lengths{k};
  PackedSequence<double> x{Matrix<double>(D, k), Packing::from_lengths(lengths, k)};
  Rng rng(7);
  for (Index n = 0; n < x.values.size(); ++n) x.values.data()[n] = 0.1 * rng.normal();

  CacheFor<Recurrent<C>, PackedSequence<double>> cache;
  typename Recurrent<C>::State now, before;
  layer.forward({}, x, cache, {nullptr, &now});
  for (auto& field : now.fields) field.setZero();  // from here on gradients: dL/dh at the end ..
  now.fields[0].setConstant(1 / std::sqrt(double(H)));
  Recurrent<C> gradient = zeros_like(layer);
  layer.backward(x, Nothing{}, cache, gradient, {&now, &before});  // .. and of the state k steps before

  double squares = 0;
  for (const auto& field : before.fields) squares += field.squaredNorm();
  return std::sqrt(squares);
}
// endregion

}  // namespace

int main() {
  begin("distance");
  // region table
  Recurrent damped{Rnn<double>{D, H}};
  initialize(damped, Rng(1));  // W: Glorot, U: orthogonal, so all singular values of U are 1
  Recurrent growing = damped;
  damped.cell.weight_hh *= 0.9;   // spectral radius 0.9
  growing.cell.weight_hh *= 1.5;  // spectral radius 1.5

  Recurrent forgetting{Lstm<double>{D, H}}, keeping = forgetting;
  initialize(forgetting, Rng(1));                   // forget bias 1: f is about 0.73
  initialize(keeping, Rng(1), {.forget_bias = 5});  // f is about 0.993

  std::printf("  steps   RNN 0.9   RNN 1.5  LSTM f=0.73  LSTM f=0.993\n");
  for (const Index k : {1, 2, 5, 10, 20, 50, 80, 100})
    std::printf("%7ld  %8.1e  %8.1e  %11.1e  %12.1e\n", long(k), gradient_across(damped, k),
                gradient_across(growing, k), gradient_across(forgetting, k), gradient_across(keeping, k));
  // endregion

  begin("windows");
  // region windows
  std::vector<std::int32_t> ids;  // 0 1 2 3 4 0 1 2 3 4 ..: after 4 comes 0
  for (std::int32_t k = 0; k < 801; ++k) ids.push_back(k % 5);
  const TokenStreams streams(ids, {.streams = 4, .window = 10});

  Sequential model{Embedding{5, 8}, Recurrent{Gru{8, 16}}, Dense{16, 5}};
  initialize(model, Rng(3));
  const auto untrained = model;
  Optimizer optimizer(model, Adam{.rate = 1e-2});
  Workspace<decltype(model), TokenBatch> work(model);
  decltype(model)::State state;  // a value of the caller's: the model has none
  TokenBatch x;
  std::vector<Index> next;
  std::uint64_t step = 0;
  for (int epoch = 0; epoch < 4; ++epoch) {
    double loss = 0;
    for (Index window = 0; window < streams.count(); ++window) {
      streams.fill(window, x, next);
      loss += train_step(model, CrossEntropy{}, optimizer, x, next, work, {.training = true, .step = step++},
                         {.norm = 1}, {window == 0 ? nullptr : &state, &state})
                  .loss;
    }
    loss /= static_cast<double>(streams.count());
    std::printf("epoch %d: mean loss %s 0.1\n", epoch + 1, loss < 0.1 ? "below" : "above");
  }
  // endregion

  begin("streams");
  // region streams
  auto fitted = untrained;
  fit(fitted, CrossEntropy{}, Adam{.rate = 1e-2}, streams, {.epochs = 4, .clip_norm = 1});
  const bool same = fitted.layer<2>().weight == model.layer<2>().weight;
  std::printf("as by hand: %s\n", same ? "yes" : "no");
  // endregion

  begin("clip");
  // region clip
  Dense gradient{1, 1};  // any model's gradient
  gradient.weight << 6;
  gradient.bias << 8;
  const double norm = clip_by_global_norm(gradient, 5.0);
  std::printf("norm %.0f before, the gradient now %.0f and %.0f\n", norm, gradient.weight(0, 0), gradient.bias(0, 0));
  // endregion
}
