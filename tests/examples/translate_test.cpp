// The translator as its user meets it.
#include "child.hpp"

namespace translate_example_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "translate";

Result run_with(Words words, const Words& more, const How& how = {}) {
  words.insert(words.end(), more.begin(), more.end());
  return run(program, words, how);
}
/// On what is like that from which it has learned, or in a format that was held out.
double exact_match(const Result& result, const std::string& format = "") {
  const std::string begin = "exact match ", end = format.empty() ? "" : " in a format that it has not seen: " + format;
  for (const std::string& line : lines(result.out))
    if (line.starts_with(begin) && (format.empty() || line.ends_with(end))) return std::stod(line.substr(begin.size()));
  CAPTURE(result.out);
  FAIL("there is no exact match");
  return 0;
}

/// A model of dates, made once for all tests.
struct Trained {
  Folder folder;
  fs::path model = folder / "dates.safetensors", log = folder / "log.csv", losses = folder / "losses.html";
  Result result = run(program, {"train", "--task", "dates", "--save", model.string(), "--log", log.string(), "--plot",
                                losses.string(), "--threads", "1"});
};
const Trained& trained() {
  static const Trained once;
  return once;
}

TEST_CASE("translate train learns to write dates that it has not seen") {
  const Result& result = trained().result;
  check_well(result);
  CHECK(mentions(result.out, "4000 pairs to learn from, 200 to validate on"));
  CHECK(exact_match(result) >= 0.99);
  CHECK(exact_match(result, "3 March 1987") > 0.5);
  CHECK(exact_match(result, "Mar 3, 1987") > 0.5);
  CHECK(exact_match(result, "1987.3.3") < 0.5);  // a year comes first in no other
  CHECK(lines(read(trained().log)).size() == 9);
  CHECK(mentions(read(trained().losses), "<svg"));
}

TEST_CASE("translate train learns numbers and words from their ends") {
  const Folder folder;
  for (const std::string task : {"numbers", "reverse"}) {
    const Result result =
        run(program, {"train", "--task", task, "--save", (folder / "model").string(), "--threads", "1"});
    check_well(result);
    CHECK(exact_match(result) >= 0.99);
    const bool has_formats = mentions(result.out, "in a format that it has not seen");
    CHECK(has_formats == (task == "numbers"));
    if (!has_formats) continue;
    CHECK(exact_match(result, "seventy two") > 0.5);
    CHECK(exact_match(result, "two hundred seven") > 0.5);
  }
}

TEST_CASE("translate translates a text, or the lines that it is given") {
  const Words words{"translate", "--model", trained().model.string()};
  const Result one = run_with(words, {"--text", "March 3, 1987"});
  check_well(one);
  CHECK(one.out == "1987-03-03\n");
  const Result many = run_with(words, {"--width", "1"}, {.input = "7 Nov 2019\n\n28.2.1999\n"});
  check_well(many);
  CHECK(many.out == "2019-11-07\n\n1999-02-28\n");
}

/// Of the page's cells: the weights that the mouse shows, added up.
double weights_of(const std::string& svg) {
  double sum = 0;
  const std::string mark = "<title>";
  for (auto at = svg.find(mark, svg.find("<svg")); at != std::string::npos; at = svg.find(mark, at + 1))
    sum += std::stod(svg.substr(at + mark.size()));
  return sum;
}

TEST_CASE("translate draws where it looks") {
  const Folder folder;
  const auto draw = [&](const fs::path& to, const Words& more, const How& how = {}) {
    const Words words{"translate", "--model", trained().model.string(), "--plot", to.string()};
    check_well(run_with(words, more, how));
    return read(to);
  };
  const std::string one = draw(folder / "one.svg", {"--text", "7 Nov 2019"});
  CHECK(one.starts_with("<svg"));
  for (const std::string shown : {">N</text>", "\u2423</text>", ">end</text>"}) CHECK(mentions(one, shown));
  CHECK(weights_of(one) == doctest::Approx(11).epsilon(0.05));  // of ten digits and an end
  const std::string two = draw(folder / "two.html", {}, {.input = "7 Nov 2019\n\n28.2.1999\n"});
  CHECK(two.starts_with("<!DOCTYPE html>"));
  CHECK(weights_of(two) == doctest::Approx(22).epsilon(0.05));
}

TEST_CASE("translate evaluate scores a model on pairs of texts") {
  const Folder folder;
  const fs::path from = folder.write("from", "March 3, 1987\n\n28.2.1999\n"),
                 to = folder.write("to", "1987-03-03\n\nx\n");
  const Result result =
      run(program, {"evaluate", "--model", trained().model.string(), "--from", from.string(), "--to", to.string()});
  check_well(result);
  CHECK(exact_match(result) == 0.5);
}

/// A small language: a noun and a verb change places.
void write_corpus(const Folder& folder) {
  const Words nouns{"hund", "katze", "mann"}, verbs{"rennt", "sitzt"};
  const Words subjects{"dog", "cat", "man"}, does{"runs now", "sits now"};
  std::string de, en;
  for (std::size_t k = 0; k < 60; ++k) {
    de += "jetzt " + verbs[k % 2] + " der " + nouns[k % 3] + "\n";
    en += "the " + subjects[k % 3] + " " + does[k % 2] + "\n";
  }
  for (const std::string part : {"train", "val"}) folder.write(part + ".de", de), folder.write(part + ".en", en);
}

TEST_CASE("translate learns from files, by words or byte pairs, and goes on where it was killed") {
  const Folder folder;
  write_corpus(folder);
  const auto words = [&](const std::string& name, const fs::path& resume) {
    return Words{"train",
                 "--data",
                 folder.path().string(),
                 "--units",
                 "64",
                 "--epochs",
                 "30",
                 "--batch",
                 "10",
                 "--rate",
                 "0.01",
                 "--dropout",
                 "0",
                 "--save",
                 (folder / name).string(),
                 "--subwords",
                 "400",
                 "--resume",
                 resume.string()};
  };
  const Result whole = run(program, words("whole", folder / "whole_run"));
  check_well(whole);
  CHECK(mentions(whole.out, "BLEU "));
  CHECK(exact_match(whole) > 0.9);
  Program training(program, words("killed", folder / "run"));
  REQUIRE(training.wait_for([&] { return mentions(training.output(), "epoch 2/"); }));
  training.send(SIGKILL);
  training.wait();
  const Result resumed = run(program, words("killed", folder / "run"));
  check_well(resumed);
  CHECK(resumed.last_line() == whole.last_line());
  CHECK_FALSE(mentions(resumed.out, "epoch 1/"));

  const Result by_words = run(program, {"train", "--data", folder.path().string(), "--units", "32", "--epochs", "20",
                                        "--batch", "10", "--rate", "0.01", "--save", (folder / "words").string()});
  check_well(by_words);
  CHECK(exact_match(by_words) > 0.9);
}

TEST_CASE("translate refuses bad input in one line") {
  const Folder folder;
  const fs::path none = folder / "none", empty = folder.write("empty", ""), one = folder.write("one", "a\n"),
                 two = folder.write("two", "a\nb\n"), blank = folder.write("blank", " \n");
  const auto refused = [&](const Words& words, const Words& parts) { check_refused(run(program, words), parts); };
  const auto evaluate = [&](const fs::path& from, const fs::path& to) {
    return Words{"evaluate", "--model", trained().model.string(), "--from", from.string(), "--to", to.string()};
  };
  refused(evaluate(one, two), {one.string(), "1 lines", "has 2"});
  refused(evaluate(empty, one), {empty.string(), "an empty text"});
  refused(evaluate(blank, one), {blank.string(), "no pair of texts"});
  refused(evaluate(none, one), {none.string()});
  refused({"train", "--task", "chinese"}, {"--task"});
  refused({"train", "--data", none.string()}, {none.string()});
  refused({"translate", "--model", none.string()}, {none.string()});
  refused({"translate", "--model", trained().model.string(), "--width", "0"}, {"--width"});
}

}  // namespace translate_example_test
