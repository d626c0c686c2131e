// The program that tells speakers apart, as its user meets it.
#include <cmath>

#include <unroll/core/error.hpp>

#include "child.hpp"

namespace speaker_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "speaker";

/// Two speakers who swing at different speeds, `each` series of one, then of the other.
std::string series(int each) {
  std::string text;
  for (int k = 0; k < 2 * each; ++k) {
    for (int t = 0; t < 6 + k % 5; ++t) {
      for (int d = 0; d < 12; ++d)
        text += unroll::concat_text(std::round(100 * std::sin((k < each ? 0.5 : 1.5) * t + d + 0.1 * k)) / 100, ' ');
      text += '\n';
    }
    for (int d = 0; d < 12; ++d) text += d % 2 == 0 ? "1.0 " : "1.00 ";
    text += "\n\n";
  }
  return text;
}
Words arguments(const Folder& folder, const Words& more = {}) {
  const fs::path train = folder.write("train.txt", series(12)), test = folder.write("test.txt", series(5));
  Words all{"train",
            "--train",
            train.string(),
            "--test",
            test.string(),
            "--of-train",
            "12,12",
            "--of-test",
            "5,5",
            "--units",
            "8",
            "--epochs",
            "40",
            "--threads",
            "1",
            "--rate",
            "0.02",
            "--save",
            (folder / "m").string()};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_CASE("speaker learns who speaks, saves itself, draws who was taken for whom and tells it of a file") {
  const Folder folder;
  const Result result = run(program, arguments(folder, {"--confusion", (folder / "c.svg").string()}));
  check_well(result);
  CHECK(mentions(result.out, "20 series to learn from, 4 to validate on, 10 to be tested on"));
  REQUIRE(mentions(result.last_line(), "test accuracy "));
  CHECK(std::stod(result.last_line().substr(14)) > 0.9);
  CHECK(mentions(read(folder / "c.svg"), "<svg"));
  const Result told = run(program, {"tell", "--model", (folder / "m").string(), (folder / "test.txt").string()});
  check_well(told);
  CHECK(lines(told.out).size() == 10);
  CHECK(mentions(lines(told.out).front(), "series 1: speaker 1, "));
  CHECK(mentions(told.last_line(), "series 10: speaker 2, "));
}

TEST_CASE("speaker says what is wrong with its files in one line") {
  const Folder folder;
  const auto refused = [&](const std::string& text, const Words& parts) {
    Words words = arguments(folder);
    words[2] = folder.write("wrong.txt", text).string();
    check_refused(run(program, words), parts);
  };
  const std::string frame = "1 2 3 4 5 6 7 8 9 10 11 12\n", ones = "1 1 1 1 1 1 1 1 1 1 1 1\n";
  refused(frame + ones, {"speaker: ", "wrong.txt", "1 series, and the speakers have 24 together"});
  refused(frame + "1 2\n" + ones, {"wrong.txt:2: expected 12 numbers"});
  refused(frame + "1 2 x\n" + ones, {"wrong.txt:2: expected 12 numbers"});
  refused(frame, {"wrong.txt: ", "a line of ones behind each"});
  refused("", {"wrong.txt"});
}

}  // namespace speaker_test
