// The captioner as its user meets it.
#include "child.hpp"

namespace caption_example_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "caption";

/// `caption train` on few scenes of two things at most.
Words train(const fs::path& save, const Words& more = {}) {
  Words words{"train", "--threads", "1", "--save", save.string(), "--things", "2", "--units", "64"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}
double exact_match(const Result& result) {
  const std::string line = result.last_line(), begin = "exact match ";
  CAPTURE(result.out);
  REQUIRE(line.starts_with(begin));
  REQUIRE(line.ends_with(" in scenes of other combinations"));
  return std::stod(line.substr(begin.size()));
}

/// A model that is made once for all tests.
struct Trained {
  Folder folder;
  fs::path model = folder / "model.safetensors", log = folder / "log.csv", losses = folder / "losses.svg";
  Result result = run(program, train(model, {"--scenes", "6000", "--log", log.string(), "--plot", losses.string()}));
};
const Trained& trained() {
  static const Trained once;
  return once;
}
Result describe(const Words& scene, const How& how = {}) {
  Words words{"describe", "--model", trained().model.string()};
  words.insert(words.end(), scene.begin(), scene.end());
  return run(program, words, how);
}

TEST_CASE("caption train learns to say what is in scenes whose combinations it has not seen") {
  const Result& result = trained().result;
  check_well(result);
  CHECK(mentions(result.out, "6000 scenes to learn from, 500 to validate on"));
  CHECK(exact_match(result) >= 0.99);
  CHECK(lines(read(trained().log)).size() == 13);
  CHECK(read(trained().losses).starts_with("<svg"));
}

TEST_CASE("caption describe says what is in a scene, or in each line of its input") {
  const Result one = describe({"large red circle 0.1 0.5; small blue square 0.9 0.6"});
  check_well(one);
  CHECK(one.out == "a large red circle left of a small blue square\n");
  const Result many =
      describe({}, {.input = "small green star 0.5 0.5\nlarge red circle 0.1 0.9; large red star 0 0\n"});
  check_well(many);
  CHECK(many.out == "a small green star\na large red circle above a large red star\n");
}

TEST_CASE("a run of caption that was killed goes on from its file to the end it would have come to") {
  const Folder folder;
  const auto words = [&](const std::string& name, const fs::path& resume) {
    return train(folder / name, {"--scenes", "2000", "--epochs", "4", "--resume", resume.string()});
  };
  const Result whole = run(program, words("whole", folder / "whole_run"));
  check_well(whole);
  Program training(program, words("killed", folder / "run"));
  REQUIRE(training.wait_for([&] { return mentions(training.output(), "epoch 2/"); }));
  training.send(SIGKILL);
  training.wait();
  const Result resumed = run(program, words("killed", folder / "run"));
  check_well(resumed);
  CHECK(resumed.last_line() == whole.last_line());
  CHECK(read(folder / "killed") == read(folder / "whole"));
  CHECK_FALSE(mentions(resumed.out, "epoch 1/"));
}

TEST_CASE("caption refuses bad input in one line") {
  const Folder folder;
  const auto refused = [&](const Words& scene, const Words& parts) { check_refused(describe(scene), parts); };
  refused({"large purple circle 0.2 0.5"}, {"'purple' is none of red, green, blue"});
  refused({"large red circle 0.2"}, {"'large red circle 0.2' is not like 'large red circle 0.2 0.5'"});
  refused({";"}, {"is not like"});
  const std::string thing = "large red circle 0.2 0.5;";
  refused({thing + thing + thing + thing}, {"a scene has 1 to 3 things, got 4"});
  check_refused(run(program, {"describe", "--model", (folder / "none").string(), thing}), {(folder / "none").string()});
  check_refused(run(program, train(folder / "model", {"--things", "4"})), {"--things"});
  check_refused(run(program, {}), {"caption: "});
  for (const Words& help : {Words{"--help"}, Words{"train", "--help"}, Words{"describe", "--help"}})
    check_well(run(program, help));
}

}  // namespace caption_example_test
