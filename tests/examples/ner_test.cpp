// The tagger of names as its user meets it.
#include <unroll/core/error.hpp>

#include "child.hpp"

namespace ner_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "ner";

/// Sentences in columns, IOB1: a capital begins a name, which goes on over capitals; `Mr` says whose.
std::string columns(int sentences) {
  std::string text = "-DOCSTART- -X- O O\n\n";
  for (int k = 0; k < sentences; ++k) {
    const std::string kind = k % 2 == 0 ? "PER" : "LOC";
    const std::string a(1, static_cast<char>('A' + k % 7)), b(1, static_cast<char>('D' + k % 5));
    text += unroll::concat_text(k % 2 == 0 ? "Mr" : "in", " X O O\n", a, "aa X O I-", kind, "\n", b, "bb X O I-", kind,
                                "\nwalks X O O\n. X O O\n\n");
  }
  return text;
}
Words arguments(const Folder& folder, const std::string& head) {
  const fs::path train = folder.write("train.conll", columns(120)), test = folder.write("test.conll", columns(20));
  return {"--train", train.string(), "--valid", test.string(), "--test", test.string(), "--head",
          head,      "--epochs",     "3",       "--rate",      "0.01",   "--threads",   "1"};
}

TEST_CASE("ner learns names with either head and ends with its F1") {
  for (const std::string head : {"crf", "softmax"}) {
    const Folder folder;
    const Result result = run(program, arguments(folder, head));
    check_well(result);
    CHECK(mentions(result.out, "120 sentences"));
    CHECK(mentions(result.out, "5 tags"));  // as BIO
    CHECK(mentions(result.last_line(), "test F1 "));
    CHECK(std::stod(result.last_line().substr(8)) > 95);
    CHECK(mentions(result.out, "PER"));
    CHECK(folder.files() == 2);
  }
}

TEST_CASE("ner says what is wrong with its arguments in one line") {
  const Folder folder;
  Words words = arguments(folder, "crf");
  words[1] = (folder / "none").string();
  check_refused(run(program, words), {"ner: ", "none"});
  check_refused(run(program, arguments(folder, "tail")), {"ner: ", "--head"});
}

}  // namespace ner_test
