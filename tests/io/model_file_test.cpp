#include <array>
#include <fstream>

#include <unroll/cell/lstm.hpp>
#include <unroll/cell/rnn.hpp>
#include <unroll/core/memory_limit.hpp>
#include <unroll/file/read_file.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/text/byte_pair_encoding.hpp>

#include "../support/not_finite.hpp"
#include "support.hpp"

using namespace unroll;

namespace {

template <class Cell = Lstm<>> auto make_classifier(Index V, Index D, Index H, Bias bias = Bias::dual) {
  return Sequential{Embedding{V, D}, FinalState{Recurrent{Cell{D, H}, {.bias = bias}}}, Dense{H, 2}};
}
const auto classifier_of = [](const ModelInfo& info) {
  return make_classifier(info.vocabulary_size(), info.size("0.weight", 1), info.size("1.weight_hh_l0", 1));
};
template <class Cell = Lstm<>> auto trained(const Vocabulary& vocabulary, Bias bias = Bias::dual) {
  auto model = make_classifier<Cell>(vocabulary.size(), 3, 5, bias);
  initialize(model, Rng{7}, Scheme::pytorch());
  return model;
}
const Vocabulary& vocabulary() {
  static const Vocabulary words =
      Vocabulary::from_tokens({"<PAD>", "<OOV>", "caf\xC3\xA9", "a\"b\\", "film"}, WhitespaceTokenizer{});
  return words;
}
template <class M> std::vector<std::byte> parameter_bytes(const M& model) {
  SafeTensorsWriter writer;
  add_parameters(writer, model);
  return writer.bytes();
}
SafeTensorsWriter rewrite(const SafeTensors& file, const std::map<std::string, std::string>& changes) {
  SafeTensorsWriter writer;
  for (const auto& [name, tensor] : file.tensors)
    writer.add_array<float>(name, file.elements<float>(name), tensor.shape);
  for (const auto& [key, value] : file.metadata) writer.set_metadata(key, value);
  for (const auto& [key, value] : changes) writer.set_metadata(key, value);
  return writer;
}

}  // namespace

TEST_CASE("a saved model is loaded with its vocabulary from the file alone") {
  const TemporaryFolder folder;
  const auto model = trained(vocabulary());
  save(folder / "model.safetensors", model, vocabulary());
  auto [again, words] = load(classifier_of, folder / "model.safetensors");
  CHECK(parameter_bytes(again) == parameter_bytes(model));
  CHECK(words == vocabulary());

  save(folder / "twice.safetensors", again, words);
  CHECK(read_file(folder / "twice.safetensors") == read_file(folder / "model.safetensors"));
}

TEST_CASE("a model file names a tokenizer of the user's own, and what stands for unknown tokens") {
  const TemporaryFolder folder;
  const auto path = folder / "model.safetensors";
  const Tokenizer whole("whole", [](std::string_view text, const auto& on_token) { on_token(text); });
  const auto words = Vocabulary::build({"a film", "another one"}, {.tokenizer = whole, .unknown = "<unk>"});
  save(path, trained(words), words);
  CHECK(load(classifier_of, path, {whole}).vocabulary == words);
  CHECK(load_model(classifier_of, path, {whole}).info.vocabulary == words);
  CHECK(read_model_info(path, {whole}).vocabulary->unknown() == "<unk>");
  CHECK_THROWS_WITH_AS(load(classifier_of, path),
                       doctest::Contains("model.safetensors: tokenizer 'whole', expected article, unicode-words"),
                       FormatError);
}

TEST_CASE("a model of byte pairs is loaded with their vocabulary, and with no others") {
  const TemporaryFolder folder;
  const auto path = folder / "model.safetensors";
  const auto pairs = BytePairEncoding::learn({"the river ran by the mill", "a caf\xC3\xA9 by the river"}),
             others = BytePairEncoding::learn({"to be or not to be"});
  const auto model = trained(pairs.vocabulary());
  save(path, model, pairs.vocabulary());
  auto [again, words] = load(classifier_of, path, {pairs.tokenizer()});
  CHECK(parameter_bytes(again) == parameter_bytes(model));
  CHECK(words == pairs.vocabulary());
  for (const std::string& text : {std::string("the river"), std::string("  caf\xC3\xA9s\n\"quoted\\\""),
                                  std::string("\xFF\xE2\x82\xAC"), std::string("a\0b", 3), std::string()})
    CHECK(words.encode(text) == pairs.encode(text));
  save(folder / "twice.safetensors", again, words);
  CHECK(read_file(folder / "twice.safetensors") == read_file(path));

  const std::string name(pairs.tokenizer().name());
  for (const std::vector<Tokenizer>& known : {std::vector<Tokenizer>{}, {others.tokenizer()}})
    CHECK_THROWS_WITH_AS(load(classifier_of, path, known),
                         doctest::Contains(("model.safetensors: tokenizer '" + name + "'").c_str()), FormatError);
}

TEST_CASE("architecture, labels and free metadata come back") {
  const TemporaryFolder folder;
  save(folder / "model", trained(vocabulary()), vocabulary(),
       {.architecture = "lstm", .labels = {"bad", "g\xC3\xB6od"}, .extra = {{"keep", "last"}, {"words", "400"}}});
  const ModelInfo info = read_model_info(folder / "model");
  CHECK(info.architecture == "lstm");
  CHECK(info.labels == std::vector<std::string>{"bad", "g\xC3\xB6od"});
  CHECK(info.extra == std::map<std::string, std::string>{{"keep", "last"}, {"words", "400"}});
  CHECK(info.library_version == UNROLL_VERSION_STRING);
  CHECK(info.vocabulary == vocabulary());
  CHECK(info.vocabulary_size() == 5);
  CHECK(info.size("1.weight_hh_l0", 0) == 20);
  CHECK(info.has("2.bias"));
  CHECK(info.description.find("Lstm") != std::string::npos);
  check_mentions(message_of([&] { info.value("first"); }), {"model", "'first'"});
  check_mentions(message_of([&] { info.size("3.weight", 0); }), {"model", "'3.weight'"});
  check_mentions(message_of([&] { info.size("2.bias", 1); }), {"'2.bias'", "(2)", "dimension 1"});
  check_mentions(message_of<std::invalid_argument>([&] {
                   save(folder / "model", trained(vocabulary()), vocabulary(), {.extra = {{"unroll.x", ""}}});
                 }),
                 {"'unroll.x'"});
}

TEST_CASE("a single bias stays single") {
  const TemporaryFolder folder;
  const auto model = trained(vocabulary(), Bias::single);
  save(folder / "model", model, vocabulary());
  CHECK(read_model_info(folder / "model").has("1.bias_hh_l0"));
  const auto make_single = [](const ModelInfo& info) {
    return make_classifier(info.vocabulary_size(), 3, 5, Bias::single);
  };
  CHECK(parameter_bytes(load(make_single, folder / "model").model) == parameter_bytes(model));
  check_mentions(message_of([&] { load(classifier_of, folder / "model"); }), {"'1.bias_hh_l0'", "single bias"});
}

TEST_CASE("a model of another architecture is refused with the tensor, got and expected") {
  const TemporaryFolder folder;
  save(folder / "model", trained(vocabulary()), vocabulary());
  const auto wider = [](const ModelInfo& info) { return make_classifier(info.vocabulary_size(), 3, 6); };
  check_mentions(message_of([&] { load(wider, folder / "model"); }),
                 {"model: tensor '1.weight_ih_l0'", "got F32 (20, 3)", "expected F32 (24, 3)"});
  const auto without_bias = [](const ModelInfo& info) {
    return make_classifier(info.vocabulary_size(), 3, 5, Bias::none);
  };
  check_mentions(message_of([&] { load(without_bias, folder / "model"); }), {"no place", "'1.bias_hh_l0'"});
}

TEST_CASE("a model with the same tensors and other equations fails the test vector") {
  const TemporaryFolder folder;
  save(folder / "model", trained<Rnn<>>(vocabulary()), vocabulary());
  const auto make_tanh = [](const ModelInfo& info) { return make_classifier<Rnn<>>(info.vocabulary_size(), 3, 5); };
  const auto make_relu = [](const ModelInfo& info) { return make_classifier<ReluRnn<>>(info.vocabulary_size(), 3, 5); };
  CHECK(message_of([&] { load(make_tanh, folder / "model"); }) == "");
  check_mentions(message_of([&] { load(make_relu, folder / "model"); }),
                 {"model", "not the one that was saved", "output"});
}

TEST_CASE("a weight that was changed in the file fails the test vector") {
  const TemporaryFolder folder;
  save(folder / "model", trained(vocabulary()), vocabulary());
  auto bytes = read_file(folder / "model");
  const SafeTensors file(std::span<const std::byte>(bytes), "model");
  const auto at = file.tensor("2.bias").bytes.data() - bytes.data();
  bytes[static_cast<std::size_t>(at) + 3] ^= std::byte{1};
  check_mentions(message_of([&] { load_model(classifier_of, SafeTensors(bytes, "model")); }),
                 {"model", "not the one that was saved"});
}

TEST_CASE("a model of values is checked by the test input that it is saved with") {
  const TemporaryFolder folder;
  Sequential model{FinalState{Recurrent{Lstm<double>{2, 4}}}, Dense<double>{4, 1}};
  initialize(model, Rng{3});
  SaveOptions options;
  options.test_input.values = Matrix<double>(2, 5);
  for (Index k = 0; k < 10; ++k) options.test_input.values.data()[k] = 0.3 * static_cast<double>(k) - 1;
  save(folder / "model", model, options);
  const auto make_model = [](const ModelInfo&) {
    return Sequential{FinalState{Recurrent{Lstm<double>{2, 4}}}, Dense<double>{4, 1}};
  };
  const auto [again, info] = load_model(make_model, folder / "model");
  CHECK(parameter_bytes(again) == parameter_bytes(model));
  CHECK(!info.vocabulary.has_value());
  check_mentions(message_of([&] { load(make_model, folder / "model"); }), {"no vocabulary"});
  const auto make_reverse = [](const ModelInfo&) {
    return Sequential{FinalState{Recurrent{Lstm<double>{2, 4}, {.reverse = true}}}, Dense<double>{4, 1}};
  };
  check_mentions(message_of([&] { load_model(make_reverse, folder / "model"); }), {"not the one that was saved"});

  options.test_input.values.resize(2, 33);
  options.test_input.values.setZero();
  check_mentions(message_of<std::invalid_argument>([&] { save(folder / "model", model, options); }),
                 {"33 steps", "32"});
}

TEST_CASE("damaged metadata is refused with the file and the key") {
  const TemporaryFolder folder;
  save(folder / "model", trained(vocabulary()), vocabulary(), {.labels = {"a", "b"}});
  const auto file = read_safetensors(folder / "model");
  const auto refusal = [&](const std::string& key, const std::string& value) {
    const auto bytes = rewrite(file, {{key, value}}).bytes();
    return message_of([&] { load_model(classifier_of, SafeTensors(bytes, "model")); });
  };
  CHECK(refusal("anything", "else") == "");
  check_mentions(refusal("unroll.format", "2"), {"model", "format version '2'", "expected 1"});
  check_mentions(refusal("unroll.fingerprint", "0"), {"model", "fingerprint", "'0'"});
  check_mentions(refusal("unroll.vocabulary", "[\"<PAD>\""), {"model", "unroll.vocabulary", "not JSON at byte"});
  check_mentions(refusal("unroll.vocabulary", std::string(100'000, '[')), {"model", "unroll.vocabulary", "an array"});
  check_mentions(refusal("unroll.vocabulary", R"(["<PAD>",1])"), {"model", "got a number", "strings"});
  check_mentions(refusal("unroll.vocabulary", R"(["<PAD>","<OOV>","x","x"])"), {"model", "'x'"});
  check_mentions(refusal("unroll.vocabulary", R"(["<PAD>","<OOV>"])"), {"model", "'0.weight'", "got F32 (5, 3)"});
  check_mentions(refusal("unroll.tokenizer", "bpe"), {"model", "'bpe'"});
  check_mentions(refusal("unroll.labels", "{}"), {"model", "unroll.labels", "got an object"});
  check_mentions(refusal("unroll.test_tokens", "[9]"), {"model", "test vector", "token id 9"});
  check_mentions(refusal("unroll.test_tokens", "[1.5]"), {"model", "test vector", "1.5"});
  check_mentions(refusal("unroll.test_tokens", "[-1]"), {"model", "test vector", "-1"});
  check_mentions(refusal("unroll.test_tokens", "[1e300]"), {"model", "test vector"});
  check_mentions(refusal("unroll.test_output", "[1]"), {"model", "gives 2 numbers", "expected 1"});
  check_mentions(refusal("unroll.test_output", "[\"x\"]"), {"model", "unroll.test_output", "got a string"});
  std::string many = "[1";
  for (int k = 0; k < 32; ++k) many += ",1";
  check_mentions(refusal("unroll.test_tokens", many + "]"), {"model", "more than 32"});
}

TEST_CASE("a model file that promises more than it holds is refused before memory is asked for") {
  const auto refusal = [](const std::vector<std::pair<std::string, std::array<Index, 2>>>& shapes) {
    SafeTensorsWriter writer;
    writer.set_metadata("unroll.format", "1");
    for (const auto& [name, shape] : shapes)
      writer.add_array<float>(name, std::vector<float>(static_cast<std::size_t>(shape[0] * shape[1])), shape);
    const auto make = [](const ModelInfo& info) {
      return make_classifier(5, info.size("0.weight", 1), info.size("1.weight_hh_l0", 1));
    };
    return message_of([&] { load_model(make, SafeTensors(writer.bytes(), "model")); });
  };
  check_mentions(refusal({{"0.weight", {5, 1}}, {"1.weight_hh_l0", {0, 20000}}}),
                 {"model: tensor '1.weight_hh_l0' is (0, 20000), which holds nothing"});
  check_mentions(refusal({{"0.weight", {5, 1}}, {"1.weight_hh_l0", {1, 20000}}}),
                 {"model: no model can be made with its sizes", "a matrix of 6400000000 bytes, expected at most "});
  check_mentions(refusal({{"0.weight", {1, 50000}}, {"1.weight_hh_l0", {4000, 1000}}}),
                 {"model: no model can be made with its sizes", "a matrix of 800000000 bytes"});
  check_mentions(refusal({{"0.weight", {5, 3}}, {"1.weight_hh", {20, 5}}}),
                 {"model: no tensor '1.weight_hh_l0'; the nearest is '1.weight_hh'"});
}

TEST_CASE("the limit on memory ends with the call that set it") {
  using unroll::detail::MemoryLimit;
  {
    const MemoryLimit limit(1000);
    const MemoryLimit looser(4000);
    CHECK(Matrix<float>(10, 10).size() == 100);
    check_mentions(message_of<std::invalid_argument>([] { Matrix<float>(20, 10); }), {"a matrix of 832 bytes"});
  }
  CHECK(Matrix<float>(100, 100).size() == 10000);
}

TEST_CASE("what the maker of a model throws is said of the file") {
  const TemporaryFolder folder;
  save(folder / "model", trained(vocabulary()), vocabulary());
  const auto make = [](const ModelInfo&) -> decltype(make_classifier(1, 1, 1)) {
    throw std::invalid_argument("H is 0, expected at least 1");
  };
  check_mentions(message_of([&] { load(make, folder / "model"); }),
                 {"model: no model can be made with its sizes: H is 0, expected at least 1"});
}

TEST_CASE("a test input may be any Eigen expression of float or double") {
  const TemporaryFolder folder;
  Sequential model{FinalState{Recurrent{Lstm{2, 4}}}, Dense{4, 1}};
  initialize(model, Rng{3});
  const Matrix<float> x = Matrix<float>::Random(2, 5);
  const Eigen::MatrixXd wide = x.cast<double>();
  save(folder / "a", model, {.test_input = {.values = x}});
  save(folder / "b", model, {.test_input = {.values = wide}});
  save(folder / "c", model, {.test_input = {.values = 2 * (0.5f * x)}});
  SaveOptions options;
  options.test_input.values = x.leftCols(5);
  save(folder / "d", model, options);
  for (const char* other : {"b", "c", "d"}) CHECK(read_file(folder / other) == read_file(folder / "a"));
}

TEST_CASE("a file of others is refused by load and read by load_parameters") {
  const TemporaryFolder folder;
  const auto model = trained(vocabulary());
  SafeTensorsWriter writer;
  add_parameters(writer, model);
  writer.save(folder / "other");
  check_mentions(message_of([&] { load(classifier_of, folder / "other"); }), {"other", "not a model saved by unroll"});
  auto again = make_classifier(5, 3, 5);
  load_parameters(read_safetensors(folder / "other"), again);
  CHECK(parameter_bytes(again) == parameter_bytes(model));
  check_mentions(message_of([&] { load(classifier_of, folder / "none"); }), {"none", "No such file"});
}

TEST_CASE("what could not be loaded again is not saved, and the old file stays") {
  const TemporaryFolder folder;
  auto model = trained(vocabulary());
  save(folder / "model", model, vocabulary());
  const auto before = read_file(folder / "model");
  model.layer<2>().bias(0) = not_finite::nan<float>();
  check_mentions(message_of<std::invalid_argument>([&] { save(folder / "model", model, vocabulary()); }), {"'2.bias'"});
  check_mentions(message_of<std::invalid_argument>(
                     [&] { save(folder / "model", trained(vocabulary()), vocabulary(), {.labels = {"caf\xE9"}}); }),
                 {"label", "UTF-8"});
  CHECK(read_file(folder / "model") == before);
  CHECK(folder.files() == 1);
}
