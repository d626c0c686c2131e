// Models whose files decide what they are.
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include <unroll/cell/derived.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/network/run.hpp>
#include <unroll/network/trained_kinds.hpp>
#include <unroll/train/load_any.hpp>
#include <unroll/unroll.hpp>

#include "../io/support.hpp"
#include "../support/forward_only.hpp"
#include "../support/sequences.hpp"
#include "../support/slow_cell.hpp"

using namespace unroll;

namespace load_any_test {

Vocabulary words() { return Vocabulary::build(std::vector<std::string>{"one two three four", "two three five"}); }
/// The file of a model, with `from` changed to `to` in its bytes, of the same length.
void change_file(const std::filesystem::path& path, const std::string& from, const std::string& to) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  in.close();
  const auto at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  REQUIRE(from.size() == to.size());
  std::ofstream(path, std::ios::binary) << bytes.replace(at, from.size(), to);
}
template <class M> M initialized(M model) {
  initialize(model, Rng{1}, {.embedding = Initializer::normal});
  return model;
}
std::string refusal(const std::filesystem::path& path) {
  return message_of([&] { load_any(path); });
}

TEST_CASE("a classifier of texts comes back without its type, and predicts the same" * doctest::test_suite("bits")) {
  const TemporaryFolder folder;
  const Vocabulary vocabulary = words();
  const auto model = initialized(Sequential{
      Embedding{vocabulary.size(), 4}, Dropout{0.2},
      FinalState{Stack{Recurrent{Lstm{4, 5}}, Dropout{0.2}, Bidirectional{Gru{5, 3}, {}, Merge::sum}}}, Dense{3, 2}});
  save(folder / "model", model, vocabulary, {.architecture = "mine", .labels = {"bad", "good"}});
  const LoadedAny loaded = load_any(folder / "model");
  CHECK(loaded.takes_tokens());
  CHECK(loaded.has_final_state());
  CHECK(loaded.info.labels == std::vector<std::string>{"bad", "good"});
  CHECK(loaded.info.architecture == "mine");
  REQUIRE(loaded.info.vocabulary);
  const auto ids = vocabulary.encode("two one six");
  const auto expected = infer(model, std::span<const std::int32_t>(ids));
  CHECK(loaded.infer("two one six") == expected);
  CHECK(loaded.infer(std::span<const std::int32_t>(ids)) == expected);
  CHECK(loaded.predict("two one six").sum() == doctest::Approx(1));
  CHECK(loaded.predict("two one six")(0, 0) == predict(model, std::span<const std::int32_t>(ids)).probabilities[0]);
  check_mentions(message_of<std::invalid_argument>([&] { loaded.infer(Matrix<float>::Zero(3, 2)); }),
                 {"layer 0: Embedding 7 x 4: got a vector for every step, expected token ids"});
}

TEST_CASE("a model of values with an output for every step, and more training of it") {
  const TemporaryFolder folder;
  const auto model = initialized(
      Sequential{Recurrent{Gru{3, 4}, {.learned_initial_state = true}}, LayerNorm{4}, Elu{0.5}, Dense{4, 1}});
  save(folder / "model", model);
  LoadedAny loaded = load_any(folder / "model");
  CHECK_FALSE(loaded.takes_tokens());
  CHECK_FALSE(loaded.has_final_state());
  const auto x = random_matrix<float>(3, 6, 4);
  CHECK(loaded.infer(x) == infer(model, x));
  CHECK(loaded.predict(x) == predict(model, x));
  check_mentions(message_of<std::invalid_argument>([&] { loaded.infer("text"); }), {"the file has no vocabulary"});
  std::visit(
      [&]<class M>(M& of) {
        Workspace<M, PackedSequence<float>> work(of);
        Optimizer optimizer(of, Adam{.rate = 1e-2});
        const PackedSequence<float> batch = pack(x);
        const Matrix<float> targets = Matrix<float>::Ones(1, 6);
        std::vector<double> losses;
        for (std::uint64_t step = 0; step < 20; ++step)
          losses.push_back(train_step(of, MeanSquaredError{}, optimizer, batch, targets, work, {.step = step}).loss);
        CHECK(losses.back() < losses.front());
      },
      loaded.model);
}

TEST_CASE("kinds of one's own, models in double, and the files of other programs") {
  const TemporaryFolder folder;
  const auto own = initialized(Sequential{Recurrent{Derived<Slow<>>{3, 4}}, Dense{4, 2}});
  save(folder / "own", own);
  const auto x = random_matrix<float>(3, 5, 4);
  CHECK(load_any<SlowKinds>(folder / "own").infer(x) == infer(own, x));
  check_mentions(refusal(folder / "own"), {"'slow' is not a layer this library has"});

  const auto in_double = initialized(Sequential{Recurrent{Lstm<double>{3, 4}}, Dense<double>{4, 2}});
  save(folder / "double", in_double);
  const Matrix<double> expected = infer(in_double, Matrix<double>(x.cast<double>()));
  CHECK((load_any(folder / "double").infer(x).cast<double>() - expected).cwiseAbs().maxCoeff() < 1e-6);

  const std::filesystem::path data = UNROLL_TEST_DATA "/io";
  for (const char* name : {"rtneural_lstm.json", "rtneural_gru.json", "keras_stack.safetensors"}) {
    CAPTURE(name);
    const Network network = load_network(data / name);
    const LoadedAny loaded = load_any(data / name);
    const auto input = random_matrix<float>(network.inputs(), 9, 4);
    const Matrix<double> by_the_book = run_network(network, input.cast<double>());
    CHECK((loaded.infer(input).cast<double>() - by_the_book).cwiseAbs().maxCoeff() < 1e-5);
  }
  CHECK(load_any(data / "keras_tagger.safetensors").takes_tokens());
  check_mentions(refusal(data / "guitarml_lstm.json"), {"guitarml_lstm.json", "skip or gains"});
}

TEST_CASE("files that are no such model are refused") {
  const TemporaryFolder folder;
  const Vocabulary vocabulary = words();
  const auto path = folder / "model";
  save(path, initialized(Sequential{Embedding{vocabulary.size(), 4}, Recurrent{Lstm{4, 5}}, Dense{5, 2}}), vocabulary);
  CHECK(refusal(path).empty());
  change_file(path, "lstm", "lstn");
  check_mentions(refusal(path), {"model: ", "'lstn' is not a layer this library has"});
  change_file(path, "lstn", "lstm");
  CHECK(refusal(path).empty());
  change_file(path, "test_tokens\":\"[5", "test_tokens\":\"[4");
  check_mentions(refusal(path), {"the model is not the one that was saved"});

  save(path, initialized(Sequential{Embedding{vocabulary.size() - 1, 4}, Recurrent{Lstm{4, 5}}}),
       {.test_input = {.tokens = {1, 2}}});
  CHECK(refusal(path).empty());
  save(path, initialized(Sequential{Embedding{vocabulary.size() - 1, 4}, Recurrent{Lstm{4, 5}}}), vocabulary,
       {.test_input = {.tokens = {1, 2}}});
  check_mentions(refusal(path), {"the vocabulary has 7 entries, the model's embedding 6"});
  save(path, initialized(Sequential{Recurrent{Lstm{4, 5}}}), vocabulary,
       {.test_input = {.values = Matrix<>::Ones(4, 2)}});
  check_mentions(refusal(path), {"a vocabulary, but the model takes no token ids"});
  save(path, initialized(Sequential{Recurrent{Derived<GruEquations<float>>{4, 5}}}));
  CHECK_FALSE(refusal(path).empty());
  check_mentions(refusal(folder / "none"), {"No such file"});
}

}  // namespace load_any_test
