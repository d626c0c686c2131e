// Jacobians of a step: against the equations and finite differences; norms of parameters along training.
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/layer_norm_lstm.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/projected_lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/optim/sgd.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/jacobian.hpp>
#include <unroll/train/parameter_norms.hpp>

#include "../io/support.hpp"
#include "../support/sequences.hpp"
#include "classifier.hpp"

namespace jacobian_test {

using namespace unroll;
using X = PackedSequence<double>;

/// A pass over x that asks for the final state alone.
template <class L> void pass(const L& layer, const X& x, RecurrentRecord& record) {
  CacheFor<L, X> cache;
  L gradient = zeros_like(layer);
  typename L::State final;
  layer.forward({.recurrent = &record}, x, cache, {nullptr, &final});
  layer.backward(x, Nothing{}, cache, gradient, {&final, nullptr});
}

template <class C> void check_differences(const C& cell, bool reverse) {
  Recurrent layer(cell, {.reverse = reverse});
  randomize(layer, Rng(3));
  INFO(layer.describe());
  const X x = random_sequences<double>(3, ragged_lengths(), 6);
  RecurrentRecord record;
  pass(layer, x, record);
  const RecurrentTrace& trace = record.of(layer);
  const Index t = reverse ? 1 : 3, j = 1, n = trace.packing.offset(t) + j, before = trace.before(t, j);
  const Matrix<double> jacobian = step_jacobian(layer, trace, t, j);
  const std::vector<Index> one{1};
  const X step{Matrix<double>(x.values.col(n)), Packing::from_lengths(one, 1)};
  Index column = 0;
  for (std::size_t s = 0; s < trace.states.size(); ++s)
    for (Index k = 0; k < trace.states[s].rows(); ++k, ++column) {
      const auto after = [&](double more) {
        typename Recurrent<C>::State from, to;
        for (std::size_t f = 0; f < trace.states.size(); ++f) from.fields[f] = trace.states[f].col(before);
        from.fields[s](k, 0) += more;
        CacheFor<Recurrent<C>, X> cache;
        layer.forward({}, step, cache, {&from, &to});
        return to;
      };
      const auto up = after(1e-6), down = after(-1e-6);
      for (std::size_t f = 0, row = 0; f < trace.states.size(); ++f)
        for (Index r = 0; r < trace.states[f].rows(); ++r, ++row)
          CHECK(jacobian(static_cast<Index>(row), column) ==
                doctest::Approx((up.fields[f](r, 0) - down.fields[f](r, 0)) / 2e-6).epsilon(1e-6));
    }
}

TEST_CASE("the Jacobian of a step is what small changes of its state become") {
  for (const bool reverse : {false, true}) {
    check_differences(Rnn<double>(3, 4), reverse);
    check_differences(Gru<double>(3, 4), reverse);
    check_differences(Lstm<double>(3, 4), reverse);
    check_differences(LayerNormLstm<double>(3, 4), reverse);
    check_differences(ProjectedLstm<double>(3, 4, 2), reverse);
  }
}

TEST_CASE("the product of a network that is linear at 0 is a power of its matrix") {
  Recurrent layer(Rnn<double>(3, 6));
  initialize(layer, Rng(1));  // U orthogonal
  layer.cell.weight_hh *= 0.9;
  X x = random_sequences<double>(3, {2, 9, 1, 0}, 9);
  x.values.setZero();
  RecurrentRecord record;
  CacheFor<decltype(layer), X> cache;
  auto gradient = zeros_like(layer);
  layer.forward({.recurrent = &record}, x, cache);
  layer.backward(x, random_sequences<double>(6, {2, 9, 1, 0}, 9), cache, gradient);
  const JacobiansOfSequence of = jacobians(layer, record.of(layer));
  REQUIRE(of.radius.size() == 8);
  REQUIRE(of.product.size() == 9);
  for (std::size_t k = 0; k < 8; ++k) CHECK(of.radius[k] == doctest::Approx(0.9));
  for (std::size_t k = 0; k < 9; ++k) CHECK(of.product[k] == doctest::Approx(std::pow(0.9, double(k))));
  CHECK(jacobians(layer, record.of(layer), 0, 3).product.size() == 4);
  CHECK(jacobians(layer, record.of(layer), 3).product == std::vector<double>{1});
  CHECK(message_of<std::invalid_argument>([&] { step_jacobian(layer, record.of(layer), 0, 0); }) ==
        "step_jacobian: step 0 is the first of sequence 0, expected one with a step before");
  CHECK(message_of<std::invalid_argument>([&] { step_jacobian(layer, record.of(layer), 3, 1); }) ==
        "step_jacobian: step 3 of sequence 1, expected one of the batch");
  const auto other = layer;
  CHECK(message_of<std::invalid_argument>([&] {
          jacobians(other, record.of(layer));
        }).starts_with("step_jacobian: the trace is of "));
}

TEST_CASE("radius and norm of matrices") {
  Matrix<double> turn(2, 2);
  turn << 0, -2, 2, 0;  // eigenvalues 2i and -2i
  CHECK(spectral_radius(turn) == doctest::Approx(2));
  Matrix<double> shear(2, 2);
  shear << 0, 3, 0, 0;
  CHECK(spectral_radius(shear) == doctest::Approx(0));
  CHECK(spectral_norm(shear) == doctest::Approx(3));
  shear *= 1e-200;
  CHECK(spectral_norm(shear) == doctest::Approx(3e-200).epsilon(1e-9));
  CHECK(spectral_norm(Matrix<double>::Zero(2, 2)) == 0);
  CHECK(message_of<std::invalid_argument>([] { spectral_radius(Matrix<double>::Zero(2, 3)); }) ==
        "spectral_radius: 2 x 3, expected a square");
}

TEST_CASE("norms of gradients, updates and weights of every parameter, along training") {
  Classifier model = make_classifier(0), plain = model;
  const ParameterNorms norms;
  const FitOptions<TokenDataset> how{.epochs = 2, .batch_size = 20};
  auto watched = how;
  watched.on_gradient = norms;
  watched.callbacks = norms;
  const auto data = make_data(60);
  const auto history = fit(model, BinaryCrossEntropy{}, Sgd{.rate = 0.1}, data, watched);
  fit(plain, BinaryCrossEntropy{}, Sgd{.rate = 0.1}, data, how);
  CHECK(bits_of(model) == bits_of(plain));
  double squares = 0;
  visit(
      [&](const Path& path, const auto& p) {
        const NormsOfParameter& of = norms.of(path.str());
        REQUIRE(of.gradient.size() == 6);
        CHECK(of.weights.back() == doctest::Approx(p.norm()).epsilon(1e-5));
        for (std::size_t k = 0; k < 6; ++k) CHECK(of.update[k] == doctest::Approx(0.1 * of.gradient[k]).epsilon(1e-3));
        for (std::size_t k = 3; k < 6; ++k) squares += of.gradient[k] * of.gradient[k];
      },
      model);
  CHECK(squares > 0);
  CHECK(message_of<std::invalid_argument>([&] {
          norms.of("none");
        }).starts_with("ParameterNorms: there is no parameter none among "));
  CHECK(history.epochs.size() == 2);
}

}  // namespace jacobian_test
