// The amplifier as its user meets it.
#include "child.hpp"

namespace amp_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "amp";

/// A model of the built-in amplifier after a few epochs, made once for all tests.
struct Trained {
  Folder folder;
  Result result = run(program, {"train", "--seconds", "4", "--epochs", "6", "--units", "8", "--streams", "8",
                                "--window", "256", "--rate", "0.01", "--save", (folder / "amp").string()});
};
const Trained& trained() {
  static const Trained once;
  return once;
}
/// The number behind the last "error to signal".
double error_to_signal(const Result& result) {
  const std::size_t at = result.out.rfind("error to signal ");
  REQUIRE(at != std::string::npos);
  return std::stod(result.out.substr(at + 16));
}
Result play(const fs::path& model, const fs::path& output, const Words& more = {}) {
  Words words{"run", "--model", model.string(), "--output", output.string()};
  words.insert(words.end(), more.begin(), more.end());
  return run(program, words);
}

TEST_CASE("amp train learns the built-in amplifier and saves it in three formats") {
  check_well(trained().result);
  CHECK(error_to_signal(trained().result) < 0.5);
  for (const char* ending : {".safetensors", ".json", ".nam"})
    CHECK(fs::exists(trained().folder.path() / (std::string("amp") + ending)));
}

TEST_CASE("amp run plays all three alike, whatever the size of the blocks") {
  const Folder folder;
  const fs::path first = folder / "first.wav", other = folder / "other.wav";
  check_well(play(trained().folder / "amp.safetensors", first));
  for (const char* ending : {"amp.json", "amp.nam"}) {
    const Result result = play(trained().folder / ending, other, {"--target", first.string()});
    check_well(result);
    CHECK(error_to_signal(result) < 1e-9);
    CHECK(mentions(result.out, "times real time"));
    CHECK(mentions(result.out, "a step takes"));
  }
  const Result result = play(trained().folder / "amp.json", other, {"--target", first.string(), "--block", "17"});
  check_well(result);
  CHECK(error_to_signal(result) < 1e-9);
}

TEST_CASE("amp run reads the WAV files that amp run wrote") {
  const Folder folder;
  check_well(play(trained().folder / "amp.json", folder / "once.wav"));
  check_well(play(trained().folder / "amp.json", folder / "twice.wav", {"--input", (folder / "once.wav").string()}));
  CHECK(fs::file_size(folder / "once.wav") == fs::file_size(folder / "twice.wav"));
}

TEST_CASE("amp run turns the knobs of a model that has some") {
  const Folder folder;
  const fs::path model = fs::path(UNROLL_SOURCE_DIR) / "tests/data/io/guitarml_gru.json";
  check_well(play(model, folder / "low.wav", {"--knobs", "0.1"}));
  const Result high = play(model, folder / "high.wav", {"--knobs", "0.9", "--target", (folder / "low.wav").string()});
  check_well(high);
  CHECK(error_to_signal(high) > 1e-4);
  check_refused(play(model, folder / "none.wav"), {"2 inputs and 1 outputs, expected the sound and 0 knobs"});
}

TEST_CASE("amp says in one line what it cannot do") {
  const Folder folder;
  const fs::path text = folder.write("a.wav", "not a sound");
  check_refused(play(text, folder / "b.wav"), {"amp: ", "a.wav: not JSON"});
  check_refused(play(trained().folder / "amp.json", folder / "b.wav", {"--input", text.string()}),
                {"a.wav: cannot read"});
  check_refused(play(trained().folder / "amp.json", folder / "none" / "b.wav"), {"b.wav: cannot write"});
  check_refused(run(program, {"train", "--input", text.string(), "--target", text.string()}), {"a.wav: cannot read"});
  check_refused(run(program, {"train", "--input", text.string()}), {"--input and --target belong together"});
}

}  // namespace amp_test
