// The word language model as its user meets it.
#include "child.hpp"

namespace word_lm_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "word_lm";

/// The same line again and again: what comes next is known, so a model can learn it in no time.
std::string cycle(int times) {
  std::string text;
  for (int k = 0; k < times; ++k) text += "one two & four <unk> six\n";
  return text;
}
Words train(const fs::path& text, const fs::path& save, const Words& more = {}) {
  Words words{"train", "--train", text.string(), "--save", save.string(), "--threads", "1"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// A model of the line, made once for all tests.
struct Trained {
  Folder folder;
  fs::path text = folder.write("text.txt", cycle(1200)), model = folder / "model.safetensors", log = folder / "log.csv",
           losses = folder / "losses.html";
  Result result = run(program, train(text, model, {"--log", log.string(), "--plot", losses.string()}));
};
const Trained& trained() {
  static const Trained once;
  return once;
}
double perplexity(const std::string& line) {
  const std::size_t at = line.rfind("perplexity ");
  REQUIRE(at != std::string::npos);
  return std::stod(line.substr(at + 11));
}

TEST_CASE("word_lm train learns a text and ends with its perplexity on the last tenth") {
  const Result& result = trained().result;
  check_well(result);
  CHECK(mentions(result.out, "6720 words to learn from, 8 different ones; 840 to be tested on"));
  CHECK(mentions(result.last_line(), "test perplexity"));
  CHECK(perplexity(result.last_line()) < 1.5);  // 7 for one who knows nothing
  CHECK(lines(read(trained().log)).size() == 14);
  const std::string page = read(trained().losses);
  CHECK(mentions(page, "<svg"));
  CHECK(mentions(page, "validation</text>"));
}

TEST_CASE("word_lm evaluate tells how well a text is predicted, shows it, and learns on from it") {
  const Folder folder;
  const fs::path other = folder.write("other.txt", "six four <unk> & one\nsix four <unk> & one\n" + cycle(3)),
                 page = folder / "page.html";
  const Words words{"evaluate", "--model", trained().model.string(), "--text", other.string()};
  const Result still = run(program, words);
  check_well(still);
  CHECK(lines(still.out).size() == 1);
  Words more = words;
  more.insert(more.end(), {"--dynamic", "--learned-from", trained().text.string(), "--plot", page.string()});
  const Result dynamic = run(program, more);
  check_well(dynamic);
  CHECK(lines(dynamic.out).at(0) == still.last_line());
  CHECK(mentions(dynamic.last_line(), "dynamic perplexity"));
  CHECK(perplexity(dynamic.last_line()) != perplexity(still.last_line()));
  const std::string shown = read(page);
  CHECK(shown.rfind("<!DOCTYPE html>", 0) == 0);
  CHECK(mentions(shown, ">&amp;</text>"));
  CHECK(mentions(shown, "&lt;unk&gt;"));
  CHECK(mentions(shown, "y=\"10\""));  // a line of the text is a line of the picture
  CHECK(mentions(shown, "y=\"30\""));
}

TEST_CASE("word_lm write goes on from a start") {
  const auto write = [&](const Words& more) {
    Words words{"write", "--model", trained().model.string(), "--start", "one two"};
    words.insert(words.end(), more.begin(), more.end());
    const Result result = run(program, words);
    check_well(result);
    return result.out;
  };
  CHECK(mentions(write({"--temperature", "0", "--words", "2"}), "one two & four"));
  CHECK(write({"--words", "0"}) == "one two \n");
  const std::string hot = write({"--temperature", "9"});
  CHECK(hot == write({"--temperature", "9"}));
  CHECK(hot != write({"--temperature", "9", "--seed", "2"}));
  CHECK_FALSE(mentions(hot, "<unk>"));
}

TEST_CASE("word_lm that was killed goes on from its file to the end it would have come to") {
  const Folder folder;
  const fs::path kept = folder / "run", text = folder.write("text", cycle(300));
  const auto words = [&](const std::string& name, const fs::path& resume) {
    return train(text, folder / name, {"--epochs", "8", "--resume", resume.string()});
  };
  const Result whole = run(program, words("whole", folder / "whole_run"));
  check_well(whole);
  Program training(program, words("killed", kept));
  REQUIRE(training.wait_for([&] { return mentions(training.output(), "epoch 2/"); }));
  training.send(SIGKILL);
  training.wait();
  const Result resumed = run(program, words("killed", kept));
  check_well(resumed);
  CHECK(resumed.last_line() == whole.last_line());
  CHECK_FALSE(mentions(resumed.out, "epoch 1/"));
}

TEST_CASE("word_lm trains the larger plan, too") {
  const Folder folder;
  const fs::path model = folder / "model", text = folder.write("text", cycle(100));
  const Result result = run(program, train(text, model, {"--plan", "tied", "--epochs", "1"}));
  check_well(result);
  const Result again = run(program, {"evaluate", "--model", model.string(), "--text", text.string()});
  check_well(again);
}

TEST_CASE("word_lm refuses bad input in one line") {
  const Folder folder;
  const fs::path none = folder / "none", empty = folder.write("empty", ""), one = folder.write("one", "a b c"),
                 model = folder / "model";
  const auto refused = [&](const Words& words, const Words& parts) {
    check_refused(run(program, words), parts);
    CHECK_FALSE(fs::exists(model));
  };
  refused(train(none, model), {"word_lm: ", none.string()});
  refused(train(empty, model), {empty.string(), "an empty text"});
  refused(train(one, model), {one.string(), "1 lines"});
  refused(train(trained().text, model, {"--valid", one.string()}), {"--valid and --test"});
  refused(train(trained().text, model, {"--valid", empty.string(), "--test", one.string()}), {empty.string()});
  refused(train(trained().text, model, {"--plan", "large"}), {"--plan"});
  refused(train(trained().text, model, {"--epochs", "-1"}), {"--epochs"});
  refused({"evaluate", "--model", trained().model.string(), "--text", empty.string()}, {empty.string()});
  refused({"evaluate", "--model", trained().model.string(), "--text", one.string()}, {one.string(), "no word of it"});
  refused({"evaluate", "--model", none.string(), "--text", one.string()}, {none.string()});
  refused({"write", "--model", trained().text.string()}, {trained().text.string()});
}

}  // namespace word_lm_test
