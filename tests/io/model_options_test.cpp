#include <sstream>

#include <doctest/doctest.h>

#include <unroll/cell/gru.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/functions.hpp>
#include <unroll/layer/options.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/train/summary.hpp>

#include "../support/sequences.hpp"
#include "support.hpp"

using namespace unroll;

namespace {
enum class Pool : std::uint8_t { mean, max };
struct Gate {
  double open = 1;
  bool both = false;
  UNROLL_OPTIONS(open, both)
};
template <class T> struct Gated : Composite<Gated<T>, T> {
  Gate how;
  Dense<T> dense{4, 4};
  UNROLL_PARTS(how, dense)
  auto operator()(Wiring& run, Node<PackedSequence<T>> x) const { return x + how.open * run(dense, x); }
};
struct Shape {
  std::int16_t depth = 1;
  Pool pool = Pool::mean;
  std::string note = "none";
  UNROLL_OPTIONS(depth, pool, note)
};
template <class T> struct Deep : Composite<Deep<T>, T> {
  Shape shape;
  Recurrent<Gru<T>> read{Gru<T>{3, 4}};
  std::vector<Gated<T>> gates;
  UNROLL_PARTS(shape, read, gates)
  explicit Deep(const Shape& of = {}) : shape(of), gates(static_cast<std::size_t>(of.depth)) {}
  auto operator()(Wiring& run, Node<PackedSequence<T>> x) const {
    Node<PackedSequence<T>> h = run(read, x);
    for (const auto& gate : gates) h = run(gate, h);
    return shape.pool == Pool::max ? max_over_time(h) : mean_over_time(h);
  }
};
const auto made = [](const ModelInfo& info) { return Deep<float>(info.options_of<Shape>("shape")); };

struct Saved {
  TemporaryFolder folder;
  std::filesystem::path path = folder / "model.safetensors";
  Deep<float> model{{.depth = 2, .pool = Pool::max, .note = "a \"b\""}};
  Saved() {
    model.gates[1].how = {.open = 0.5, .both = true};
    initialize(model, Rng(3));
    save(path, model);
  }
  /// With other options in the file.
  std::string message_with(const std::string& options) const {
    const SafeTensors file = read_safetensors(path);
    SafeTensorsWriter writer;
    for (const auto& [name, tensor] : file.tensors)
      writer.add_array<float>(name, file.elements<float>(name), tensor.shape);
    for (const auto& [key, value] : file.metadata) writer.set_metadata(key, key == "unroll.options" ? options : value);
    writer.save(folder / "other.safetensors");
    return message_of([&] { load_model(made, folder / "other.safetensors"); });
  }
};
}  // namespace

TEST_CASE("a model's options are in its file: for who makes it, and in the model that comes back") {
  const Saved saved;
  const auto [model, info] = load_model(made, saved.path);
  CHECK(model.gates.size() == 2);
  CHECK(model.shape.pool == Pool::max);
  CHECK(model.shape.note == "a \"b\"");
  CHECK(model.gates[0].how.open == 1);
  CHECK(model.gates[1].how.open == 0.5);
  CHECK(model.gates[1].how.both);
  CHECK(info.options.size() == 7);
  CHECK(std::get<double>(info.options.at("gates.1.how.open")) == 0.5);
  CHECK(model.describe() ==
        "shape: depth 2, pool 1, note a \"b\", read: Recurrent<Gru> 3 -> 4, gates: ((how: open 1, both false, dense: "
        "Dense 4 -> 4), (how: open 0.5, both true, dense: Dense 4 -> 4))");
  std::ostringstream table;
  summary(model, table);
  CHECK(table.str().find("depth 2, pool 1") != std::string::npos);
  // The test vector was made up from the first part that is a layer.
  CHECK(read_safetensors(saved.path).metadata.contains("unroll.test_values"));
}

TEST_CASE("a model with options is a model as any other") {
  Deep<double> model({.depth = 3});
  model.gates[2].how.open = 0.3;
  randomize(model, Rng(5));
  const auto report = check_gradient(model, random_sequences<double>(3, ragged_lengths(), 6));
  INFO(report.str());
  CHECK(report.passed());
  CHECK(zeros_like(model).gates[2].how.open == 0.3);
}

TEST_CASE("an option that a file has wrongly is refused by its path; one that it lacks stays as it was made") {
  const Saved saved;
  const auto has = [&](const std::string& options, const char* expected) {
    const std::string message = saved.message_with(options);
    INFO(message);
    CHECK(message.find(expected) != std::string::npos);
  };
  const std::string rest = R"("shape.depth": 2, "shape.pool": 1})";
  has(R"({"shape.depth": 40000})", "other.safetensors: the option 'shape.depth' is 40000, expected -32768 to 32767");
  has(R"({"shape.depth": "two"})", "the option 'shape.depth' is 'two', expected an integer");
  has(R"({"shape.depth": 2.5})", "the option 'shape.depth' is 2.5, expected an integer");
  has(R"({"gates.0.how.open": true, )" + rest, "the option 'gates.0.how.open' is true, expected a number");
  has(R"({"gates.0.how.both": 1, )" + rest, "the option 'gates.0.how.both' is 1, expected true or false");
  has(R"({"shape.note": 1, "shape.depth": 2})", "the option 'shape.note' is 1, expected a text");
  has(R"({"gates.0.how.opne": 1, )" + rest, "the model has no option 'gates.0.how.opne'");
  has(R"({"shape.depth": 99999999999999999999})", "expected");
  has(R"({"shape.depth": 18446744073709551615})",
      "the option 'shape.depth' is 18446744073709551615, expected -32768 to 32767");
  has(R"({"shape.note": null})", "'shape.note' is null, expected a number, a text or a boolean");
  has(R"([2])", "metadata unroll.options: an array, expected an object");
  has("{", "unroll.options");
  // Another option makes another output: the test vector tells.
  has(R"({"gates.0.how.open": 3, "gates.1.how.open": 0.5, )" + rest, "test vector");
  CHECK(saved.message_with(R"({"gates.1.how.open": 0.5, )" + rest).empty());
}

namespace {
enum class Flag : bool { no, yes };
struct Numbers {
  std::uint64_t seed = 0x9E3779B97F4A7C15;
  Flag flag = Flag::yes;
  float rate = 1;
  std::size_t lists = 1;
  UNROLL_OPTIONS(seed, flag, rate, lists)
};
struct Numbered : Composite<Numbered> {
  Numbers how;
  std::vector<Dense<>> dense;
  UNROLL_PARTS(how, dense)
  explicit Numbered(const Numbers& of = {}) : how(of), dense(of.lists, Dense{2, 2}) {}
  auto operator()(Wiring& run, Node<Matrix<>> x) const { return run(dense[0], x); }
};
}  // namespace

TEST_CASE("large numbers and small enumerations come back; what asks for too much is the file's fault") {
  const TemporaryFolder folder;
  const auto path = folder / "m.safetensors";
  save(path, Numbered({.flag = Flag::no}));
  const auto numbered = [](const ModelInfo& info) { return Numbered(info.options_of<Numbers>("how")); };
  const auto [model, info] = load_model(numbered, path);
  CHECK(model.how.seed == 0x9E3779B97F4A7C15);
  CHECK(model.how.flag == Flag::no);
  const auto message_with = [&](const char* options) {
    const SafeTensors file = read_safetensors(path);
    SafeTensorsWriter writer;
    for (const auto& [key, value] : file.metadata) writer.set_metadata(key, key == "unroll.options" ? options : value);
    writer.save(folder / "other.safetensors");
    return message_of([&] { load_model(numbered, folder / "other.safetensors"); });
  };
  CHECK(message_with(R"({"how.flag": 2})").find("'how.flag' is 2, expected a value of an enumeration") !=
        std::string::npos);
  CHECK(message_with(R"({"how.rate": 1e300})").find("'how.rate' is 1e+300, expected at most 3.4") != std::string::npos);
  CHECK(message_with(R"({"how.lists": 18446744073709551615})").find("more than memory can hold") != std::string::npos);
  CHECK(message_with(R"({"how.seed": -1})").find("'how.seed' is -1, expected 0 to 18446744073709551615") !=
        std::string::npos);

  save(path, Dense{2, 2});
  const SafeTensors dense = read_safetensors(path);
  SafeTensorsWriter writer;
  for (const auto& [name, tensor] : dense.tensors)
    writer.add_array<float>(name, dense.elements<float>(name), tensor.shape);
  for (const auto& [key, value] : dense.metadata) writer.set_metadata(key, value);
  writer.set_metadata("unroll.options", R"({"no.such": 1})");
  writer.save(path);
  CHECK(message_of([&] { load_model([](const ModelInfo&) { return Dense{2, 2}; }, path); }).find("no.such") !=
        std::string::npos);
}

TEST_CASE("an option that no file can hold is refused before it is written") {
  const TemporaryFolder folder;
  Deep<float> model;
  model.gates[0].how.open = std::numeric_limits<double>::infinity();
  CHECK(message_of<std::invalid_argument>([&] { save(folder / "m.safetensors", model); }).find("gates.0.how.open") !=
        std::string::npos);
  model.gates[0].how.open = 1;
  model.shape.note = "\xff";
  CHECK(message_of<std::invalid_argument>([&] { save(folder / "m.safetensors", model); }) ==
        "save: the option 'shape.note' is not UTF-8");
  CHECK(!std::filesystem::exists(folder / "m.safetensors"));
}
