// Both dropouts of a recurrent layer as Gal and Ghahramani 2016 (one mask for all gates) and Keras (one per gate)
// define them. No fixture: the masks cannot be a framework's. The layer's own are taken from its cache and the
// equations written out around them.
#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/testing/check_gradient.hpp>

#include "../support/sequences.hpp"
#include "golden.hpp"

namespace {

using namespace unroll;
using Vector = Eigen::VectorXd;
constexpr Index inputs = 3, units = 4;
constexpr double rate = 0.4;

Vector sigmoids(const Vector& a) { return (1 / (1 + (-a.array()).exp())).matrix(); }

/// x and u hold W_g (m_g * x) + b_g and U_g (m_g * h) + b_hg, gate below gate.
void step(Lstm<double>, const Vector& x, const Vector& u, Vector& h, Vector& c) {
  const Vector a = x + u;
  const Vector i = sigmoids(a.head(units)), f = sigmoids(a.segment(units, units)), o = sigmoids(a.tail(units));
  c = f.cwiseProduct(c) + i.cwiseProduct(Vector(a.segment(2 * units, units).array().tanh()));  // c is never dropped
  h = o.cwiseProduct(Vector(c.array().tanh()));
}
void step(Gru<double>, const Vector& x, const Vector& u, Vector& h, Vector&) {
  const Vector r = sigmoids(x.head(units) + u.head(units)),
               z = sigmoids(x.segment(units, units) + u.segment(units, units));
  const Vector n = (x.tail(units) + r.cwiseProduct(u.tail(units))).array().tanh();
  h = n + z.cwiseProduct(h - n);  // z * h takes the bare h
}

template <class C> void check(bool per_gate) {
  CAPTURE(per_gate);
  using L = Recurrent<C>;
  L layer(C(inputs, units), {.input_dropout = rate, .recurrent_dropout = rate, .per_gate = per_gate});
  randomize(layer, Rng(3));
  const auto x = random_sequences<double>(inputs, {2, 6, 4}, 6);
  const auto& packing = x.packing;
  typename L::State start;
  for (auto& field : start.fields) field = random_matrix<double>(units, 3, 8);
  CacheFor<L, PackedSequence<double>> cache;
  const auto y = unpack(layer.forward({.training = true, .seed = 11}, x, cache, {&start, nullptr}));
  const auto padded_x = unpack(x);

  constexpr Index gates = C::GX;
  REQUIRE(cache.mask.count == (per_gate ? gates : 1));
  Index dropped = 0;
  for (Index j = 0; j < packing.batch(); ++j) {
    const Index b = packing.row(j);
    Vector h = start.fields[0].col(b), c = start.fields.back().col(b);
    for (Index t = 0; t < packing.length(j); ++t) {
      Vector of_x = layer.bias_ih.col(0), of_h = layer.cell.bias_hh.col(0);
      for (Index g = 0; g < gates; ++g) {
        const Vector mask_x = cache.input.mask.gate(int(g))->col(j), mask_h = cache.mask.gate(int(g))->col(j);
        for (const Vector& mask : {mask_x, mask_h})
          for (const double m : mask) {
            CHECK((m == 0 || m == doctest::Approx(1 / (1 - rate))));
            dropped += m == 0 ? 1 : 0;
          }
        of_x.segment(g * units, units) +=
            layer.weight_ih.middleRows(g * units, units) * mask_x.cwiseProduct(padded_x.col(b * 6 + t));
        of_h.segment(g * units, units) += layer.cell.weight_hh.middleRows(g * units, units) * mask_h.cwiseProduct(h);
      }
      step(C(inputs, units), of_x, of_h, h, c);
      check_close("h", y.col(b * 6 + t), h);
    }
  }
  CHECK(dropped > 0);
}

}  // namespace

TEST_CASE("a sequence keeps its masks at all its steps, on what W and U multiply and on nothing else") {
  SUBCASE("LSTM, one mask for all gates") { check<Lstm<double>>(false); }
  SUBCASE("LSTM, a mask for each gate") { check<Lstm<double>>(true); }
  SUBCASE("GRU, one mask for all gates") { check<Gru<double>>(false); }
  SUBCASE("GRU, a mask for each gate") { check<Gru<double>>(true); }
}
