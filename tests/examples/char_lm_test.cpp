// The character language model as its user meets it.
#include "child.hpp"

namespace char_lm_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "char_lm";
const std::string bundled = UNROLL_SOURCE_DIR "/examples/data/lm.txt";

/// "abcdefgh" again and again: what comes next is known, so a model can learn it in no time. Not all of it is ASCII.
std::string alphabet(int times) {
  std::string text;
  for (int k = 0; k < times; ++k) text += "abcdéfgh";
  return text;
}

Words train(const fs::path& text, const fs::path& save, const Words& more = {}) {
  Words words{"train",   "--text", text.string(), "--save",    save.string(), "--layers",  "1",
              "--units", "24",     "--features",  "8",         "--streams",   "8",         "--window",
              "16",      "--rate", "0.02",        "--dropout", "0",           "--threads", "1"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// A model of the alphabet, made once for all tests.
struct Trained {
  Folder folder;
  fs::path text = folder.write("text.txt", alphabet(400)), model = folder / "model.safetensors";
  Result result = run(program, train(text, model, {"--epochs", "20"}));
  std::string bytes = read(model);
};
const Trained& trained() {
  static const Trained once;
  return once;
}

double nats(const std::string& line) {
  REQUIRE(shape(line) == "test d.dddd nats per character");
  return std::stod(line.substr(5));
}

TEST_CASE("char_lm train learns a text and ends with its nats per character on the last tenth") {
  const Result& result = trained().result;
  check_well(result);
  CHECK(nats(result.last_line()) < 0.1);  // log 8 = 2.08 for one who knows nothing
  CHECK(mentions(result.out, "2880 characters to learn from, 10 different ones"));
  CHECK(fs::exists(trained().model));
}

TEST_CASE("char_lm evaluate gives the line of train, from another folder too") {
  const Folder elsewhere;
  const Words words{"evaluate", "--model", trained().model.string(), "--text", trained().text.string()};
  const Result result = run(program, words, {.folder = elsewhere.path()});
  check_well(result);
  CHECK(result.out == trained().result.last_line() + "\n");
  Words all = words;
  all.emplace_back("--all");
  CHECK(nats(run(program, all).last_line()) < 0.1);
}

TEST_CASE("char_lm sample writes on from a start") {
  const Folder elsewhere;
  const auto sample = [&](const Words& more) {
    Words words{"sample", "--model", trained().model.string(), "--start", "éfg"};
    words.insert(words.end(), more.begin(), more.end());
    const Result result = run(program, words, {.folder = elsewhere.path()});
    check_well(result);
    return result.out;
  };
  CHECK(sample({"--temperature", "0", "--length", "11"}) == "éfghabcdéfghab\n");
  CHECK(sample({"--temperature", "0", "--length", "0"}) == "éfg\n");
  const std::string hot = sample({"--temperature", "5", "--length", "40"});
  CHECK(hot == sample({"--temperature", "5", "--length", "40"}));
  CHECK(hot != sample({"--temperature", "5", "--length", "40", "--seed", "2"}));
  CHECK_FALSE(mentions(hot, "<OOV>"));
  check_well(run(program, {"sample", "--model", trained().model.string(), "--start", "an unknown Q", "--length", "3"}));
}

TEST_CASE("char_lm trains stacked layers with dropout for as long as it is told") {
  const Folder folder;
  const fs::path model = folder / "model";
  const auto begin = std::chrono::steady_clock::now();
  const Words words{"train", "--text", bundled, "--layers", "3", "--units",   "8",    "--dropout",
                    "0.3",   "--save", "model", "--seed",   "3", "--minutes", "0.005"};
  const Result result = run(program, words, {.folder = folder.path()});
  check_well(result);
  CHECK(std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(300));
  CHECK(nats(result.last_line()) < 4.5);
  CHECK(run(program, {"evaluate", "--model", model.string()}).out == result.last_line() + "\n");
}

TEST_CASE("char_lm refuses bad input in one line, and the old model stays") {
  const Folder folder;
  const fs::path model = folder.write("model", trained().bytes);
  const auto refused = [&](const Words& words, const Words& parts) {
    check_refused(run(program, words), parts);
    CHECK(read(model) == trained().bytes);
  };
  const fs::path none = folder / "none", empty = folder.write("empty", ""), one = folder.write("one", "a");
  refused(train(none, model), {"char_lm: ", none.string()});
  refused(train(empty, model), {empty.string(), "characters"});
  refused(train(one, model), {one.string(), "characters"});
  refused(train(trained().text, model, {"--epochs", "-1"}), {"--epochs"});
  refused(train(trained().text, model, {"--minutes", "0"}), {"--minutes"});
  refused(train(trained().text, none / "model", {"--epochs", "1"}), {none.string(), "No such file"});
  refused({"train", "--layers", "0"}, {"--layers"});
  refused({"sample", "--model", model.string(), "--temperature", "-1"}, {"--temperature"});
  refused({"sample", "--model", model.string(), "--start", ""}, {"--start"});
  refused({"sample", "--model", none.string()}, {none.string(), "No such file"});
  refused({"sample", "--model", bundled}, {bundled});
  refused({"evaluate", "--model", model.string(), "--text", none.string()}, {none.string()});
  refused({"evaluate", "--model", model.string(), "--text", one.string(), "--all"}, {one.string(), "1 characters"});
  const fs::path foreign = folder.write("foreign", "12345");
  refused({"evaluate", "--model", model.string(), "--text", foreign.string(), "--all"},
          {foreign.string(), "no character of it"});
  const fs::path half = folder.write("half", trained().bytes.substr(0, trained().bytes.size() / 2));
  refused({"sample", "--model", half.string()}, {half.string()});
  std::string other = trained().bytes;
  const auto at = other.find("\"char_lm\"");
  REQUIRE(at != std::string::npos);
  const fs::path renamed = folder.write("renamed", other.replace(at, 9, "\"lstm\"   "));
  refused({"sample", "--model", renamed.string()}, {renamed.string(), "'lstm'", "expected char_lm"});

  const Result full = run(program, train(trained().text, model, {"--epochs", "1"}), {.largest_file = 8'000});
  check_refused(full, {model.string(), "File too large"});
  CHECK(read(model) == trained().bytes);
}

TEST_CASE("Ctrl-C ends char_lm's training, and what it learned is saved") {
  const Folder folder;
  const fs::path model = folder / "model";
  Program training(program, train(trained().text, model, {"--minutes", "0.5"}));
  REQUIRE(training.wait_for([&] { return mentions(training.output(), "epoch 1: loss"); }));
  training.send(SIGINT);
  const Result result = training.wait();
  check_well(result);
  CHECK(mentions(result.out, "interrupted"));
  CHECK(nats(result.last_line()) < 1);
  check_well(run(program, {"sample", "--model", model.string(), "--length", "5"}));
}

TEST_CASE("a run of char_lm that was killed goes on from its file, and tells of all its epochs") {
  const Folder folder;
  const fs::path log = folder / "log.csv", losses = folder / "losses.html";
  const auto words = [&](const std::string& name, const std::string& run) {
    return train(trained().text, folder / name,
                 {"--epochs", "30", "--resume", (folder / run).string(), "--log", log.string(), "--plot",
                  losses.string(), "--held-out", "0.1"});
  };
  const Result whole = run(program, words("whole", "whole_run"));
  check_well(whole);
  fs::remove(log);
  Program training(program, words("killed", "run"));
  REQUIRE(training.wait_for([&] { return lines(read(log)).size() >= 3; }));
  training.send(SIGKILL);
  training.wait();
  const Result resumed = run(program, words("killed", "run"));
  check_well(resumed);
  CHECK(resumed.last_line() == whole.last_line());
  CHECK(lines(read(log)).size() == 31);
  CHECK(mentions(read(losses), "validation</text>"));
}

TEST_CASE("char_lm evaluate learns on from a text, and shows it") {
  const Folder folder;
  const fs::path page = folder / "page.svg";
  const Result result = run(program, {"evaluate", "--model", trained().model.string(), "--text",
                                      trained().text.string(), "--dynamic", "--plot", page.string()});
  check_well(result);
  CHECK(shape(result.last_line()) == "dynamic d.dddd nats per character");
  const std::string shown = read(page);
  CHECK(shown.rfind("<svg", 0) == 0);  // a picture alone
  CHECK(mentions(shown, ">é</text></g>"));
}

}  // namespace char_lm_test
