#include <doctest/doctest.h>

#include <unroll/data/contiguous_batches.hpp>
#include <unroll/loss/cross_entropy.hpp>
#include <unroll/loss/mean_squared_error.hpp>

#include "classifier.hpp"

using unroll::Index;

namespace {

/// A model of a user's own: two layers in a struct, without Sequential.
struct Tagger {
  using Scalar = float;
  template <class In> requires std::same_as<In, unroll::TokenBatch>
  using Output = unroll::PackedSequence<float>;
  using State = unroll::Recurrent<unroll::Lstm<float>>::State;
  template <class In> struct Cache {
    unroll::Embedding<float>::Cache<In> embedding;
    unroll::Recurrent<unroll::Lstm<float>>::Cache<unroll::PackedSequence<float>> recurrent;
    unroll::Dense<float>::Cache<unroll::PackedSequence<float>> dense;
  };

  unroll::Embedding<float> embedding{10, 6};
  unroll::Recurrent<unroll::Lstm<float>> recurrent{unroll::Lstm{6, 8}};
  unroll::Dense<float> dense{8, 10};

  template <class In>
  const Output<In>& forward(const unroll::Context& context, const In& x, Cache<In>& c,
                            unroll::Carry<State> carry = {}) const {
    const auto& e = embedding.forward(context.child(0), x, c.embedding);
    return dense.forward(context.child(2), recurrent.forward(context.child(1), e, c.recurrent, carry), c.dense);
  }
  template <class In>
  unroll::Nothing backward(const In& x, const Output<In>& dy, Cache<In>& c, Tagger& gradient) const {
    const auto& dh = dense.backward(c.recurrent.output(), dy, c.dense, gradient.dense);
    return embedding.backward(x, recurrent.backward(c.embedding.output(), dh, c.recurrent, gradient.recurrent),
                              c.embedding, gradient.embedding);
  }
  void initialize(unroll::Rng rng, const unroll::Scheme& scheme) {
    embedding.initialize(rng.child(0), scheme);
    recurrent.initialize(rng.child(1), scheme);
    dense.initialize(rng.child(2), scheme);
  }
  template <class F, class... Self> static void visit(F&& f, const unroll::Path& at, Self&... self) {
    unroll::Embedding<float>::visit(f, at / "embedding", self.embedding...);
    unroll::Recurrent<unroll::Lstm<float>>::visit(f, at / "recurrent", self.recurrent...);
    unroll::Dense<float>::visit(f, at / "dense", self.dense...);
  }
};

}  // namespace

TEST_CASE("the loop that fit is made of, written out, gives the same bits as fit" * doctest::test_suite("bits")) {
  const auto data = make_data(70);
  Classifier by_fit = make_classifier(0.2), by_hand = make_classifier(0.2);
  unroll::fit(by_fit, unroll::BinaryCrossEntropy{}, unroll::Adam{.rate = 1e-2}, data,
              {.epochs = 2, .batch_size = 16, .seed = 9, .clip_norm = 0.5});

  unroll::CacheFor<Classifier, unroll::TokenBatch> cache;
  auto gradient = unroll::zeros_like(by_hand);
  unroll::Optimizer optimizer(by_hand, unroll::Adam{.rate = 1e-2});
  unroll::Batches batches(data, {.batch_size = 16, .seed = 9});
  unroll::TokenBatch batch;
  unroll::BatchTargets<float> targets;
  unroll::Matrix<float> d_logits;
  for (std::uint64_t epoch = 0, step = 0; epoch < 2; ++epoch) {
    batches.start_epoch(Index(epoch));
    for (Index k = 0; k < batches.count(); ++k, ++step) {
      data.fill(batches[k], batch);
      data.fill_targets(batches[k], batch.packing, targets);
      const unroll::Context context{.training = true, .seed = 9, .step = step};
      const auto& logits = by_hand.forward(context, batch, cache);
      unroll::binary_cross_entropy(logits, targets.labels, d_logits);
      by_hand.backward(batch, d_logits, cache, gradient);
      unroll::clip_by_global_norm(gradient, 0.5);
      const unroll::FlushDenormals flush;
      optimizer.step(by_hand, gradient);
      unroll::set_zero(gradient);
    }
  }
  CHECK(bits_of(by_hand) == bits_of(by_fit));
}

TEST_CASE("a step returns the loss before it, the norm before clipping, and leaves a gradient of zero") {
  const auto data = make_data(30);
  Classifier model = make_classifier();
  unroll::Workspace<Classifier, unroll::TokenBatch> work(model);
  unroll::Optimizer optimizer(model, unroll::Sgd{.rate = 1});
  unroll::TokenBatch x;
  unroll::BatchTargets<float> targets;
  const auto rows = unroll::split_tail(data.size(), 0).training;
  data.fill(rows, x);
  data.fill_targets(rows, x.packing, targets);
  const double before = unroll::evaluate(model, unroll::BinaryCrossEntropy{}, data).loss;
  const Classifier start = model;
  const auto result = unroll::train_step(model, unroll::BinaryCrossEntropy{}, optimizer, x, targets, work,
                                         {.training = true}, {.norm = 1e-3});
  CHECK(result.loss == doctest::Approx(before).epsilon(1e-6));
  CHECK(result.weight == 30);
  CHECK(result.count == 30);
  CHECK(result.gradient_norm > 1e-3);
  CHECK(result.clipped);
  CHECK(result.finite);
  CHECK(unroll::global_norm(work.gradient) == 0);
  // Plain descent at rate 1 moves the weights by the clipped gradient: by 1e-3 in all.
  double moved = 0;
  unroll::visit([&](const unroll::Path&, const auto& p, const auto& q) { moved += double((p - q).squaredNorm()); },
                model, start);
  CHECK(std::sqrt(moved) == doctest::Approx(1e-3).epsilon(1e-3));
}

TEST_CASE("a user's own model learns a language through streams, the state going from window to window") {
  // The next id is the last but three: without a state carried over windows of two steps it cannot be known.
  std::vector<std::int32_t> ids;
  unroll::Rng rng(2);
  for (int k = 0; k < 16; ++k) {
    const std::int32_t a = static_cast<std::int32_t>(rng.below(10)), b = static_cast<std::int32_t>(rng.below(10)),
                       c = static_cast<std::int32_t>(rng.below(10));
    for (int again = 0; again < 40; ++again) ids.insert(ids.end(), {a, b, c});
  }
  ids.push_back(0);
  const unroll::TokenStreams streams(ids, {.streams = 16, .window = 2});
  const auto last_loss = [&](bool carried) {
    Tagger model;
    unroll::initialize(model, unroll::Rng(3));
    unroll::Workspace<Tagger, unroll::TokenBatch> work(model);
    unroll::Optimizer optimizer(model, unroll::Adam{.rate = 1e-2});
    unroll::TokenBatch x;
    std::vector<Index> next;
    Tagger::State state;
    double sum = 0;
    unroll::Context context{.training = true};
    for (int epoch = 0; epoch < 30; ++epoch) {
      sum = 0;
      for (Index w = 0; w < streams.count(); ++w, ++context.step) {
        streams.fill(w, x, next);
        sum += unroll::train_step(model, unroll::CrossEntropy{}, optimizer, x, next, work, context, {.norm = 1},
                                  {carried && w > 0 ? &state : nullptr, &state})
                   .loss;
      }
    }
    return sum / static_cast<double>(streams.count());
  };
  CHECK(last_loss(true) < 0.5 * last_loss(false));
}

TEST_CASE("a loss that cannot take what the data set has says so") {
  Classifier model = make_classifier();
  CHECK_THROWS_WITH(unroll::fit(model, unroll::MeanSquaredError{}, unroll::Sgd{}, make_data(5)),
                    "fit: the data set has labels as targets, this loss takes numbers (a matrix, one column each)");
}

TEST_CASE("clipping with PyTorch's epsilon is clip_grad_norm_'s") {
  const auto data = make_data(30);
  Classifier model = make_classifier();
  unroll::Workspace<Classifier, unroll::TokenBatch> work(model);
  unroll::Optimizer optimizer(model, unroll::Sgd{.rate = 1});
  unroll::TokenBatch x;
  const auto rows = unroll::split_tail(data.size(), 0).training;
  data.fill(rows, x);
  const Classifier start = model;
  const auto result = unroll::train_step(model, unroll::BinaryCrossEntropy{}, optimizer, x, data.targets().labels, work,
                                         {.training = true}, {.norm = 1e-3, .epsilon = 0.5});
  double moved = 0;
  unroll::visit([&](const unroll::Path&, const auto& p, const auto& q) { moved += double((p - q).squaredNorm()); },
                model, start);
  CHECK(std::sqrt(moved) == doctest::Approx(1e-3 * result.gradient_norm / (result.gradient_norm + 0.5)).epsilon(1e-3));
}
