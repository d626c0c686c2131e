// Streams, called wrongly: while samples pass nothing throws, so what does not fit gives zeros or is not taken.
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/lstm.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/layer_norm.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/network/model.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/dense.hpp>
#include <unroll/stream/embedding.hpp>
#include <unroll/stream/function.hpp>
#include <unroll/stream/handover.hpp>
#include <unroll/stream/recurrent.hpp>
#include <unroll/stream/sequential.hpp>
#include <unroll/stream/stream.hpp>

namespace misuse_stream {

namespace s = unroll::stream;
using unroll::Embedding, unroll::Index, unroll::Lstm, unroll::Rng;

#define CHECK_REFUSED(expression, text) \
  CHECK_THROWS_WITH_AS(static_cast<void>(expression), doctest::Contains(text), std::invalid_argument)

template <class... Ls> auto initialized(Ls... layers) {
  unroll::Sequential model{layers...};
  unroll::initialize(model, Rng(1));
  return model;
}
s::AnyModel numbers(Index inputs, Index units = 5) {
  return s::AnyModel(unroll::network_of(initialized(unroll::Recurrent{Lstm{inputs, units}}, unroll::Dense{units, 1})));
}

TEST_CASE("a step or a block of the wrong kind gives zeros and leaves the state") {
  s::AnyModel two = numbers(2);
  const auto before = two.snapshot();
  CHECK(two.step(1) == 0);
  std::vector<float> y(3, 7);
  const std::vector<std::int32_t> ids{1, 2, 3};
  two.process(ids, y);
  CHECK(y == std::vector<float>(3, 0));
  CHECK(two.snapshot() == before);

  s::AnyModel text(
      unroll::network_of(initialized(Embedding{9, 3}, unroll::Recurrent{Lstm{3, 5}}, unroll::Dense{5, 1})));
  CHECK(text.step(1) == 0);
  const std::vector<float> x(3, 1);
  y.assign(3, 7);
  text.process(x, y);
  CHECK(y == std::vector<float>(3, 0));
  const std::vector<std::int32_t> wrong{-1, 9, std::numeric_limits<std::int32_t>::max()};
  text.process(wrong, y);
  for (const float value : y) CHECK(std::isfinite(value));
}

TEST_CASE("blocks of odd sizes run as many steps as both have room for") {
  s::AnyModel two = numbers(2);
  std::vector<float> x(7, 0.5F), y(9, 7);
  two.process(x, y);
  for (std::size_t k = 0; k < y.size(); ++k) CHECK((y[k] == 7) == (k >= 3));
  two.process(std::span<const float>(), y);
  two.process(x, std::span<float>());
  two.prewarm(-5);
  two.prewarm(0);
}

TEST_CASE("a snapshot of another model is not taken, by save nor by restore") {
  s::AnyModel model = numbers(1), other = numbers(1, 17);
  CHECK(model.step(0.5F) != 0);
  const auto before = model.snapshot();
  auto foreign = other.snapshot();
  const auto kept = foreign;
  CHECK_FALSE(model.restore(foreign));
  CHECK_FALSE(model.restore({}));
  CHECK_FALSE(model.save(foreign));
  CHECK(foreign == kept);
  CHECK(model.snapshot() == before);
  auto own = before;
  CHECK(model.save(own));
  CHECK(model.restore(own));
}

TEST_CASE("a stream of no samples, or of weights that do not fit, stays as it is") {
  s::Stream<s::Sequential<s::Recurrent<Lstm<>, 2, 8>, s::Dense<8, 1>>> amp;
  CHECK_REFUSED(amp.assign(initialized(unroll::Recurrent{Lstm{2, 9}}, unroll::Dense{9, 1})),
                "the trained layer has 2 inputs and 9 units, expected 2 and 8");
  auto model = initialized(unroll::Recurrent{Lstm{2, 8}}, unroll::Dense{8, 1});
  model.layer<0>().weight_ih = unroll::Matrix<float>::Zero(3, 3);
  CHECK_REFUSED(amp.assign(model), "weight_ih has 9 elements, expected 64");
  std::vector<float> x(5, 0.5F), y(1, 7);
  amp.process(std::span<const float>(), y);
  CHECK(y[0] == 7);
  amp.process(x, y);
  CHECK(y[0] == 0);
  amp.prewarm(-3);
  CHECK_REFUSED((s::Embedding<4>(std::span<const float>(x))), "5 elements, expected a multiple of 4");
  CHECK_REFUSED((s::Embedding<4>(std::span<const float>())), "0 elements");
  s::Stream<s::Function<unroll::LayerNorm<>, 3>> norm;
  CHECK_REFUSED(norm.assign(unroll::LayerNorm{4}), "tensor 0 of layer_norm has 4 elements, expected 3");
}

TEST_CASE("an offer of nothing takes the last one back") {
  s::Handover<int> empty(nullptr);
  CHECK(empty.get() == nullptr);
  s::Handover<int> handover(std::make_unique<int>(1));
  handover.offer(std::make_unique<int>(2));
  handover.offer(nullptr);
  CHECK(*handover.get() == 1);
  handover.offer(std::make_unique<int>(3));
  CHECK(*handover.get() == 3);
  handover.collect();
  handover.collect();
}

#undef CHECK_REFUSED
}  // namespace misuse_stream
