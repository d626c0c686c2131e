// Tagged sentences in columns: what is a word, what is skipped, and what is refused by line.
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <zlib.h>

#include <unroll/data/conll.hpp>
#include <unroll/data/gzip.hpp>

#include "folder.hpp"

namespace conll_test {

using namespace unroll;
using Sentences = std::vector<std::vector<std::string>>;

/// Sentences out of text.
TaggedSentences conll_of(const std::string& text, ConllOptions options = {}) {
  options.read = [text](const std::filesystem::path&) { return text; };
  return read_conll("t.conll", options);
}
void check_refused_conll(const std::string& text, const std::string& message, const ConllOptions& options = {}) {
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(conll_of(text, options), message.c_str(), FormatError);
}
const ConllOptions universal{.format = ConllFormat::conll_u};

TEST_CASE("columns have the word first and the tag last, and an empty line ends a sentence") {
  const TaggedSentences all = conll_of(
      "-DOCSTART- -X- O O\r\n\r\nMr NN I-NP O\r\nAda\tNNP  I-NP I-PER \r\n \t\r\n\r\n\r\n# NN I-NP "
      "O\r\n-DOCSTART-\nwins VB O O");
  CHECK(all.words == Sentences{{"Mr", "Ada"}, {"#", "wins"}});
  CHECK(all.tags == Sentences{{"O", "I-PER"}, {"O", "O"}});
  CHECK(all.size() == 2);
  CHECK(all.word_count() == 4);
  CHECK(all.tag_names() == std::vector<std::string>{"I-PER", "O"});
}

TEST_CASE("other columns are asked for from the first or from the last") {
  const std::string text = "1 a A x\n2 b B y\n";
  CHECK(conll_of(text, {.word = 1, .tag = 2}) == TaggedSentences{{{"a", "b"}}, {{"A", "B"}}});
  CHECK(conll_of(text, {.word = -3, .tag = -2}) == TaggedSentences{{{"a", "b"}}, {{"A", "B"}}});
}

TEST_CASE("of CoNLL-U comments, contracted words and words that are not written are left out") {
  const std::string text =
      "# newdoc\n# text = vamonos al mar\n1-2\tvamonos\t_\t_\t_\t_\t_\t_\t_\t_\n1\tvamos\tir\tVERB\t_\t_\t_\t_\t_\t_\n"
      "2\tnos\tnos\tPRON\tp\t_\t_\t_\t_\t_\n2.1\tx\tx\tNOUN\t_\t_\t_\t_\t_\t_\n3\t10 000\t_\tNUM\t_\t_\t_\t_\t_\t_\n\n"
      "# alone\n\n1\t#\t#\tSYM\t_\t_\t_\t_\t_\t_\n";
  const TaggedSentences all = conll_of(text, universal);
  CHECK(all.words == Sentences{{"vamos", "nos", "10 000"}, {"#"}});
  CHECK(all.tags == Sentences{{"VERB", "PRON", "NUM"}, {"SYM"}});
  CHECK(conll_of(text, {.format = ConllFormat::conll_u, .tag = 4}).tags == Sentences{{"_", "p", "_"}, {"_"}});
  CHECK(conll_of(text, {.format = ConllFormat::conll_u, .limit = 1}).size() == 1);
  CHECK(conll_of(text + "nonsense", {.format = ConllFormat::conll_u, .limit = 1}).size() == 1);
}

TEST_CASE("tags that were not seen in training are an error, or their sentences are left out") {
  const std::string text = "a A\nb B\n\nc C\na A\n\nb B\n";
  check_refused_conll(text, "t.conll:4: tag 'C' of 'c' is none of the 2 in tag_names", {.tag_names = {"B", "A"}});
  const TaggedSentences some = conll_of(text, {.tag_names = {"B", "A"}, .unseen = UnseenTag::drop_sentence});
  CHECK(some.words == Sentences{{"a", "b"}, {"b"}});
  CHECK(some.tags == Sentences{{"A", "B"}, {"B"}});
  check_refused_conll(text, "t.conll: has no sentence whose tags are all in tag_names",
                      {.tag_names = {"Z"}, .unseen = UnseenTag::drop_sentence});
}

TEST_CASE("lines that are not as they should be are refused with their number") {
  check_refused_conll("a A\nb\n", "t.conll:2: columns: 1, expected the tag in column 1", {.tag = 1});
  check_refused_conll("a A\nb\n", "t.conll:2: columns: 1, expected a column for the tag beside the word's");
  check_refused_conll("a A\n\nb\n", "t.conll:3: columns: 1, expected the word in column -2", {.word = -2});
  check_refused_conll("1\ta\tb\n", "t.conll:1: columns: 3, expected the tag in column 3", universal);
  check_refused_conll("1\t\tb\tX\n", "t.conll:1: the word in column 1 is empty", universal);
  check_refused_conll("1\ta\tb\t\n", "t.conll:1: the tag in column 3 is empty", universal);
  for (const std::string number : {"", "a", "1-", "-1", "1.x", "1 2"})
    check_refused_conll("# c\n" + number + "\ta\tb\tX\n",
                        "t.conll:2: begins with '" + number + "', expected the number of a word, as in CoNLL-U",
                        universal);
  check_refused_conll("# nothing\n\n", "t.conll: has no sentence", universal);
  check_refused_conll("-DOCSTART- O\n\n", "t.conll: has no sentence");
  check_refused_conll("", "t.conll: is empty");
  check_refused_conll(std::string("a\0 A\n", 5), "t.conll:1: a NUL byte: not UTF-8 text?");
  CHECK_THROWS_WITH_AS(conll_of("a A\n", {.limit = 0}), "read_conll: limit is 0, expected at least 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(conll_of("a A\n", {.unseen = UnseenTag::drop_sentence}),
                       "read_conll: unseen tags are to be dropped, expected tag_names to say which were seen",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(conll_of("a A\n", {.format = static_cast<ConllFormat>(7)}),
                       "read_conll: format 7, expected columns or conll_u", std::invalid_argument);
}

TEST_CASE("compressed files in columns are read where that is asked for") {
  const Folder folder;
  const auto path = folder.path / "t.conll.gz";
  const std::string text = "a A\n\nb B\n";
  const gzFile file = gzopen(path.string().c_str(), "wb");
  REQUIRE(gzwrite(file, text.data(), static_cast<unsigned>(text.size())) == static_cast<int>(text.size()));
  REQUIRE(gzclose(file) == Z_OK);
  CHECK(read_conll(path, {.read = read_gzip_file}) == conll_of(text));
  CHECK_THROWS_WITH_AS(read_conll(path), doctest::Contains("is compressed: read it with"), FormatError);
}

}  // namespace conll_test
