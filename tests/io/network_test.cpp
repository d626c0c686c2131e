#include <limits>

#include <doctest/doctest.h>

#include <unroll/network/library_kinds.hpp>
#include <unroll/network/run.hpp>

#include "support.hpp"

using namespace unroll;

namespace {

Matrix<float> numbers(Index rows, Index cols) {
  Matrix<float> m(rows, cols);
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = 0.5f * std::sin(1.3f * float(k + rows));
  return m;
}
NetworkLayer recurrent(const LayerKind* cell, Index D, Index H) {
  const Index G = describe_layer({cell}).gates;
  NetworkLayer w{cell};
  w.tensors["weight_ih"] = numbers(G * H, D);
  w.tensors["weight_hh"] = numbers(G * H, H);
  w.tensors["bias_ih"] = numbers(G * H, 1);
  return w;
}
NetworkLayer dense(Index inputs, Index outputs) {
  return {&layer_kind<DenseKind>, {{"weight", numbers(outputs, inputs)}, {"bias", numbers(outputs, 1)}}};
}

/// LSTM 2 -> 3, bidirectional GRU 3 -> 8, dense 8 -> 2, tanh.
Network sound() {
  Network network;
  network.layers = {recurrent(&layer_kind<LstmKind>, 2, 3),
                    NetworkLayer{&layer_kind<BidirectionalKind>,
                                 {},
                                 {},
                                 {recurrent(&layer_kind<GruKind>, 3, 4), recurrent(&layer_kind<GruKind>, 3, 4)}},
                    dense(8, 2), NetworkLayer{&layer_kind<TanhKind>}};
  return network;
}
template <class Change> std::string flaw(const Change& change) {
  Network network = sound();
  change(network);
  return message_of<std::invalid_argument>([&] { validate(network); });
}
auto& lstm_of(Network& network) { return network.layers[0]; }

}  // namespace

TEST_CASE("a sound network knows its inputs and outputs") {
  Network network = sound();
  validate(network);
  CHECK(network.inputs() == 2);
  CHECK(network.outputs() == 2);
  CHECK_FALSE(network.has_final_state());
  CHECK_FALSE(network.takes_tokens());
  network.layers.front() = NetworkLayer{&layer_kind<EmbeddingKind>, {{"weight", numbers(3, 7)}}};
  network.layers[1].options["final_state"] = true;
  CHECK(network.inputs() == 1);
  CHECK(network.has_final_state());
  CHECK(network.takes_tokens());
}

TEST_CASE("the first flaw of a network is named with its layer") {
  check_mentions(flaw([](auto& n) { lstm_of(n).tensors["weight_ih"] = numbers(11, 2); }),
                 {"network: layer 0 (lstm): weight_ih is 11 x 2, expected 12 x 2"});
  check_mentions(flaw([](auto& n) { lstm_of(n).tensors["weight_hh"] = numbers(9, 3); }),
                 {"weight_hh is 9 x 3, expected 12 x 3"});
  check_mentions(flaw([](auto& n) { lstm_of(n).tensors["bias_hh"] = numbers(3, 1); }),
                 {"bias_hh is 3 x 1, expected 12 x 1"});
  check_mentions(flaw([](auto& n) { lstm_of(n).tensors["initial_c"] = numbers(4, 1); }),
                 {"initial_c is 4 x 1, expected 3 x 1"});
  check_mentions(flaw([](auto& n) {
                   lstm_of(n).tensors["bias_hh"] = lstm_of(n).tensors["bias_ih"];
                   lstm_of(n).tensors["bias_ih"] = {};
                 }),
                 {"a bias_hh without a bias_ih"});
  check_mentions(flaw([](auto& n) { lstm_of(n).tensors["bias_ih"](5, 0) = std::numeric_limits<float>::quiet_NaN(); }),
                 {"layer 0 (lstm): element 5 of bias_ih is not a finite number"});
  check_mentions(flaw([](auto& n) { lstm_of(n).options["final_state"] = true; }),
                 {"layer 1 (bidirectional gru): nothing recurrent"});
  check_mentions(flaw([](auto& n) { n.layers[1].parts[1] = recurrent(&layer_kind<GruKind>, 3, 5); }),
                 {"its directions differ: gru 3 -> 4 and gru 3 -> 5"});
  check_mentions(flaw([](auto& n) { n.layers[1].options["merge"] = "sum"; }),
                 {"layer 2 (dense): it takes 8 values, the layer before gives 4"});
  check_mentions(flaw([](auto& n) { n.layers[2].tensors["bias"] = numbers(3, 1); }), {"bias is 3 x 1"});
  check_mentions(flaw([](auto& n) { n.layers[3].tensors["slope"] = numbers(2, 1); }), {"tanh has no slope"});
  check_mentions(flaw([](auto& n) { n.layers.erase(n.layers.begin(), n.layers.begin() + 3); }),
                 {"cannot begin with it"});
  check_mentions(
      flaw([](auto& n) { n.layers[2] = NetworkLayer{&layer_kind<EmbeddingKind>, {{"weight", numbers(3, 3)}}}; }),
      {"not the first layer"});
  check_mentions(flaw([](auto& n) { n.layers.clear(); }), {"a network without layers"});
  check_mentions(flaw([](auto& n) { n.input_gain = std::numeric_limits<double>::infinity(); }),
                 {"input_gain is inf, expected -1e+06 to 1e+06"});
  check_mentions(flaw([](auto& n) {
                   n.skip = true;
                   n.layers[2] = dense(8, 3);
                 }),
                 {"skip adds 2 inputs to 3 outputs of every step"});
  check_mentions(flaw([](auto& n) { n.test.output = numbers(2, 4); }),
                 {"the test vector's input is 0 x 0, expected 2 x 0"});
  check_mentions(flaw([](auto& n) { n.test.input = numbers(2, 4); }), {"the test vector has no output"});
}

TEST_CASE("gains and skip surround the layers") {
  Network network = sound();
  Matrix<double> x(2, 6);
  for (Index k = 0; k < x.size(); ++k) x.data()[k] = std::cos(double(k));
  const Matrix<double> twice = 2 * x, alone = run_network(network, twice);
  network.skip = true;
  network.input_gain = 2;
  network.output_gain = 0.25;
  CHECK((run_network(network, x) - 0.25 * (alone + twice)).cwiseAbs().maxCoeff() < 1e-14);
}

TEST_CASE("a reversed sequence through a reversed layer is the sequence through the layer") {
  Network network;
  network.layers = {recurrent(&layer_kind<GruResetBeforeKind>, 2, 3)};
  Matrix<double> x(2, 5);
  for (Index k = 0; k < x.size(); ++k) x.data()[k] = std::cos(double(k));
  const Matrix<double> y = run_network(network, x), mirrored = x.rowwise().reverse();
  network.layers[0].options["reverse"] = true;
  CHECK((run_network(network, mirrored) - Matrix<double>(y.rowwise().reverse())).cwiseAbs().maxCoeff() < 1e-14);
  network.layers[0].options["final_state"] = true;
  CHECK((run_network(network, mirrored) - Matrix<double>(y.col(4))).cwiseAbs().maxCoeff() < 1e-14);
}

TEST_CASE("a test vector is made up where there is none, and holds only for its network") {
  Network network = sound();
  check_test(network);
  add_test(network);
  CHECK(network.test.output.cols() == 32);
  check_test(network);
  const NetworkTest before = network.test;
  add_test(network);
  CHECK(network.test.output == before.output);
  lstm_of(network).tensors["weight_hh"](4, 1) += 0.25f;
  check_mentions(message_of([&] { check_test(network); }), {"does not give its test vector: output", "of the largest"});
}
