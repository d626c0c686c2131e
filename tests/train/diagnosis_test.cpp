// Networks that are made to be ill are found to be, and healthy ones are not.
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/layer/bidirectional.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/layer/stack.hpp>
#include <unroll/loss/mean_squared_error.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/train/diagnosis.hpp>

#include "../io/support.hpp"
#include "../support/sequences.hpp"

namespace diagnosis_test {

using namespace unroll;
using X = PackedSequence<float>;
constexpr Index D = 3, H = 12;

template <class C> auto last_of(const C& cell, RecurrentOptions options = {}) {
  Sequential model{FinalState{Recurrent{cell, options}}, Dense{H, 1}};
  initialize(model, Rng(2));
  return model;
}
template <class C> auto each_of(const C& cell) {
  Sequential model{Recurrent{cell}, Dense{H, 1}};
  initialize(model, Rng(2));
  return model;
}
/// Sequences of up to `steps` steps, one of them empty, one of a single step.
X sequences(Index steps, double scale = 1) {
  X x = random_sequences<float>(D, {steps, 1, steps - 2, 0, steps / 2}, steps);
  x.values *= static_cast<float>(scale);
  return x;
}
template <class M> Diagnosis diagnose_last(const M& model, const X& x) {
  return diagnose(model, MeanSquaredError{}, x, random_matrix<float>(1, x.packing.batch(), 3));
}
template <class M> Diagnosis diagnose_each(const M& model, const X& x) {
  return diagnose(model, MeanSquaredError{}, x, random_matrix<float>(1, x.packing.total(), 3));
}
bool finds(const Diagnosis& of, Ailment what) {
  for (const Finding& finding : of.findings())
    if (finding.what == what) return true;
  return false;
}
void check_healthy(const Diagnosis& of) {
  INFO(of.report());
  CHECK(of.findings().empty());
  CHECK(of.report().find("nothing is wrong") != std::string::npos);
}
bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("a recurrent matrix that is small lets gradients vanish") {
  auto model = last_of(Rnn{D, H});
  model.layer<0>().inner.cell.weight_hh *= 0.3F;  // 0.3^30 is 2e-16
  const Diagnosis of = diagnose_last(model, sequences(31));
  REQUIRE(of.layers.size() == 1);
  REQUIRE(of.findings().size() == 1);
  const Finding found = of.findings()[0];
  CHECK(found.what == Ailment::vanishing);
  CHECK(found.value < 1e-15);
  CHECK(found.limit == DiagnosisLimits().vanishing);
  CHECK(found.text.starts_with("0.weight_ih_l0 (Recurrent<Rnn>): gradients vanish: "));
  CHECK(mentions(found.text, "of what the loss asks for arrives 30 steps before the last"));
  CHECK(mentions(found.text, "a gated cell or a shorter window would help"));
  CHECK(of.layers[0].reach() <= 4);
  CHECK(of.report() == found.text + "\n");
  // A loss at every step asks each of them for something.
  auto each = each_of(Rnn{D, H});
  each.layer<0>().cell.weight_hh *= 0.3F;
  CHECK_FALSE(finds(diagnose_each(each, sequences(31)), Ailment::vanishing));
}

TEST_CASE("one that is large lets them explode, to no number at last") {
  auto model = last_of(ReluRnn{D, H});
  model.layer<0>().inner.cell.weight_hh *= 3.0F;
  const Diagnosis of = diagnose_last(model, sequences(31));
  INFO(of.report());
  CHECK(finds(of, Ailment::exploding));
  CHECK(mentions(of.report(), "gradients explode: "));
  CHECK(mentions(of.report(), "clipping their norm"));
  model.layer<0>().inner.cell.weight_hh *= 10.0F;
  CHECK(finds(diagnose_last(model, sequences(200)), Ailment::not_finite));
}

TEST_CASE("a forget gate that is shut forgets") {
  Sequential model{FinalState{Recurrent{Lstm{D, H}}}, Dense{H, 1}};
  initialize(model, Rng(2), {.forget_bias = -5});
  const Diagnosis of = diagnose_last(model, sequences(31));
  INFO(of.report());
  CHECK(finds(of, Ailment::gate_shut));
  CHECK(mentions(of.report(), "gate f is shut: 100 % of its values are below 0.1 and 0 % above 0.9"));
  CHECK(mentions(of.report(), "a larger forget bias would help"));
  CHECK(of.layers[0].gates[1].name == 'f');
  CHECK(of.layers[0].gates[1].mean < 0.02);
}

TEST_CASE("inputs that are large saturate gates and units") {
  const Diagnosis lstm = diagnose_each(each_of(Lstm{D, H}), sequences(20, 300));
  INFO(lstm.report());
  for (const char gate : {'i', 'f', 'o'}) CHECK(mentions(lstm.report(), concat_text("gate ", gate, " is saturated: ")));
  CHECK_FALSE(mentions(lstm.report(), "gate -"));
  CHECK(finds(diagnose_each(each_of(Rnn{D, H}), sequences(20, 300)), Ailment::saturated));
  auto open = each_of(Gru{D, H});
  open.layer<0>().bias_ih.topRows(H).setConstant(8);  // r
  CHECK(mentions(diagnose_each(open, sequences(20)).report(), "gate r is open: 0 % of its values are below 0.1"));
}

TEST_CASE("a unit that relu never lets through is dead") {
  auto model = each_of(ReluRnn{D, H});
  model.layer<0>().bias_ih.topRows(3).setConstant(-100);
  const Diagnosis of = diagnose_each(model, sequences(20));
  CHECK(of.layers[0].dead == doctest::Approx(0.25));
  CHECK(finds(of, Ailment::dead));
  CHECK(mentions(of.report(), "units are dead: 25 % have one value at all steps, more than 10 %"));
  CHECK_FALSE(finds(diagnose_each(each_of(ReluRnn{D, H}), sequences(20)), Ailment::dead));
}

TEST_CASE("networks as they start are healthy over the steps that they are meant for") {
  check_healthy(diagnose_last(last_of(Rnn{D, H}), sequences(10)));
  check_healthy(diagnose_last(last_of(Gru{D, H}), sequences(20)));
  check_healthy(diagnose_last(last_of(Lstm{D, H}), sequences(35)));
  check_healthy(diagnose_last(last_of(Lstm{D, H}, {.reverse = true}), sequences(35)));
  check_healthy(diagnose_each(each_of(Rnn{D, H}), sequences(60)));
  check_healthy(diagnose_each(each_of(Gru{D, H}), sequences(60)));
  check_healthy(diagnose_each(each_of(Lstm{D, H}), sequences(60)));
}

TEST_CASE("all layers of a model, by their names; and as they are trained") {
  Sequential model{FinalState{Stack{Bidirectional{Lstm{D, 6}}, Recurrent{Gru{H, H}}}}, Dense{H, 1}};
  initialize(model, Rng(2));
  const X x = sequences(12);
  const Matrix<float> y = random_matrix<float>(1, x.packing.batch(), 3);
  Optimizer optimizer(model, Adam{.rate = 1e-2});
  Workspace<decltype(model), X> work(model);
  for (std::uint64_t step = 0; step < 100; ++step) {
    if (step % 50 == 0) check_healthy(diagnose(model, MeanSquaredError{}, x, y));
    train_step(model, MeanSquaredError{}, optimizer, x, y, work, {.training = true, .step = step}, {.norm = 1});
  }
  const Diagnosis of = diagnose(model, MeanSquaredError{}, x, y);
  check_healthy(of);
  REQUIRE(of.layers.size() == 3);
  CHECK(of.layers[0].name == "0.weight_ih_l0");
  CHECK(of.layers[1].name == "0.weight_ih_l0_reverse");
  CHECK(of.layers[2].name == "0.weight_ih_l1");
  CHECK(of.layers[1].gradient_of.size() == 2);
  CHECK(of.layers[2].gradient_of.size() == 1);
  CHECK(of.layers[2].gradient.size() == 12);
}

TEST_CASE("norms by distance are means over the sequences that are as long") {
  RecurrentTrace trace;
  trace.who = "Recurrent<Rnn>";
  CHECK(message_of<std::invalid_argument>([&] { diagnose(trace); }) ==
        "diagnose: the trace of Recurrent<Rnn> is of a pass without a backward pass");
  const std::vector<Index> lengths{1, 3, 0};
  trace.packing =
      Packing::from_lengths(lengths, 3);  // columns: of the long one, of the short one, of the long one twice
  trace.states.assign(2, Matrix<double>::Constant(2, 4, 0.97));
  trace.d_states.assign(2, Matrix<double>::Zero(2, 4));
  trace.d_output = Matrix<double>::Zero(2, 4);
  trace.d_states[0].row(0) << 1, 2, 3, 4;
  trace.d_states[1].row(1) << 0, 0, 4, 3;
  const LayerDiagnosis ahead = diagnose(trace);
  REQUIRE(ahead.gradient.size() == 3);
  CHECK(ahead.gradient_of[0][0] == doctest::Approx(std::sqrt((4. * 4 + 2 * 2) / 2)));
  CHECK(ahead.gradient_of[1] == std::vector<double>{std::sqrt(4.5), 4, 0});
  CHECK(ahead.gradient[0] == doctest::Approx(std::sqrt((5. * 5 + 2 * 2) / 2)));
  CHECK(ahead.gradient[1] == doctest::Approx(5));
  CHECK(ahead.gradient[2] == doctest::Approx(1));
  CHECK(ahead.signal[0] == doctest::Approx(1));
  CHECK(ahead.signal[1] == doctest::Approx(1));
  CHECK(ahead.signal[2] == doctest::Approx(0.2));
  CHECK(ahead.reach(0.5) == 2);
  CHECK(ahead.reach() == 3);
  CHECK(ahead.saturated == 1);
  CHECK(ahead.dead == 1);
  CHECK(ahead.gates.empty());
  trace.d_output(1, 2) = -5;  // asked of the step before the last
  CHECK(diagnose(trace).signal[1] == doctest::Approx(0.5));
  CHECK(diagnose(trace).signal[2] == doctest::Approx(0.1));
  trace.reverse = true;
  CHECK(diagnose(trace).signal[2] == doctest::Approx(5. / 6));
  trace.d_output.setZero();
  CHECK(diagnose(trace).signal[2] == doctest::Approx(5));
  trace.d_states[0].setZero(), trace.d_states[1].setZero();
  CHECK(diagnose(trace).signal.empty());
}

}  // namespace diagnosis_test
