// The examples that stream: a verdict after every word, models swapped under running audio, a model as a header.
#include <cmath>
#include <string>

#include "child.hpp"

namespace stream_test {

using namespace child;

const fs::path programs = UNROLL_EXAMPLES_DIR;
const std::string data = UNROLL_SOURCE_DIR "/tests/data/io/";

TEST_CASE("stream_sentiment gives after the last word what sentiment gives for the whole text") {
  const Folder folder;
  const std::string model = (folder / "model.safetensors").string(),
                    reviews = UNROLL_SOURCE_DIR "/examples/data/reviews_";
  check_well(run(programs / "sentiment",
                 {"train", "--threads", "1", "--save", model, "--train", reviews + "train.tsv", "--test",
                  reviews + "test.tsv", "--words", "200", "--length", "10", "--limit", "64", "--epochs", "1"}));
  const std::string text = "the film was not bad";
  const Result whole = run(programs / "sentiment", {"predict", "--model", model, text});
  check_well(whole);
  const Result words = run(programs / "stream_sentiment", {"--model", model}, {.input = text});
  check_well(words);
  const auto verdicts = lines(words.out);
  REQUIRE(verdicts.size() == 5);
  CHECK(mentions(verdicts[4], " bad"));
  const double confidence = std::stod(whole.out.substr(9)) / 100, last = std::stod(verdicts[4]);
  CHECK(std::abs(last - (mentions(whole.out, "POSITIVE") ? confidence : 1 - confidence)) < 0.0011);
}

TEST_CASE("audio_callback swaps models while audio runs") {
  const Result result =
      run(programs / "audio_callback", {data + "nam_lstm.nam", data + "guitarml_lstm.json", "--seconds", "0.3"});
  check_well(result);
  CHECK(mentions(result.out, " swaps, longest block "));
  check_refused(run(programs / "audio_callback", {data + "nam_stereo.nam"}), {"one input and one output"});
}

TEST_CASE("unroll_export writes the header that tests/embedded runs") {
  const Folder folder;
  const fs::path header = folder / "amp.hpp";
  check_well(run(programs / "unroll_export", {data + "nam_lstm.nam", header.string(), "--name", "amp"}));
#if !defined(__FAST_MATH__)  // the outputs of its test vector are rounded differently there
  CHECK(read(header) == read(UNROLL_SOURCE_DIR "/tests/embedded/amp.hpp"));
#endif
  check_refused(run(programs / "unroll_export", {data + "rtneural_conv1d.json", header.string()}), {"conv1d"});
}

}  // namespace stream_test
