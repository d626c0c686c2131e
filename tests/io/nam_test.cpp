#include <doctest/doctest.h>

#include <unroll/format/guitarml.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/network/run.hpp>

#include "networks.hpp"

using unroll::Network;

TEST_CASE("a .nam file gives what PyTorch computed, from the states it starts with") {
  for (const std::string name : {"nam_lstm", "nam_stereo"})
    check_computes(unroll::read_nam(io_file(name + ".nam")), "pytorch", name);
}

TEST_CASE("a .nam file says its rate, its loudness and whatever it likes about itself") {
  const Network network = unroll::read_nam(io_file("nam_lstm.nam"));
  CHECK(network.sample_rate == 48000);
  CHECK(network.loudness == -18.25);
  CHECK(network.metadata.at("name") == "made up");
  CHECK(network.metadata.at("gain") == "0.5");
  CHECK(network.metadata.at("date") == R"({"month":11,"year":2026})");
  CHECK(network.metadata.at("year") == R"("2026")");  // a string, not the number
}

TEST_CASE("what NAM's reader wrote it reads again, word for word") {
  const TemporaryFolder folder;
  for (const std::string name : {"nam_lstm.nam", "nam_stereo.nam"}) {
    CAPTURE(name);
    const Network network = unroll::read_nam(io_file(name));
    unroll::save_nam(folder / "again.nam", network);
    check_same_network(network, unroll::read_nam(folder / "again.nam"));
    auto again = nlohmann::json::parse(text_of_file(folder / "again.nam"));
    CHECK(again["unroll_test"]["output"].size() == 32);
    again.erase("unroll_test");
    CHECK(again == json_file(name));
  }
}

TEST_CASE("a .nam file that does not fit together says where") {
  const auto wrong = [](const auto& change) { return refusal("nam_lstm.nam", change); };
  check_mentions(wrong([](auto& j) { j["weights"].erase(5); }),
                 {"weights: it has 159 numbers, expected 160 of 2 layers, input size 1, hidden size 3"});
  check_mentions(wrong([](auto& j) { j["config"]["hidden_size"] = 4; }), {"weights: it has 160 numbers, expected"});
  check_mentions(wrong([](auto& j) { j["config"]["hidden_size"] = 1 << 24; }),
                 {"weights: it has 160 numbers, expected"});
  check_mentions(wrong([](auto& j) { j["config"]["num_layers"] = 0; }), {"config.num_layers: got 0"});
  check_mentions(wrong([](auto& j) { j["weights"][5] = nullptr; }), {"weights: element 5 is null, expected a number"});
  check_mentions(wrong([](auto& j) { j["architecture"] = "WaveNet"; }),
                 {"'WaveNet' is not a recurrent layer this library has"});
  check_mentions(wrong([](auto& j) { j["version"] = "0.4.0"; }), {"version: got '0.4.0', expected 0.5 to 0.7"});
  check_mentions(wrong([](auto& j) { j["version"] = "1.0.0"; }), {"version: got '1.0.0'"});
  check_mentions(wrong([](auto& j) { j["config"]["in_channels"] = 2; }),
                 {"in_channels: got 2, expected the input_size, 1"});
  check_mentions(wrong([](auto& j) { j["config"]["bidirectional"] = true; }),
                 {"config: nothing here has a place for 'bidirectional'"});
  check_mentions(wrong([](auto& j) { j["metadata"]["loudness"] = "loud"; }), {"metadata.loudness: got a string"});
}

TEST_CASE("a .nam of another architecture is called by its name, whatever else is in it") {
  for (const std::string name : {"WaveNet", "ConvNet", "CatLSTM", "Linear", "SlimmableContainer"}) {
    const nlohmann::json json{{"architecture", name}, {"version", "9"}, {"config", {{"layers", 1}}}, {"more", {}}};
    CHECK(message_of([&] { network_of_text(json.dump()); }) ==
          "changed: architecture: '" + name + "' is not a recurrent layer this library has (LSTM)");
  }
}

TEST_CASE("numbers of a .nam file have a range") {
  const auto wrong = [](const auto& change) { return refusal("nam_lstm.nam", change); };
  for (const double rate : {0.0, -1.0, 1e8, 1e300})
    check_mentions(wrong([&](auto& j) { j["sample_rate"] = rate; }), {"sample_rate: got", "Hz, expected 1 to 1e+07"});
  CHECK(wrong([](auto& j) { j["sample_rate"] = nullptr; }) == "");
  check_mentions(wrong([](auto& j) { j["metadata"]["loudness"] = 1e300; }),
                 {"metadata.loudness: got 1e+300, expected -200 to 200"});
}

TEST_CASE("what NAM's format cannot say is not written") {
  const TemporaryFolder folder;
  const auto refused = [&](const Network& network) {
    return message_of<std::invalid_argument>([&] { unroll::save_nam(folder / "no.nam", network); });
  };
  check_mentions(refused(unroll::read_guitarml(io_file("guitarml_lstm.json"))), {"a skip or gains"});
  check_mentions(refused(unroll::read_guitarml(io_file("guitarml_rnn.json"))), {"layer 0 (rnn_tanh) has no place"});
}

TEST_CASE("a skip is folded into one more unit of the LSTM") {
  const Network network = unroll::read_guitarml(io_file("guitarml_lstm.json"));
  const Network folded = unroll::fold_skip(network);
  CHECK_FALSE(folded.skip);
  CHECK(folded.layers[0].tensor("weight_hh").cols() == 6);
  unroll::Matrix<double> x(1, 64);
  for (unroll::Index t = 0; t < 64; ++t) x(0, t) = std::sin(0.3 * double(t));
  const auto error = (unroll::run_network(folded, x) - unroll::run_network(network, x)).cwiseAbs().maxCoeff();
  CHECK(error < 2.7e-6);
  CHECK(error > 0);
  const TemporaryFolder folder;
  unroll::save_nam(folder / "folded.nam", folded);
  check_same_network(folded, unroll::read_nam(folder / "folded.nam"));
  check_mentions(
      message_of<std::invalid_argument>([] { unroll::fold_skip(unroll::read_guitarml(io_file("guitarml_gru.json"))); }),
      {"fold_skip: the network has 3 layers"});
}
