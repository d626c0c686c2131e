// Public functions of io/ called wrongly: each says what was wrong, and nothing is half done.
#include <array>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/cell/lstm.hpp>
#include <unroll/format/guitarml.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/format/network_writer.hpp>
#include <unroll/format/rtneural.hpp>
#include <unroll/io/checkpoint.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/io/state_dict.hpp>
#include <unroll/network/library_kinds.hpp>
#include <unroll/network/run.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/compiled_units.hpp>

#include "../support/message_of.hpp"
#include "../support/not_finite.hpp"

using namespace unroll;

namespace misuse_io {

void has(const std::string& text, std::string_view part) {
  CAPTURE(text);
  CAPTURE(part);
  CHECK(text.find(part) != std::string::npos);
}

struct Folder {
  std::filesystem::path path;
  Folder() : path(std::filesystem::temp_directory_path()) {
    path /= "unroll_misuse_io_" + std::to_string(reinterpret_cast<std::uintptr_t>(this));
    std::filesystem::create_directory(path);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path operator/(const char* name) const { return path / name; }
  bool empty() const { return std::filesystem::is_empty(path); }
};

Matrix<float> ramp(Index rows, Index cols) {
  Matrix<float> m(rows, cols);
  for (Index k = 0; k < m.size(); ++k) m.data()[k] = 0.01f * static_cast<float>(k) - 0.1f;
  return m;
}
/// LSTM 1 -> 3 and a dense layer, as all formats can hold.
Network amplifier() {
  Network network;
  network.layers = {
      NetworkLayer{
          &layer_kind<LstmKind>,
          {{"weight_ih", ramp(12, 1)}, {"weight_hh", ramp(12, 3)}, {"bias_ih", ramp(12, 1)}, {"bias_hh", ramp(12, 1)}}},
      NetworkLayer{&layer_kind<DenseKind>, {{"weight", ramp(1, 3)}, {"bias", ramp(1, 1)}}}};
  return network;
}
NetworkLayer& lstm_of(Network& network) { return network.layers[0]; }
auto model_of(Index D, Index H) { return Sequential{Recurrent{Lstm{D, H}}, Dense{H, 1}}; }

}  // namespace misuse_io

TEST_CASE("tensors that are not what is asked for") {
  using namespace misuse_io;
  SafeTensorsWriter writer;
  const std::vector<float> eight(8);
  const std::array<Index, 3> cube{2, 2, 2};
  writer.add_array<float>("cube", eight, cube);
  writer.add("large", Matrix<double>(Matrix<double>::Constant(1, 1, 1e10)));
  writer.add("half", Matrix<double>(Matrix<double>::Constant(1, 1, 0.5)));
  const SafeTensors file(writer.bytes(), "file");
  has(message_of<FormatError>([&] { file.tensor("cub"); }), "file: no tensor 'cub'; the nearest is 'cube'");
  has(message_of<FormatError>([&] { file.tensor(""); }), "no tensor ''");
  has(message_of<FormatError>([&] { file.matrix<float>("cube"); }), "got shape (2, 2, 2), expected at most two");
  has(message_of<FormatError>([&] { file.matrix<std::int32_t>("half"); }), "is not a whole number");
  has(message_of<FormatError>([&] { file.elements<std::int64_t>("large"); }), "is not a whole number");
  has(message_of<FormatError>([&] { file.metadata_value("k"); }), "no metadata 'k'; there are none");
  CHECK(message_of<FormatError>([&] { SafeTensors(std::span<const std::byte>()); }) != "");
}

TEST_CASE("tensors that cannot be written") {
  using namespace misuse_io;
  SafeTensorsWriter writer;
  const std::vector<float> values(8);
  const auto add = [&](std::vector<Index> shape) {
    return message_of([&] { writer.add_array<float>("a", values, shape); });
  };
  has(add({2, 3}), "'a' has 8 values, expected (2, 3)");
  has(add({-2, -4}), "expected (-2, -4)");
  has(add({-1}), "expected (-1)");
  has(add({Index{1} << 62, 4}), "'a' has 8 values");
  has(add({(Index{1} << 62) + 2, 4}), "'a' has 8 values");  // 8, where the product wraps around
  CHECK(add({2, 4}) == "");
  has(add({8}), "two tensors are called 'a'");
  const auto named = [&](std::string_view name) { return message_of([&] { writer.add(name, ramp(1, 1)); }); };
  has(named("__metadata__"), "cannot be called");
  has(named("caf\xE9"), "cannot be called");
  has(message_of([&] { writer.add("b", ramp(1, 1), Dtype::i32); }), "cannot be written as I32");
  has(message_of([&] { writer.add("b", ramp(1, 1), Dtype::other); }), "cannot be written as other");
  has(message_of([&] { writer.add("b", Matrix<float>(Matrix<float>::Constant(1, 1, 1e6f)), Dtype::f16); }),
      "too large for F16");
  has(message_of([&] { writer.set_metadata("k", "caf\xE9"); }), "not UTF-8");
  has(message_of<FormatError>([&] { writer.save("/nowhere/at/all"); }), "/nowhere/at/all");
  CHECK(SafeTensors(writer.bytes(), "file").tensors.size() == 1);  // what was refused is not in it
}

TEST_CASE("networks that are not sound are neither run nor written") {
  using namespace misuse_io;
  const Folder folder;
  const auto refusal = [&](const auto& change) {
    Network network = amplifier();
    change(network);
    const std::string said = message_of([&] { run_network(network, Matrix<double>(Matrix<double>::Zero(1, 2))); });
    const auto path = folder / "x";
    for (const auto& writer : {save_rtneural, save_guitarml, save_nam, save_network})
      CHECK(message_of([&] { writer(path, network); }) != "");
    CHECK(message_of([&] { validate(network); }) != "");
    CHECK(message_of([&] { network.inputs(); }) != "");
    CHECK(message_of([&] { fold_skip(network); }) != "");
    CHECK(message_of([&] { add_test(network); }) != "");
    CHECK(message_of([&] { stream::AnyModel(network, stream::CompiledUnits<>()); }) != "");
    auto model = model_of(1, 3);
    CHECK(message_of([&] { assign(network, model, {.layers_alone = true}); }) != "");
    CHECK(folder.empty());
    return said;
  };
  has(refusal([](auto& n) { n.layers.clear(); }), "a network without layers");
  has(refusal([](auto& n) { lstm_of(n).tensors["weight_ih"] = {}; }), "it has no inputs");
  has(refusal([](auto& n) { lstm_of(n).tensors["weight_hh"] = {}; }), "it has no units");
  has(refusal([](auto& n) { lstm_of(n).tensors["weight_ih"] = ramp(9, 1); }), "weight_ih is 9 x 1, expected 12 x 1");
  has(refusal([](auto& n) { lstm_of(n).kind = nullptr; }), "layer 0 (nothing): it has no kind");
  has(refusal([](auto& n) { lstm_of(n).kind = &layer_kind<GruKind>; }), "weight_ih is 12 x 1, expected 9 x 1");
  has(refusal([](auto& n) { lstm_of(n).tensors["bias_hh"](0, 0) = not_finite::nan<float>(); }), "not a finite number");
  has(refusal([](auto& n) { n.layers.push_back(NetworkLayer{&layer_kind<DenseKind>, {{"weight", ramp(2, 2)}}}); }),
      "it takes 2 values");
  has(refusal([](auto& n) { n.layers.push_back({&layer_kind<EluKind>, {}, {{"alpha", true}}}); }),
      "alpha is a flag, expected a number");
  has(refusal([](auto& n) { n.layers.push_back({&layer_kind<EluKind>, {}, {{"alpha", not_finite::nan<double>()}}}); }),
      "alpha is nan");
  has(refusal([](auto& n) { lstm_of(n).options["peepholes"] = true; }), "lstm has no option peepholes");
  has(refusal([](auto& n) { lstm_of(n).tensors["weight_hr"] = ramp(1, 3); }), "lstm has no weight_hr");
  has(refusal([](auto& n) { lstm_of(n).parts.resize(1); }), "it has 1 parts, expected 0");
  has(refusal([](auto& n) { n.layers[0] = {&layer_kind<BidirectionalKind>}; }), "it has 0 parts, expected 2");
  has(refusal([](auto& n) { n.layers[0] = {&layer_kind<BidirectionalKind>, {}, {}, {n.layers[1], n.layers[1]}}; }),
      "its directions are dense");
  has(refusal([](auto& n) { n.layers.push_back(NetworkLayer{&layer_kind<PReluKind>}); }), "slope is 0 x");
  has(refusal([](auto& n) { n.layers.push_back(NetworkLayer{&layer_kind<EmbeddingKind>, {{"weight", ramp(1, 4)}}}); }),
      "takes token ids and is not the first layer");
  has(refusal([](auto& n) { n.input_gain = not_finite::nan<double>(); }), "input_gain is nan");
  has(refusal([](auto& n) { n.output_gain = not_finite::infinity<double>(); }), "output_gain is inf");
  has(refusal([](auto& n) { n.input_gain = -2e6; }), "input_gain is -2e+06, expected -1e+06 to 1e+06");
  has(refusal([](auto& n) { n.sample_rate = 0; }), "sample_rate is 0, expected 1");
  has(refusal([](auto& n) { n.loudness = not_finite::nan<double>(); }), "loudness is nan");
  has(refusal([](auto& n) { n.test.output = ramp(1, 2); }), "the test vector's");
}

TEST_CASE("a bidirectional layer whose merge does not exist") {
  using namespace misuse_io;
  Network network = amplifier();
  const NetworkLayer side = lstm_of(network);
  network.layers = {{&layer_kind<BidirectionalKind>, {}, {{"merge", "all"}}, {side, side}}};
  has(message_of([&] { run_network(network, Matrix<double>(Matrix<double>::Zero(1, 2))); }),
      "merge is 'all', expected concat, sum, average or product");
}

TEST_CASE("inputs that a network does not take") {
  using namespace misuse_io;
  const Network network = amplifier();
  has(message_of([&] { run_network(network, Matrix<double>(2, 3)); }), "input is 2 x 3, expected 1 rows");
  has(message_of([&] { run_network(network, Matrix<double>()); }), "input is 0 x 0");
  Network tokens;
  tokens.layers = {NetworkLayer{&layer_kind<EmbeddingKind>, {{"weight", ramp(2, 4)}}}};
  has(message_of([&] { run_network(tokens, Matrix<double>(1, 3)); }), "takes token ids");
  tokens.test.tokens = {0, 4};
  tokens.test.output = ramp(2, 2);
  has(message_of([&] { check_test(tokens); }), "the test vector has id 4, expected 0 to 3");
  tokens.test = {};
  has(message_of([&] { add_test(tokens, 0); }), "add_test: 0 steps");
  has(message_of([&] { add_test(tokens, -5); }), "add_test: -5 steps");
}

TEST_CASE("gains that a format cannot say") {
  using namespace misuse_io;
  const Folder folder;
  for (const double gain : {0.0, -1.0, 1e-7}) {
    Network network = amplifier();
    network.input_gain = gain;
    has(message_of([&] { save_rtneural(folder / "x", network); }), "save_rtneural: gains of ");
  }
  CHECK(folder.empty());
}

TEST_CASE("networks and models that do not fit each other leave the model as it was") {
  using namespace misuse_io;
  const auto refusal = [](auto model, AssignOptions options = {}, double gain = 1) {
    Network network = amplifier();
    network.input_gain = gain;
    const auto before = model;
    const std::string said = message_of([&] { assign(network, model, options); });
    visit([](const Path&, const auto& a, const auto& b) { CHECK(a == b); }, before, model);
    return said;
  };
  has(refusal(model_of(1, 4)), "weight_ih is 12 x 1, the model's 16 x 1");
  has(refusal(model_of(2, 3)), "weight_ih is 12 x 1, the model's 12 x 2");
  has(refusal(Sequential{Recurrent{Lstm{1, 3}}}), "the network has 2 layers, the model takes 1");
  has(refusal(Sequential{Recurrent{Lstm{1, 3}}, Dense{3, 1}, Dense{1, 1}}), "there is none, the model has 2 Dense");
  has(refusal(Sequential{FinalState{Recurrent{Lstm{1, 3}}}, Dense{3, 1}}), "final state");
  has(refusal(model_of(1, 3), {}, 2), "the network has a skip or gains");
  CHECK(refusal(Sequential{Dense{1, 3}, Dense{3, 1}}) != "");
}

TEST_CASE("models, test inputs and files that do not fit each other") {
  using namespace misuse_io;
  const Folder folder;
  auto model = model_of(2, 3);
  initialize(model, Rng{1});
  const auto refusal = [&](const SaveOptions& options) {
    return message_of([&] { save(folder / "x", model, options); });
  };
  has(refusal({.test_input = {.values = ramp(3, 4)}}), "3 features, expected 2");
  has(refusal({.test_input = {.values = ramp(2, 33)}}), "33 steps, expected at most 32");
  has(refusal({.test_input = {.tokens = {1, 2}}}), "token ids, which this model does not accept");
  has(refusal({.test_input = {.tokens = {1}, .values = ramp(2, 4)}}), "expected one of them");
  Matrix<float> unbounded = ramp(2, 4);
  unbounded(1, 1) = not_finite::infinity<float>();
  has(refusal({.test_input = {.values = unbounded}}), "value 3 of the test input is not finite");
  has(refusal({.labels = {"caf\xE9"}}), "is not UTF-8");
  has(refusal({.extra = {{"unroll.format", "2"}}}), "is the library's own");
  CHECK(folder.empty());

  save(folder / "x", model);
  const auto loaded_as = [&](const auto& make) {
    return message_of<FormatError>([&] { load_model(make, folder / "x"); });
  };
  has(loaded_as([](const ModelInfo&) { return model_of(2, 4); }), "got F32 (12, 2), expected F32 (16, 2)");
  has(loaded_as([](const ModelInfo&) { return Sequential{Dense{2, 1}}; }), "no tensor '0.weight'");
  has(loaded_as([](const ModelInfo& info) { return model_of(info.size("0.weight_hh_l0", 2), 3); }),
      "(12, 3), expected a dimension 2");
  has(loaded_as([](const ModelInfo& info) { return model_of(info.vocabulary_size(), 3); }), "has no vocabulary");
  has(loaded_as([](const ModelInfo& info) { return model_of(static_cast<Index>(info.value("width").size()), 3); }),
      "no metadata 'width'");
}

TEST_CASE("state dictionaries whose names or patterns do not fit") {
  using namespace misuse_io;
  const Folder folder;
  auto model = model_of(2, 3);
  initialize(model, Rng{1});
  save_state_dict(folder / "x", model);
  const auto refusal = [&](const StateDictOptions& options) {
    auto read = model;
    return message_of<FormatError>([&] { load_state_dict(folder / "x", read, options); });
  };
  CHECK(refusal({}) == "");
  has(refusal({.names = {{"rnn.", "0."}}}), "no tensor 'rnn.weight_ih_l0'");
  has(refusal({.names = {{"", "0."}}}), "; the nearest ");
  has(message_of([&] {
        auto two = Sequential{Dense{1, 1}, Dense{1, 1}};
        SafeTensorsWriter writer;
        writer.add("w.weight", ramp(1, 1));
        const std::vector<float> one(1);
        writer.add_vector<float>("w.bias", one);
        load_state_dict(SafeTensors(writer.bytes(), "file"), two, {.names = {{"w.", "0."}, {"w.", "1."}}});
      }),
      "two parameters of the model are called 'w.");
  CHECK(refusal({.ignore = {"", "*", "**", "*nothing*"}}) == "");
  has(message_of(
          [&] { save_state_dict(folder / "y", model, {.names = {{"a.", "0."}, {"a.", "1."}}, .dtype = Dtype::u8}); }),
      "cannot be written as U8");
  CHECK(!std::filesystem::exists(folder / "y"));

  // A name of a megabyte and a pattern of many stars: neither deep nor long.
  SafeTensorsWriter writer;
  writer.add(std::string(1'000'000, 'a'), ramp(1, 1));
  const SafeTensors file(writer.bytes(), "file");
  auto none = Sequential{Dense{1, 1}};
  has(message_of<FormatError>([&] { load_state_dict(file, none, {.ignore = {"*a*a*a*a*a*a*a*b"}}); }), "no tensor");
}

TEST_CASE("checkpoints that are asked for what is not in them") {
  using namespace misuse_io;
  CheckpointWriter writer;
  writer.add("steps", 3);
  writer.add("losses", std::vector<double>{0.5});
  has(message_of([&] { writer.add("steps", 4); }), "two values are called 'steps'");
  has(message_of([&] { writer.add("losses", std::vector<double>{}); }), "two tensors are called 'losses'");
  const Folder folder;
  writer.save(folder / "run");
  Checkpoint checkpoint(folder / "run");
  has(message_of<FormatError>([&] { checkpoint.get<double>("steps"); }), "expected 16 hexadecimal digits");
  has(message_of<FormatError>([&] { checkpoint.get<bool>("steps"); }), "expected true or false");
  has(message_of<FormatError>([&] { checkpoint.get<std::int64_t>("losses"); }), "no metadata 'value.losses'");
  has(message_of<FormatError>([&] { checkpoint.get<std::vector<std::int64_t>>("losses"); }),
      "got F64 (1), expected I64");
  has(message_of<FormatError>([&] { checkpoint.get<Matrix<double>>("losses"); }), "of 2 dimensions");
  auto model = model_of(1, 1);
  has(message_of<FormatError>([&] { checkpoint.read("model", model); }), "no tensor 'model.0.weight_ih_l0'");
  has(message_of<FormatError>([&] { checkpoint.require_all_read(); }), "'losses'");
}
