// What files say of their models beside how to compute them: the rate, the loudness, and Network::metadata.
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/format/guitarml.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/format/network_writer.hpp>
#include <unroll/format/rtneural.hpp>
#include <unroll/network/library_kinds.hpp>

#include "networks.hpp"

using unroll::Network;

namespace {

struct Format {
  std::string file;  ///< of tests/data/io, "" for our own
  void (*save)(const std::filesystem::path&, const Network&);
  nlohmann::json::json_pointer rate{};  ///< where it has the sample rate
};
const std::array<Format, 4> formats{
    Format{"guitarml_lstm.json", unroll::save_guitarml, "/model_data/sample_rate"_json_pointer},
    Format{"nam_lstm.nam", unroll::save_nam, "/sample_rate"_json_pointer},
    Format{"rtneural_lstm.json", unroll::save_rtneural, "/metadata/samplerate"_json_pointer},
    Format{"", unroll::save_network}};
const auto programs = std::span(formats).first(3);

/// The file, with all that it may say.
nlohmann::json described_file(const Format& format) {
  auto json = json_file(format.file);
  json["metadata"] = {{"name", "made up"}, {"gain", 0.5},       {"year", "2026"},
                      {"by", nullptr},     {"loudness", -18.5}, {"notes", "inside"},
                      {"flag", true},      {"skip", 7},         {"date", {{"year", 2026}, {"month", 11}}}};
  json["notes"] = {"beside", {{"pickup", "neck"}, {"knobs", {1, 2.5, nullptr}}}};
  json["training"] = {{"epochs", 3}};
  json["author"] = "somebody";
  json["esr"] = 0.0125;
  json["//"] = "a comment";
  json["empty"] = nullptr;
  json[format.rate] = 96000;
  return json;
}
/// What every format can say: layers alone, from no state.
Network layers_alone(Network network) {
  network.skip = false;
  network.test = {};
  network.layers[0].tensors.erase("initial_h");
  network.layers[0].tensors.erase("initial_c");
  if (network.layers.size() == 3) network.layers.erase(network.layers.begin() + 1);  // of NAM's two of one size
  network.layers[0].tensors.erase("bias_hh");
  return network;
}
Network network_of_json(const nlohmann::json& json) { return network_of_text(json.dump()); }

std::string why_not_written(const Format& format, const std::string& name, const std::string& text) {
  const TemporaryFolder folder;
  Network network = layers_alone(unroll::load_network(io_file("rtneural_lstm.json")));
  network.metadata[name] = text;
  const std::string said = message_of<std::invalid_argument>([&] { format.save(folder / "no", network); });
  CHECK((said == "") == (folder.files() == 1));
  return said;
}

}  // namespace

TEST_CASE("what a file says of its model is kept under its name, with a '/' if it stands at the top") {
  for (const Format& format : programs) {
    CAPTURE(format.file);
    const Network network = network_of_json(described_file(format));
    CHECK(network.sample_rate == 96000);
    CHECK(network.loudness == -18.5);
    const std::map<std::string, std::string> expected{
        {"name", "made up"},     {"gain", "0.5"},
        {"year", R"("2026")"},   {"by", "null"},
        {"notes", "inside"},     {"flag", "true"},
        {"skip", "7"},           {"date", R"({"month":11,"year":2026})"},
        {"/author", "somebody"}, {"/esr", "0.0125"},
        {"///", "a comment"},    {"/training", R"({"epochs":3})"},
        {"/empty", "null"},      {"/notes", R"(["beside",{"knobs":[1,2.5,null],"pickup":"neck"}])"}};
    CHECK(network.metadata == expected);
  }
}

TEST_CASE("what a file says of its model is written where it stood") {
  const TemporaryFolder folder;
  for (const Format& format : programs) {
    CAPTURE(format.file);
    const auto json = described_file(format);
    format.save(folder / "again", network_of_json(json));
    auto again = nlohmann::json::parse(text_of_file(folder / "again"));
    for (const char* ours : {"unroll_test", "input_batch", "output_batch"}) again.erase(ours);
    CHECK(again.size() == json.size());
    for (const auto& [name, value] : json.items())
      if (name != "state_dict" && name != "layers" && name != "weights") CHECK(again[name] == value);
    check_same_network(network_of_json(json), unroll::load_network(folder / "again"));
  }
}

TEST_CASE("a file that says nothing of its model is written without") {
  const TemporaryFolder folder;
  unroll::save_guitarml(folder / "again", unroll::read_guitarml(io_file("guitarml_lstm.json")));
  auto again = nlohmann::json::parse(text_of_file(folder / "again"));
  again.erase("unroll_test");
  CHECK(again.size() == 2);
  CHECK_FALSE(again["model_data"].contains("sample_rate"));
}

TEST_CASE("what one format says of a model survives all others") {
  const TemporaryFolder folder;
  for (const Format& from : programs)
    for (const Format& to : formats) {
      CAPTURE(from.file);
      CAPTURE(to.file);
      const Network network = layers_alone(network_of_json(described_file(from)));
      to.save(folder / "other", network);
      const Network other = unroll::load_network(folder / "other");
      check_same_network(network, other);
      from.save(folder / "back", layers_alone(other));
      check_same_network(network, unroll::load_network(folder / "back"));
    }
}

TEST_CASE("a writer writes everything that a network has, or refuses it") {
  const TemporaryFolder folder;
  const auto recurrent = [](Network& n) -> auto& { return n.layers[0]; };
  const std::vector<std::pair<std::string, std::function<void(Network&)>>> things{
      {"skip", [](Network& n) { n.skip = true; }},
      {"gains", [](Network& n) { n.input_gain = 2; }},
      {"gains", [](Network& n) { n.output_gain = 0.25; }},
      {"", [](Network& n) { n.sample_rate = 22050; }},
      {"", [](Network& n) { n.loudness = -3; }},
      {"",
       [](Network& n) {
         n.metadata = {{"name", "mine"}, {"/name", "ours"}, {"/notes", "[1]"}, {"", "x"}, {"/", "y"}};
       }},
      {"initial state",
       [&](Network& n) { recurrent(n).tensors["initial_h"] = unroll::Matrix<float>::Constant(5, 1, 0.5f); }},
      {"initial state",
       [&](Network& n) { recurrent(n).tensors["initial_c"] = unroll::Matrix<float>::Constant(5, 1, 0.5f); }},
      {"last step to the first", [&](Network& n) { recurrent(n).options["reverse"] = true; }},
      {"final state", [&](Network& n) { recurrent(n).options["final_state"] = true; }},
      {"(elu)", [](Network& n) { n.layers.push_back({&unroll::layer_kind<unroll::EluKind>, {}, {{"alpha", 0.5}}}); }}};
  for (const auto& [what, add] : things)
    for (const Format& format : formats) {
      CAPTURE(format.file);
      Network network = layers_alone(unroll::load_network(io_file("rtneural_lstm.json")));
      add(network);
      const std::string said = message_of<std::invalid_argument>([&] { format.save(folder / "network", network); });
      if (said.empty())
        check_same_network(network, unroll::load_network(folder / "network"));
      else
        CHECK(!what.empty());
      if (!said.empty() && what != "(elu)") check_mentions(said, {what});
      if (format.file.empty()) CHECK(said == "");
    }
}

TEST_CASE("metadata that a format would read as something else is not written") {
  for (const Format& format : programs) {
    CAPTURE(format.file);
    for (const std::string name : {"loudness", "samplerate", "sample_rate", "/samplerate", "/sample_rate", "/in_gain",
                                   "/in_skip", "/skip", "/metadata", "/weights", "/layers", "/state_dict",
                                   "/model_data", "/architecture", "/in_shape", "/output_batch"})
      check_mentions(why_not_written(format, name, "1"),
                     {"save_", ": the metadata '" + name + "' has the name of something else in this format"});
    check_mentions(why_not_written(format, "/dilations", "[1,2]"),
                   {"the metadata '/dilations' is an array, expected a word or a number beside the layers"});
    check_mentions(why_not_written(format, "/extra", "{}"), {"the metadata '/extra' is an object"});
    check_mentions(why_not_written(format, "name", "caf\xE9"), {"save_", ": the metadata 'name' is not UTF-8"});
    CHECK(why_not_written(format, "dilations", "[1,2]") == "");
    CHECK(why_not_written(format, "/loudness", "loud") == "");
  }
  check_mentions(why_not_written(formats[1], "/version", "1"), {"save_nam: the metadata '/version'"});
  check_mentions(why_not_written(formats[1], "/unroll_test", "1"), {"save_nam: the metadata '/unroll_test'"});
  for (const std::string name : {"loudness", "samplerate", "/in_gain", "/layers", "/dilations"})
    CHECK(why_not_written(formats[3], name, "[1]") == "");
  check_mentions(why_not_written(formats[3], "name", "caf\xE9"), {"save_network: the metadata 'name' is not UTF-8"});
}

TEST_CASE("metadata that is too deep for a file is not written") {
  const TemporaryFolder folder;
  Network network = layers_alone(unroll::load_network(io_file("rtneural_lstm.json")));
  for (const Format& format : formats) {
    network.metadata["notes"] = std::string(14, '[') + std::string(14, ']');
    format.save(folder / "deep", network);
    CHECK(unroll::load_network(folder / "deep").metadata == network.metadata);
    network.metadata["notes"] = std::string(15, '[') + std::string(15, ']');
    check_mentions(message_of([&] { format.save(folder / "deeper", network); }),
                   {": the metadata 'notes': nested deeper than 16 levels"});
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("what says how to compute is refused by name, unless the format has it") {
  for (const Format& format : programs) {
    CAPTURE(format.file);
    for (const std::string name : {"in_gain", "out_gain", "in_skip", "skip", "gain", "input_gain", "bidirectional",
                                   "head_scale", "weights", "layers", "model_data"}) {
      const auto json = json_file(format.file);
      if (json.contains(name)) continue;
      if (format.file.starts_with("rtneural") && (name.starts_with("in_") || name == "out_gain")) continue;
      if (name == "model_data" && format.file.starts_with("rtneural")) continue;  // of GuitarML, then
      CHECK(refusal(format.file, [&](auto& j) { j[name] = 1; }) ==
            "changed: nothing here has a place for '" + name + "', which says how to compute");
    }
    CHECK(refusal(format.file, [](auto& j) { j["dilations"] = {1, 2}; }) ==
          "changed: nothing here has a place for 'dilations'");
    CHECK(refusal(format.file, [](auto& j) { j["metadata"]["/x"] = 1; }) ==
          "changed: metadata: nothing here has a place for '/x': a name here does not begin with '/'");
    check_mentions(refusal(format.file, [](auto& j) { j["metadata"] = "mine"; }),
                   {"metadata: got a string, expected an object"});
  }
  check_mentions(refusal("guitarml_lstm.json", [](auto& j) { j["model_data"]["bidirectional"] = true; }),
                 {"model_data: nothing here has a place for 'bidirectional'"});
}

TEST_CASE("the sample rate may stand in several places, and is the same in all of them") {
  for (const Format& format : programs) {
    CAPTURE(format.file);
    for (const std::string name : {"sample_rate", "samplerate"}) {
      auto json = json_file(format.file);
      json[format.rate] = 44100;
      json["metadata"][name] = "44100";
      json[name] = 44100.0;
      CHECK(network_of_json(json).sample_rate == 44100);
      CHECK_FALSE(network_of_json(json).metadata.contains(name));
      json[name] = nullptr;
      CHECK(network_of_json(json).sample_rate == 44100);
      json["metadata"][name] = 48000;
      json[name] = 44100;
      check_mentions(message_of([&] { network_of_json(json); }),
                     {"rate: got ", "Hz, another place in the file says 4"});
      for (const nlohmann::json& wrong : {nlohmann::json(0), nlohmann::json("fast"), nlohmann::json(1e9)}) {
        json["metadata"][name] = wrong;
        check_mentions(message_of([&] { network_of_json(json); }), {"metadata." + name + ": got "});
      }
    }
  }
}

TEST_CASE("an architecture that is not here is named whatever else is wrong with the file") {
  const auto refused = [](const char* text) { return message_of([&] { network_of_text(text); }); };
  CHECK(refused(R"({"architecture": "ConvNet", "notes": 5, "metadata": [], "sample_rate": "x", "in_gain": {}})") ==
        "changed: architecture: 'ConvNet' is not a recurrent layer this library has (LSTM)");
  const char* const conv =
      "changed: model_data.model: 'ConvSimpleRNN' is not a recurrent layer this library has (SimpleRNN)";
  CHECK(refused(R"({"model_data": {"model": "ConvSimpleRNN"}})") == conv);
  CHECK(refused(R"({"model_data": {"model": "ConvSimpleRNN", "unit_type": "TCN", "dilations": []}, "more": []})") ==
        conv);
  const char* const unit =
      "changed: model_data.unit_type: 'TCN' is not a recurrent layer this library has (LSTM, GRU, RNN)";
  CHECK(refused(R"({"model_data": {"unit_type": "TCN", "more": 1}, "more": []})") == unit);
  CHECK(refused(R"({"model_data": {"model": 7, "unit_type": "TCN"}})") == unit);
  CHECK(refused(R"({"layers": [5, {}, {"type": 7}, {"type": "conv1d"}], "in_gain": "loud", "more": []})") ==
        "changed: layers[3].type: 'conv1d' is not a recurrent layer this library has (lstm, gru, dense, "
        "time-distributed-dense, activation, prelu)");
  check_mentions(refused(R"({"architecture": 5})"), {"architecture: got a number, expected a string"});
  check_mentions(refused(R"({"model_data": {}})"), {"model_data: no 'model'"});
  check_mentions(refused(R"({"model_data": []})"), {"model_data: got an array, expected an object"});
  check_mentions(refused(R"({"in_shape": [1], "layers": [5]})"), {"layers[0]: got a number, expected an object"});
}
