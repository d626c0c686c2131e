// Embedding, Dense, and whole classifiers with their loss against PyTorch's and Keras's.
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/loss/binary_cross_entropy.hpp>
#include <unroll/loss/cross_entropy.hpp>

#include "golden.hpp"

namespace {

using namespace unroll;
using L = Lstm<double>;

TokenBatch tokens(const Golden& golden, Index batch) {
  const auto ids = golden.integers<std::int32_t>("ids");
  TokenBatch x;
  x.packing = Packing::from_lengths(golden.integers("lengths"), static_cast<Index>(ids.size()) / batch);
  x.ids = pack_steps(std::span(ids), x.packing);
  return x;
}

/// The model's own loss: logits, loss and every gradient.
template <class Model, class Loss>
Matrix<double> check_model(const Golden& golden, Model model, const TokenBatch& x, const Loss& loss) {
  golden.load(model);
  CacheFor<Model, TokenBatch> cache;
  const Matrix<double> logits = model.forward({}, x, cache);
  check_close("logits", logits, golden.columns("logits"));
  const auto labels = golden.integers("labels");
  Matrix<double> d_logits;
  check_close("loss", loss(logits, labels, d_logits).loss, golden.number("loss"));
  Model gradient = zeros_like(model);
  model.backward(x, d_logits, cache, gradient);
  golden.check_parameters(gradient, "grad.");
  return std::get<Model::size - 2>(cache.layers).output();
}

}  // namespace

TEST_CASE("an embedding with a padding row is PyTorch's: the row stays without gradient, inside a sequence too") {
  const Golden golden("pytorch_embedding");
  Embedding<double> layer(11, 3, {.padding = 0});
  golden.load(layer);
  const auto x = tokens(golden, 4);
  CacheFor<Embedding<double>, TokenBatch> cache;
  const auto y = unpack(layer.forward({}, x, cache)), r = golden.columns("r.y");
  check_close("y", y, golden.columns("y"));
  check_close("loss", y.cwiseProduct(r).sum(), golden.number("loss"));
  auto gradient = zeros_like(layer);
  layer.backward(x, unpack_backward(r, x.packing), cache, gradient);
  golden.check_parameters(gradient, "grad.");
  golden.check_all_read();
}

TEST_CASE("a dense layer is PyTorch's Linear, per vector and per step") {
  const Golden golden("pytorch_linear");
  for (const std::string name : {"", "no_bias."}) {
    Dense<double> layer(3, 4, {.bias = name.empty()});
    golden.load(layer, name);
    CacheFor<Dense<double>, Matrix<double>> cache;
    auto gradient = zeros_like(layer);
    const auto x = golden.columns(name + "x");
    check_close(name + "y", layer.forward({}, x, cache), golden.columns(name + "y"));
    check_close(name + "grad.x", layer.backward(x, golden.columns(name + "r.y"), cache, gradient),
                golden.columns(name + "grad.x"));
    golden.check_parameters(gradient, name + "grad.");
  }
  Dense<double> layer(3, 4);
  golden.load(layer, "sequence.");
  CacheFor<Dense<double>, PackedSequence<double>> cache;
  auto gradient = zeros_like(layer);
  const auto padded = golden.columns("sequence.x");
  const auto packing = Packing::from_lengths(std::vector<Index>(5, 7), 7);
  const auto x = pack(batch_first(padded.data(), 5, 7, 3), packing);
  check_close("sequence.y", unpack(layer.forward({}, x, cache)), golden.columns("sequence.y"));
  const auto dy = unpack_backward(golden.columns("sequence.r.y"), packing);
  check_close("sequence.grad.x", unpack(layer.backward(x, dy, cache, gradient)), golden.columns("sequence.grad.x"));
  golden.check_parameters(gradient, "sequence.grad.");
  golden.check_all_read();
}

TEST_CASE("a classifier's logits, loss and gradients are PyTorch's") {
  const Embedding<double> embedding(13, 3, {.padding = 0});
  SUBCASE("one layer, forward") {
    const Golden golden("pytorch_classifier");
    const auto last = check_model(golden, Sequential(embedding, FinalState(Recurrent(L(3, 6))), Dense<double>(6, 4)),
                                  tokens(golden, 5), CrossEntropy{});
    check_close("last", last, golden.columns("last"));
    golden.check_all_read();
  }
  SUBCASE("two layers in both directions") {
    const Golden golden("pytorch_classifier_bidirectional");
    const Stack stack(Bidirectional(L(3, 6)), Bidirectional(L(12, 6)));
    const auto last = check_model(golden, Sequential(embedding, FinalState(stack), Dense<double>(12, 4)),
                                  tokens(golden, 5), CrossEntropy{});
    check_close("last", last, golden.columns("last"));
    golden.check_all_read();
  }
}

TEST_CASE("a classifier of masked ids is Keras's: the mask reaches every layer, row 0 of the embedding is a row") {
  const Golden golden("keras_classifier");
  const RecurrentOptions single{.bias = Bias::single};
  const auto x = pack(golden.integers<std::int32_t>("ids"), 5, 0);
  CHECK(x.packing == Packing::from_mask(golden.integers<std::uint8_t>("mask"), 5, 7));
  check_model(golden,
              Sequential(Embedding<double>(13, 3), Recurrent(L(3, 6), single), FinalState(Recurrent(L(6, 4), single)),
                         Dense<double>(4, 1)),
              x, BinaryCrossEntropy{});
  golden.check_all_read();
}
