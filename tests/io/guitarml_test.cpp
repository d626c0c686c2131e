#include <doctest/doctest.h>

#include <unroll/format/guitarml.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/format/rtneural.hpp>

#include "networks.hpp"

using unroll::Network;

TEST_CASE("a file of GuitarML gives what PyTorch computed") {
  for (const std::string name : {"guitarml_lstm", "guitarml_gru", "guitarml_rnn"})
    check_computes(unroll::read_guitarml(io_file(name + ".json")), "pytorch", name);
}

TEST_CASE("what GuitarML's reader wrote it reads again") {
  const TemporaryFolder folder;
  for (const std::string name : {"guitarml_lstm.json", "guitarml_gru.json", "guitarml_rnn.json"}) {
    CAPTURE(name);
    const Network network = unroll::read_guitarml(io_file(name));
    unroll::save_guitarml(folder / "again.json", network);
    const Network again = unroll::read_guitarml(folder / "again.json");
    check_same_network(network, again);
    CHECK(again.test.output.cols() == 32);
    const auto data = nlohmann::json::parse(text_of_file(folder / "again.json"))["model_data"];
    CHECK(data == json_file(name)["model_data"]);
  }
}

TEST_CASE("a changed weight does not give the test vector that came with the file") {
  const TemporaryFolder folder;
  unroll::save_guitarml(folder / "good.json", unroll::read_guitarml(io_file("guitarml_gru.json")));
  auto json = nlohmann::json::parse(text_of_file(folder / "good.json"));
  json["state_dict"]["rec.bias_hh_l0"][9] = 0.5;
  check_mentions(message_of([&] { network_of_text(json.dump()); }), {"does not give its test vector"});
}

TEST_CASE("a file of GuitarML that does not fit together says where") {
  const auto wrong = [](const auto& change) { return refusal("guitarml_gru.json", change); };
  check_mentions(wrong([](auto& j) { j["model_data"]["hidden_size"] = 5; }),
                 {"state_dict.rec.weight_ih_l0", "it has 12 rows, expected 15"});
  check_mentions(wrong([](auto& j) { j["model_data"]["num_layers"] = 1; }),
                 {"it has 10 tensors, expected 6 of 1 layers"});
  check_mentions(wrong([](auto& j) { j["model_data"]["num_layers"] = 3; }), {"state_dict: no 'rec.weight_ih_l2'"});
  check_mentions(wrong([](auto& j) { j["model_data"]["unit_type"] = "LSTM"; }), {"it has 12 rows, expected 16"});
  check_mentions(wrong([](auto& j) { j["model_data"]["unit_type"] = "TCN"; }), {"'TCN' is not a recurrent layer"});
  check_mentions(wrong([](auto& j) { j["model_data"]["model"] = "GatedConvNet"; }), {"model_data.model", "SimpleRNN"});
  check_mentions(wrong([](auto& j) { j["model_data"]["skip"] = 2; }),
                 {"model_data.skip: got 2 with 2 inputs and 1 outputs"});
  check_mentions(wrong([](auto& j) { j["model_data"]["bias_fl"] = false; }), {"it has 10 tensors, expected 9"});
  check_mentions(wrong([](auto& j) { j["model_data"]["bias_fl"] = 1; }),
                 {"bias_fl: got a number, expected true or false"});
  check_mentions(wrong([](auto& j) { j["state_dict"]["rec.bias_ih_l1"][3] = "x"; }), {"element 3 is a string"});
  check_mentions(wrong([](auto& j) { j["state_dict"].erase("lin.weight"); }), {"no 'lin.weight'"});
  check_mentions(wrong([](auto& j) { j["more"] = {1}; }), {"nothing here has a place for 'more'"});
}

TEST_CASE("what GuitarML's format cannot say is not written") {
  const TemporaryFolder folder;
  const auto refused = [&](const Network& network) {
    return message_of<std::invalid_argument>([&] { unroll::save_guitarml(folder / "no.json", network); });
  };
  check_mentions(refused(unroll::read_rtneural(io_file("rtneural_aidax.json"))), {"gains of"});
  check_mentions(refused(unroll::read_nam(io_file("nam_lstm.nam"))), {"has an initial state"});
  check_mentions(refused(unroll::read_rtneural(io_file("rtneural_gru.json"))), {"layer 0 (dense)"});
}
