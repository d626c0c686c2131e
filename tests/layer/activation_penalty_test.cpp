// The penalties of activations: their values, their gradient, and what is added where a batch is a part of one.
#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/core/batch_size.hpp>
#include <unroll/layer/activation_penalty.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"

using namespace unroll;

namespace {

using Penalty = ActivationPenalty<double>;
constexpr Context in_training{.training = true, .seed = 2};

/// The gradient of the penalty alone: that of an output whose own gradient is zero.
template <class M, class In> M gradient_of_penalty(const M& model, const In& x, const Context& context) {
  CacheFor<M, In> cache;
  auto dy = model.forward(context, x, cache);
  values(dy).setZero();
  M gradient = zeros_like(model);
  model.backward(x, dy, cache, gradient);
  return gradient;
}
template <class M> double largest_difference(const M& a, const M& b) {
  double worst = 0;
  visit([&](const Path&, const auto& p, const auto& q) { worst = std::max(worst, (p - q).cwiseAbs().maxCoeff()); }, a,
        b);
  return worst;
}

}  // namespace

TEST_CASE("the penalty is a mean of squares, and of squared changes within a sequence") {
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);  // 1, 6, 0 and 4 steps
  const auto h = unpack(x);
  double squares = 0, changes = 0;
  for (const Index b : {0, 1, 3})
    for (Index t = 0; t < ragged_lengths()[static_cast<std::size_t>(b)]; ++t) {
      squares += h.col(b * 6 + t).squaredNorm();
      if (t > 0) changes += (h.col(b * 6 + t) - h.col(b * 6 + t - 1)).squaredNorm();
    }
  CHECK(Penalty{{.activation = 2}}.penalty(x) == doctest::Approx(2 * squares / (3 * 11)));
  CHECK(Penalty{{.temporal = 3}}.penalty(x) == doctest::Approx(3 * changes / (3 * 8)));
  CHECK(Penalty{{.activation = 2, .temporal = 3}}.penalty(x) ==
        doctest::Approx(2 * squares / (3 * 11) + 3 * changes / (3 * 8)));
  CHECK(Penalty{{.activation = 2}}.penalty(x.values) == doctest::Approx(2 * squares / (3 * 11)));
  CHECK(Penalty{{.temporal = 3}}.penalty(random_sequences<double>(3, {1, 0, 1}, 6)) == 0);
  CHECK(Penalty{{.activation = 1, .temporal = 1}}.penalty(random_sequences<double>(3, {0, 0}, 6)) == 0);
}

TEST_CASE("backward adds the gradient of the penalty to that of the output") {
  const auto check = [](auto model, const auto& x, const Penalty& penalty) {
    randomize(model, Rng(4));
    const auto found = gradient_of_penalty(model, x, in_training);
    auto moved = model;
    CacheFor<decltype(model), PackedSequence<double>> cache;
    visit(
        [&](const Path& path, auto& p, const auto& d) {
          CAPTURE(path.str());
          for (Index k = 0; k < p.size(); ++k) {
            double& w = p.data()[k];
            const double before = w, step = 1e-5;
            const auto value = [&](double at) {
              w = at;
              return penalty.penalty(moved.forward({}, x, cache));
            };
            const double expected = (value(before + step) - value(before - step)) / (2 * step);
            w = before;
            REQUIRE(std::abs(d.data()[k] - expected) < 1e-8);
          }
        },
        moved, found);
    CHECK(largest_difference(found, zeros_like(model)) > 1e-3);
    // Nothing of it where nobody trains, and the forward pass is the identity.
    CHECK(largest_difference(gradient_of_penalty(model, x, {}), zeros_like(model)) == 0);
  };
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  for (const ActivationPenaltyOptions& options :
       {ActivationPenaltyOptions{.activation = 2}, ActivationPenaltyOptions{.temporal = 1},
        ActivationPenaltyOptions{.activation = 0.5, .temporal = 2}})
    check(Sequential{Recurrent{Gru<double>{3, 4}}, Penalty{options}}, x, Penalty{options});
  check(Sequential{FinalState{Recurrent{Gru<double>{3, 4}}}, Penalty{{.activation = 2}}}, x,
        Penalty{{.activation = 2}});
}

TEST_CASE("forward is the identity, which costs nothing in inference") {
  const auto x = random_sequences<double>(3, ragged_lengths(), 6);
  const Penalty layer{{.activation = 2, .temporal = 1}};
  CacheFor<Penalty, PackedSequence<double>> cache;
  CHECK(layer.forward(in_training, x, cache).values == x.values);
  CHECK(&layer.forward({.gradients = false}, x, cache) == &x);
  CHECK(cache.y.values.size() == 0);
  CHECK(layer.describe() == "ActivationPenalty of 2, temporal of 1");
}

TEST_CASE("the penalties of parts add up to that of the whole batch, whatever their lengths") {
  const std::vector<Index> lengths{5, 6, 0, 1, 4};
  const auto padded = random_matrix<double>(3, 30, 9);
  const auto rows = [&](Index first, Index n) {
    return pack(batch_first(padded.data() + first * 18, n, 6, 3),
                std::span(lengths).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n)));
  };
  const auto check = [&](auto model) {
    randomize(model, Rng(4));
    const auto whole = gradient_of_penalty(model, rows(0, 5), in_training);
    auto parts = zeros_like(model);
    const BatchSize size(rows(0, 5).packing);
    for (const auto& [first, n] : {std::pair<Index, Index>{0, 1}, {1, 2}, {3, 2}}) {
      Context context = in_training;
      context.share = BatchSize(rows(first, n).packing).share_of(size);
      const auto some = gradient_of_penalty(model, rows(first, n), context);
      visit([](const Path&, auto& to, const auto& d) { to += d; }, parts, some);
    }
    CHECK(largest_difference(whole, parts) < 1e-12);
    CHECK(largest_difference(whole, zeros_like(model)) > 1e-3);
  };
  check(Sequential{Recurrent{Gru<double>{3, 4}}, Penalty{{.activation = 2}}});
  check(Sequential{Recurrent{Gru<double>{3, 4}}, Penalty{{.temporal = 1}}});
  check(Sequential{FinalState{Recurrent{Gru<double>{3, 4}}}, Penalty{{.activation = 2}}});
}
