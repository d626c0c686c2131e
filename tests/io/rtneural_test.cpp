#include <doctest/doctest.h>

#include <unroll/format/guitarml.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/format/network_json.hpp>
#include <unroll/format/rtneural.hpp>
#include <unroll/network/run.hpp>

#include "networks.hpp"

using unroll::Network;

TEST_CASE("a file of RTNeural gives what Keras computed") {
  for (const std::string name : {"rtneural_lstm", "rtneural_gru"})
    check_computes(unroll::read_rtneural(io_file(name + ".json")), "keras", name);
}

TEST_CASE("a file of AIDA-X has its skip, its gains in decibels, its rate and a test vector without gains") {
  const Network network = unroll::read_rtneural(io_file("rtneural_aidax.json"));
  check_computes(network, "keras", "rtneural_aidax");
  CHECK(network.skip);
  CHECK(network.input_gain == doctest::Approx(std::pow(10, 3.5 / 20)));
  CHECK(network.output_gain == doctest::Approx(std::pow(10, -6.0 / 20)));
  CHECK(network.sample_rate == 44100);
  CHECK(network.metadata.at("name") == "made up");
  CHECK(network.metadata.at("esr") == "0.0125");
  CHECK(network.test.output.cols() == 40);
}

TEST_CASE("a file of AIDA-X whose test vector does not come out is refused") {
  const auto wrong = [](const auto& change) { return refusal("rtneural_aidax.json", change); };
  check_mentions(wrong([](auto& j) { j["output_batch"][7] = 0.5; }), {"changed", "test vector", "at step 7"});
  check_mentions(wrong([](auto& j) { j["in_skip"] = 0; }), {"does not give its test vector"});
  check_mentions(wrong([](auto& j) { std::swap(j["layers"][0]["weights"][2][0], j["layers"][0]["weights"][2][6]); }),
                 {"does not give its test vector"});
  check_mentions(wrong([](auto& j) { j.erase("input_batch"); }), {"no 'input_batch'"});
  check_mentions(wrong([](auto& j) { j["input_batch"].erase(3); }),
                 {"the test vector's output is 1 x 40, expected 1 x 39"});
}

TEST_CASE("the inputs beside the first are 0 in a test vector of samples") {
  auto json = json_file("rtneural_gru.json");
  Network network = unroll::read_rtneural(io_file("rtneural_gru.json"));
  network.test.input = unroll::Matrix<float>::Zero(2, 5);
  network.test.input.row(0).setLinSpaced(-1, 1);
  network.test.output = unroll::detail::run_test_input(network).cast<float>();
  json["input_batch"] = {-1, -0.5, 0, 0.5, 1};
  json["output_batch"] = unroll::detail::json_rows(unroll::detail::transposed(network.test.output));
  CHECK(network_of_text(json.dump()).test.input == network.test.input);
}

TEST_CASE("what RTNeural's reader wrote it reads again") {
  const TemporaryFolder folder;
  for (const std::string name : {"rtneural_lstm.json", "rtneural_gru.json", "rtneural_aidax.json"}) {
    CAPTURE(name);
    const Network network = unroll::read_rtneural(io_file(name));
    unroll::save_rtneural(folder / "again.json", network);
    const Network again = unroll::read_rtneural(folder / "again.json");
    check_same_network(network, again);
    CHECK(again.test.output.cols() == (network.test.empty() ? 32 : network.test.output.cols()));
  }
}

TEST_CASE("the two biases of an LSTM are written as their sum, those of a GRU apart") {
  const TemporaryFolder folder;
  for (const std::string name : {"guitarml_lstm.json", "guitarml_gru.json"}) {
    const Network network = unroll::read_guitarml(io_file(name));
    unroll::save_rtneural(folder / "other.json", network);
    check_same_network(network, unroll::read_rtneural(folder / "other.json"));
  }
}

TEST_CASE("layers that RTNeural has and this library has not are refused by name") {
  check_mentions(message_of([] { unroll::read_rtneural(io_file("rtneural_conv1d.json")); }),
                 {"rtneural_conv1d.json", "layers[0].type", "'conv1d' is not a recurrent layer this library has"});
  check_mentions(refusal("rtneural_lstm.json", [](auto& j) { j["layers"][1]["type"] = "batchnorm"; }),
                 {"layers[1].type", "'batchnorm' is not a recurrent layer this library has"});
  check_mentions(refusal("rtneural_lstm.json", [](auto& j) { j["layers"][1]["type"] = "unknown"; }), {"'unknown'"});
}

TEST_CASE("a file of RTNeural that does not fit together says where") {
  const auto wrong = [](const auto& change) { return refusal("rtneural_gru.json", change); };
  check_mentions(wrong([](auto& j) { j["layers"][1]["shape"][2] = 5; }),
                 {"layers[1].weights[0]", "row 0 is an array of 12, expected 15 numbers"});
  check_mentions(wrong([](auto& j) { j["layers"][1]["weights"][0].erase(0); }), {"it has 2 rows, expected 3"});
  check_mentions(wrong([](auto& j) { j["in_shape"][2] = 3; }), {"layers[0].weights[0]", "it has 2 rows, expected 3"});
  check_mentions(wrong([](auto& j) { j["layers"][1]["weights"].erase(2); }), {"it has 2 arrays, expected 3"});
  check_mentions(wrong([](auto& j) { j["layers"][1]["weights"].push_back({1}); }), {"it has 4 arrays, expected 3"});
  check_mentions(wrong([](auto& j) { j["layers"][1]["weights"][1][2][3] = nullptr; }), {"element 27 is null"});
  check_mentions(wrong([](auto& j) { j["layers"][1]["weights"][1][2][3] = 1e39; }), {"is not a finite float"});
  check_mentions(wrong([](auto& j) { j["layers"][1]["activation"] = "relu"; }), {"got 'relu', expected tanh"});
  check_mentions(wrong([](auto& j) { j["layers"][0]["activation"] = "gelu"; }),
                 {"the activation 'gelu', expected tanh"});
  check_mentions(wrong([](auto& j) { j["layers"][1]["units"] = 4; }), {"nothing here has a place for 'units'"});
  check_mentions(wrong([](auto& j) { j["dilations"] = {1, 2}; }), {"nothing here has a place for 'dilations'"});
  check_mentions(wrong([](auto& j) { j["in_skip"] = 2; }), {"in_skip: got 2, expected 0 to 1"});
  check_mentions(wrong([](auto& j) { j["in_skip"] = 1; }), {"skip adds 2 inputs to 3 outputs"});
  check_mentions(wrong([](auto& j) { j["layers"] = nlohmann::json::array(); }), {"a network without layers"});
  check_mentions(wrong([](auto& j) { j["in_shape"] = {nullptr, 8, 8, 1}; }), {"in_shape: it has 4 numbers"});
  check_mentions(wrong([](auto& j) { j["in_shape"][2] = -1; }), {"in_shape[2]: got -1"});
  check_mentions(wrong([](auto& j) { j["in_shape"][2] = 1u << 30; }), {"in_shape[2]: got 1073741824"});
}

TEST_CASE("numbers around the layers have a range") {
  const auto wrong = [](const auto& change) { return refusal("rtneural_lstm.json", change); };
  for (const double gain : {800.0, -121.0, 1e300}) {
    check_mentions(wrong([&](auto& j) { j["in_gain"] = gain; }), {"in_gain: got ", ", expected -120 to 120"});
    check_mentions(wrong([&](auto& j) { j["out_gain"] = gain; }), {"out_gain: got ", ", expected -120 to 120"});
  }
  CHECK(network_of_text([] {
          auto json = json_file("rtneural_lstm.json");
          json["in_gain"] = 120;
          return json.dump();
        }())
            .input_gain == doctest::Approx(1e6));
  for (const nlohmann::json& rate : {nlohmann::json(0), nlohmann::json("-48000"), nlohmann::json(1e9)}) {
    check_mentions(wrong([&](auto& j) { j["metadata"]["samplerate"] = rate; }), {"samplerate: got", "Hz, expected 1"});
    check_mentions(wrong([&](auto& j) {
                     j.erase("metadata");
                     j["samplerate"] = rate;
                   }),
                   {"samplerate: got", "Hz, expected 1"});
  }
  check_mentions(wrong([](auto& j) {
                   j["in_shape"] = {nullptr, 8, 8, 1};
                   j["layers"][1]["type"] = "conv2d";
                 }),
                 {"layers[1].type: 'conv2d' is not a recurrent layer"});
}

TEST_CASE("a long test vector is checked where it begins") {
  const auto with = [](unroll::Index wrong_step) {
    Network network = unroll::read_rtneural(io_file("rtneural_lstm.json"));
    network.test = {};
    unroll::add_test(network, 6000);
    network.test.output(0, wrong_step) += 1;
    return message_of([&] { unroll::check_test(network); });
  };
  CHECK(with(5999) == "");
  check_mentions(with(1023), {"output 0 at step 1023"});
}

TEST_CASE("a GRU with one row of biases is the other GRU, which RTNeural does not compute") {
  check_mentions(
      refusal("rtneural_gru.json", [](auto& j) { j["layers"][1]["weights"][2] = j["layers"][1]["weights"][2][0]; }),
      {"layers[1].weights[2]", "reset before the product"});
}

TEST_CASE("what RTNeural's format cannot say is not written") {
  const TemporaryFolder folder;
  const auto refused = [&](const Network& network) {
    return message_of<std::invalid_argument>([&] { unroll::save_rtneural(folder / "no.json", network); });
  };
  const Network rnn = unroll::read_guitarml(io_file("guitarml_rnn.json"));
  check_mentions(refused(rnn), {"save_rtneural: layer 0 (rnn_tanh) has no place in this format"});
  check_mentions(refused(unroll::read_nam(io_file("nam_lstm.nam"))), {"has an initial state"});
  check_mentions(refused(unroll::load_network(io_file("keras_tagger.safetensors"))), {"layer 0 (embedding)"});
  Network reversed = unroll::read_rtneural(io_file("rtneural_lstm.json"));
  reversed.layers[0].options["reverse"] = true;
  check_mentions(refused(reversed), {"runs from the last step to the first"});
  CHECK(folder.files() == 0);
}
