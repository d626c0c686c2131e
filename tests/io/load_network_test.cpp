#include <doctest/doctest.h>

#include <unroll/format/load_network.hpp>
#include <unroll/format/network_file.hpp>

#include "networks.hpp"

using namespace unroll;

TEST_CASE("every format is recognized by its contents") {
  for (const auto& [framework, name, ending] :
       std::vector<std::array<std::string, 3>>{{"keras", "rtneural_lstm", ".json"},
                                               {"keras", "rtneural_gru", ".json"},
                                               {"pytorch", "guitarml_gru", ".json"},
                                               {"pytorch", "nam_lstm", ".nam"},
                                               {"keras", "keras_tagger", ".safetensors"},
                                               {"keras", "keras_stack", ".safetensors"},
                                               {"keras", "keras_last", ".safetensors"},
                                               {"onnx", "onnx_tagger", ".safetensors"},
                                               {"onnx", "onnx_stack", ".safetensors"},
                                               {"onnx", "onnx_last", ".safetensors"}}) {
    const Network network = load_network(io_file(name + ending));
    CHECK(network.source == io_file(name + ending).string());
    check_computes(network, framework, name);
  }
}

TEST_CASE("what is no network says so") {
  const auto refused = [](const std::string& text) { return message_of([&] { network_of_text(text); }); };
  check_mentions(refused(""), {"changed: this is an empty file", "expected safetensors or JSON"});
  check_mentions(refused("x"), {"changed: not JSON at byte"});
  check_mentions(refused("[]"), {"changed: got an array, expected an object"});
  check_mentions(refused("{}"), {"none of the formats that there are: NAM ('architecture'), GuitarML ('state_dict')",
                                 "RTNeural ('layers')"});
  check_mentions(refused(R"({"layers": []} x)"), {"not JSON at byte"});
  check_mentions(refused(R"({"layers": [], "in_shape": [NaN]})"), {"not JSON at byte"});
  check_mentions(message_of([] { load_network(io_file("pytorch_gru.safetensors")); }),
                 {"pytorch_gru.safetensors", "no metadata 'unroll.network'", "load_state_dict"});
  check_mentions(message_of([] { load_network(io_file("nothing.nam")); }), {"nothing.nam: cannot read"});
}

TEST_CASE("JSON of any depth, length or repetition is refused without being kept") {
  const auto refused = [](const std::string& text) { return message_of([&] { network_of_text(text); }); };
  check_mentions(refused(std::string(100'000, '[')), {"nested deeper than 16 levels"});
  check_mentions(refused(R"({"layers": [], "layers": []})"), {"the name 'layers' stands twice"});
  check_mentions(refused(R"({"metadata": {"a": 1, "a": 2}})"), {"the name 'a' stands twice"});
  std::string many = "{\"weights\": [0";
  for (int k = 0; k < (1 << 24); ++k) many += ",0";
  check_mentions(refused(many + "]}"), {"more than 16777216 values"});
}

namespace {

/// keras_last with its description changed by `change(json)`.
template <class Change> std::string wrong(const std::string& name, const Change& change) {
  const SafeTensors file = read_safetensors(io_file(name));
  auto json = nlohmann::json::parse(file.metadata_value("unroll.network"));
  SafeTensors changed = file;
  change(json);
  changed.metadata.find("unroll.network")->second = json.dump();
  return message_of([&] { network_from_safetensors(changed); });
}

}  // namespace

TEST_CASE("a safetensors file whose description does not fit its tensors says where") {
  const auto last = [](const auto& change) { return wrong("keras_last.safetensors", change); };
  check_mentions(last([](auto& j) { j["layers"][2].erase("weight_hh"); }),
                 {"unroll.network.layers[2]: no 'weight_hh'"});
  check_mentions(last([](auto& j) { j["layers"][2]["weight_hh"] = "nowhere"; }), {"no tensor 'nowhere'"});
  for (const char* gain : {"input_gain", "output_gain"})
    check_mentions(last([&](auto& j) { j[gain] = 1e300; }), {gain, ": got 1e+300, expected -1e+06 to 1e+06"});
  check_mentions(last([](auto& j) { j["sample_rate"] = 0; }), {"sample_rate: got 0 Hz, expected 1"});
  check_mentions(last([](auto& j) { j["loudness"] = -201; }), {"loudness: got -201, expected -200"});
  check_mentions(last([](auto& j) { j["layers"][2]["weight_hh"] = "2.weight_ih_l0"; }),
                 {"'2.weight_ih_l0' is used twice"});
  check_mentions(last([](auto& j) { j["layers"][3].erase("bias"); }), {"no place for tensor '3.bias' F32 (2)"});
  check_mentions(last([](auto& j) { j["layers"][3]["bias"] = "3.weight"; }), {"expected floats of"});
  check_mentions(last([](auto& j) { j["layers"][2]["type"] = "gru"; }),
                 {"layer 2 (gru)", "weight_ih is 16 x 4, expected 12 x 4"});
  check_mentions(last([](auto& j) { j["layers"][2]["type"] = "conv1d"; }),
                 {"'conv1d' is not a layer this library has"});
  check_mentions(last([](auto& j) { j["layers"][2]["stride"] = 2; }), {"has a place for 'stride'"});
  check_mentions(last([](auto& j) { j["layers"][0]["merge"] = "max"; }), {"merge: got 'max'"});
  check_mentions(last([](auto& j) { j["layers"][0]["back"]["type"] = "tanh"; }), {"has a place for"});
  check_mentions(last([](auto& j) { j["skip"] = true; }), {"skip adds 2 inputs to 2 outputs of the whole sequence"});
  check_mentions(last([](auto& j) { j["layers"][2].erase("reverse"); }), {"does not give its test vector"});
  check_mentions(last([](auto& j) { j["layers"][1]["merge"] = "sum"; }), {"does not give its test vector"});
  check_mentions(last([](auto& j) { std::swap(j["layers"][1]["ahead"], j["layers"][1]["back"]); }),
                 {"does not give its test vector"});
  check_mentions(wrong("keras_stack.safetensors", [](auto& j) { j["layers"][1]["type"] = "gru"; }),
                 {"does not give its test vector"});
  check_mentions(wrong("keras_stack.safetensors",
                       [](auto& j) {
                         j["layers"][0]["bias_hh"] = j["layers"][0]["bias_ih"],
                         j["layers"][0]["bias_ih"] = "0.bias_hh_l0";
                       }),
                 {"does not give its test vector"});
  CHECK(last([](auto&) {}) == "");
}
