// The tagger as its user meets it.
#include <unroll/core/error.hpp>

#include "child.hpp"

namespace tagger_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "tagger";

/// Sentences in columns, IOB1: a capital begins a name, which goes on over capitals; `Mr` says whose.
std::string names(int sentences) {
  std::string text = "-DOCSTART- -X- O O\n\n";
  for (int k = 0; k < sentences; ++k) {
    const std::string kind = k % 2 == 0 ? "PER" : "LOC";
    const std::string a(1, static_cast<char>('A' + k % 7)), b(1, static_cast<char>('D' + k % 5));
    text += unroll::concat_text(k % 2 == 0 ? "Mr" : "in", " X O O\n", a, "aa X O I-", kind, "\n", b, "bb X O I-", kind,
                                "\nwalks X O O\n. X O O\n\n");
  }
  return text;
}
/// CoNLL-U: verbs end in -s, nouns in -n, and no two sentences share one.
std::string endings(int first, int sentences) {
  std::string text = "# a comment\n";
  for (int k = first; k < first + sentences; ++k) {
    const auto word = [&](int n, const char* form, const char* tag) {
      std::string stem;
      for (int x = k * 3 + n; stem.size() < 4; x /= 5) stem += static_cast<char>('a' + x % 5);
      text += unroll::concat_text(n, '\t', stem, form, "\t_\t", tag, "\t_\t_\t_\t_\t_\t_\n");
    };
    word(1, "n", "NOUN");
    word(2, "s", "VERB");
    if (k % 2 == 0) word(3, "n", "NOUN");
    text += "9\t.\t_\tPUNCT\t_\t_\t_\t_\t_\t_\n";
    text += '\n';
  }
  return text;
}
Words arguments(const Folder& folder, const std::string& training, const std::string& others, const Words& more) {
  const fs::path train = folder.write("train.txt", training), test = folder.write("test.txt", others);
  Words all{"train", "--train", train.string(), "--valid",   test.string(), "--test", test.string(),          "--rate",
            "0.01",  "--units", "20",           "--threads", "1",           "--save", (folder / "m").string()};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_CASE("tagger learns names with a CRF, saves itself and marks them in a sentence") {
  const Folder folder;
  const Result result = run(program, arguments(folder, names(120), names(20), {"--head", "crf", "--epochs", "4"}));
  check_well(result);
  CHECK(mentions(result.out, "120 sentences"));
  CHECK(mentions(result.out, "5 tags"));  // as BIO
  const std::string last = result.last_line();
  CAPTURE(last);
  REQUIRE(mentions(last, "span_f1 "));
  CHECK(std::stod(last.substr(last.find("span_f1 ") + 8)) > 0.95);
  const Result marked = run(program, {"tag", "--model", (folder / "m").string(), "Mr Aaa Ebb walks ."});
  check_well(marked);
  CHECK(marked.last_line() == "Mr/O Aaa/B-PER Ebb/I-PER walks/O ./O");
}

TEST_CASE("tagger knows words that it has never seen by their letters") {
  const Folder folder;
  const Result result =
      run(program, arguments(folder, endings(0, 150), endings(150, 40), {"--format", "conll-u", "--epochs", "8"}));
  check_well(result);
  const std::string last = result.last_line();
  CAPTURE(last);
  CHECK(std::stod(last.substr(std::string("test accuracy ").size())) > 0.95);
}

TEST_CASE("tagger says what is wrong with its arguments in one line") {
  const Folder folder;
  Words words = arguments(folder, names(4), names(4), {});
  words[2] = (folder / "none").string();
  check_refused(run(program, words), {"tagger: ", "none"});
  check_refused(run(program, arguments(folder, names(4), names(4), {"--head", "tail"})), {"tagger: ", "--head"});
  check_refused(run(program, arguments(folder, names(4), "x Q\n", {})),
                {"tagger: encode_words: word 0 of sentence 0 has the tag 'Q'"});
}

}  // namespace tagger_test
