// The reader of digits as its user meets it.
#include <sstream>

#include "child.hpp"

namespace digits_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "digits";

/// Strips of at most two digits without much noise, and a small model: seconds.
Words train(const Folder& folder, const Words& more = {}) {
  Words words{"train", "--save", (folder / "model").string()};
  std::istringstream usual(
      "--strings 800 --digits 2 --noise 0.05 --units 24 --epochs 12 --rate 0.02 --batch 8 --threads 1");
  for (std::string word; usual >> word;) words.push_back(word);
  words.insert(words.end(), more.begin(), more.end());
  return words;
}
/// Of a line `errors per digit 0.1234, exact strings 0.5678`.
double errors_of(const Result& result) {
  REQUIRE(result.last_line().starts_with("errors per digit "));
  REQUIRE(mentions(result.last_line(), ", exact strings "));
  return std::stod(result.last_line().substr(17));
}

TEST_CASE("digits train learns to read, saves the model, logs, and goes on where it was") {
  const Folder folder;
  const Words kept{"--resume", (folder / "run").string(), "--log", (folder / "log.csv").string()};
  const Result result = run(program, train(folder, kept));
  check_well(result);
  CHECK(mentions(result.out, "800 strings to learn from"));
  CHECK(mentions(result.out, "saved to "));
  CHECK(errors_of(result) < 0.6);  // who reads nothing has 1
  CHECK(lines(read(folder / "log.csv")).size() == 13);
  const Result again = run(program, train(folder, kept));  // all epochs are done
  check_well(again);
  CHECK(again.last_line() == result.last_line());
  CHECK_FALSE(mentions(again.out, "epoch 1/"));

  const std::string model = (folder / "model").string();
  const Result evaluated =
      run(program, {"evaluate", "--model", model, "--digits", "2", "--noise", "0.05", "--threads", "1"});
  check_well(evaluated);
  CHECK(evaluated.last_line() == result.last_line());
  const Result one = run(program, {"read", "42", "--model", model, "--noise", "0.05"});
  check_well(one);
  CHECK(lines(one.out).size() == 17);  // 14 rows, 3 readings
}

TEST_CASE("digits says what is wrong with its arguments in one line") {
  const Folder folder;
  check_refused(run(program, {"train", "--units", "0"}), {"digits: ", "--units"});
  check_refused(run(program, {"read", "42", "--model", (folder / "none").string()}), {"digits: ", "none"});
  CHECK(run(program, {"train", "--help"}).code == 0);
}

}  // namespace digits_test
