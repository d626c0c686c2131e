#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/readers.hpp>

#include "folder.hpp"

using unroll::Index;
using unroll::LabelledTexts;
using Texts = std::vector<std::string>;

namespace {

LabelledTexts read(const std::string& bytes, const unroll::ReadOptions& options = {}) {
  const Folder folder;
  return unroll::read_labelled_text(folder.write("file.tsv", bytes), options);
}

/// What reading a file with these bytes says, from behind the folder's name on.
std::string complaint(const std::string& bytes, const unroll::ReadOptions& options = {}) {
  const Folder folder;
  const auto path = folder.write("file.tsv", bytes);
  try {
    static_cast<void>(unroll::read_labelled_text(path, options));
  } catch (const unroll::FormatError& error) {
    return std::string(error.what()).substr(folder.path.string().size() + 1);
  }
  return "none";
}

}  // namespace

TEST_CASE("a line is a label, a tab and a text") {
  const LabelledTexts data = read("1\ta fine film\n0\tdull\n1\tgood\n");
  CHECK(data.texts == Texts{"a fine film", "dull", "good"});
  CHECK(data.labels == std::vector<Index>{1, 0, 1});
  CHECK(data.label_names == Texts{"0", "1"});
}

TEST_CASE("labels are numbered in the order of their names, integers by value") {
  CHECK(read("spam\ta\nham\tb\nspam\tc\n").label_names == Texts{"ham", "spam"});
  CHECK(read("spam\ta\nham\tb\nspam\tc\n").labels == std::vector<Index>{1, 0, 1});
  CHECK(read("10\ta\n9\tb\n-1\tc\n").label_names == Texts{"-1", "9", "10"});
  CHECK(read("10\ta\n9\tb\n-1\tc\n").labels == std::vector<Index>{2, 1, 0});
  CHECK(read("10\ta\n9\tb\nx\tc\n").label_names == Texts{"10", "9", "x"});
}

TEST_CASE("given label names keep their order and are the only ones") {
  const LabelledTexts data = read("b\tx\nb\ty\n", {.label_names = {"c", "b", "a"}});
  CHECK(data.label_names == Texts{"c", "b", "a"});
  CHECK(data.labels == std::vector<Index>{1, 1});
  CHECK(complaint("b\tx\nd\ty\n", {.label_names = {"a", "b"}}) == "file.tsv:2: unknown label 'd'");
  CHECK_THROWS_AS(read("b\tx\n", {.label_names = {"b", "b"}}), std::invalid_argument);
}

TEST_CASE("only a line feed ends a line, and one carriage return before it is dropped") {
  CHECK(read("1\ta\r\n0\tb\r\r\n").texts == Texts{"a", "b\r"});
  CHECK(read("1\tone\xC2\x85still one\xE2\x80\xA8\x0C\n0\tx").texts ==
        Texts{"one\xC2\x85still one\xE2\x80\xA8\x0C", "x"});
  CHECK(read("1\ta\rb\n").texts == Texts{"a\rb"});
  CHECK(complaint("1\ta\r0\tb\r") ==
        "file.tsv:1: no line feed, but '\\r': {.line_end = unroll::LineEnd::carriage_return} reads such lines");
  CHECK(read("1\ta\r0\tb\r", {.line_end = unroll::LineEnd::carriage_return}).texts == Texts{"a", "b"});
  CHECK(complaint("1\ta\r\n0\tb\r\n", {.line_end = unroll::LineEnd::carriage_return}) ==
        "file.tsv:2: a line feed, expected lines that end in '\\r' alone");
}

TEST_CASE("texts may be empty, hold tabs, or not be UTF-8, and a byte order mark is no part of a label") {
  CHECK(read("1\t\n0\ta\tb\n1\t\xFF\xE9\n").texts == Texts{"", "a\tb", "\xFF\xE9"});
  CHECK(read("\xEF\xBB\xBF"
             "1\ta\n0\tb\n")
            .label_names == Texts{"0", "1"});
}

TEST_CASE("a limit takes the first texts") {
  CHECK(read("1\ta\n0\tb\n1\tc\n", {.limit = 2}).texts == Texts{"a", "b"});
  CHECK(read("1\ta\n0\tb\nnonsense", {.limit = 2}).size() == 2);
  CHECK(read(std::string("1\ta\n0\tb\n\0", 9), {.limit = 2}).size() == 2);
  CHECK(read("1\ta\n", {.limit = 9}).size() == 1);
  CHECK_THROWS_WITH_AS(read("1\ta\n", {.limit = 0}), "read_labelled_text: limit is 0, expected at least 1",
                       std::invalid_argument);
  CHECK_THROWS_AS(read("1\ta\n", {.limit = -3}), std::invalid_argument);
}

TEST_CASE("a line that is not a label and a text is refused with its number") {
  CHECK(complaint("1\ta\nno tab here\n") == "file.tsv:2: no tab, expected label<TAB>text");
  CHECK(complaint("1\ta\n\n") == "file.tsv:2: an empty line: {.skip_empty_lines = true} skips it");
  CHECK(complaint("1\ta\n0\tb\n\tc\n") == "file.tsv:3: no label before the tab");
  CHECK(complaint(std::string("1\ta\n0\tb\0c\n", 10)) == "file.tsv:2: a NUL byte: not UTF-8 text?");
}

TEST_CASE("a file that is missing, empty or compressed is refused with its name") {
  CHECK(complaint("") == "file.tsv: is empty");
  CHECK(complaint("\xEF\xBB\xBF") == "file.tsv: is empty");
  CHECK(complaint(std::string("\xFF\xFE"
                              "1\0\t\0",
                              6)) == "file.tsv: is UTF-16, expected UTF-8: save it as UTF-8");
  CHECK(complaint("PK\x03\x04 and so on") == "file.tsv: is compressed by zip: unpack it first");
  CHECK(complaint("\n\n", {.skip_empty_lines = true}) == "file.tsv: has no texts");
  CHECK(complaint("\x1F\x8B\x08 and so on") ==
        "file.tsv: is compressed: read it with {.read = unroll::read_gzip_file} from <unroll/data/gzip.hpp>");
  CHECK_THROWS_WITH_AS(unroll::read_labelled_text("no/such/file.tsv"),
                       "no/such/file.tsv: cannot read: No such file or directory", unroll::FormatError);
  CHECK_THROWS_WITH_AS(unroll::read_labelled_text("/dev/null"),
                       "/dev/null: cannot read: a device, expected a regular file", unroll::FormatError);
}

TEST_CASE("a folder of neg and pos is read in turn, in the order of the files' numbers") {
  const Folder folder;
  for (const char* name :
       {"neg/10_1.txt", "neg/2_4.txt", "pos/0_9.txt", "pos/1_7.txt", "pos/3_10.txt", "pos/notes.txt"})
    folder.write(name, name);
  folder.write("neg/readme.md", "not a review");
  const LabelledTexts data = unroll::read_labelled_text(folder.path);
  CHECK(data.texts ==
        Texts{"neg/2_4.txt", "pos/0_9.txt", "neg/10_1.txt", "pos/1_7.txt", "pos/3_10.txt", "pos/notes.txt"});
  CHECK(data.labels == std::vector<Index>{0, 1, 0, 1, 1, 1});
  CHECK(data.label_names == Texts{"neg", "pos"});
  CHECK(unroll::read_labelled_text(folder.path, {.limit = 3}).texts ==
        Texts{"neg/2_4.txt", "pos/0_9.txt", "neg/10_1.txt"});
  CHECK(unroll::read_labelled_text(folder.path, {.limit = 1}).labels == std::vector<Index>{0});
}

TEST_CASE("a folder without texts of both kinds, or with a binary one, is refused") {
  const Folder folder;
  const auto complaint_of_folder = [&]() -> std::string {
    try {
      static_cast<void>(unroll::read_labelled_text(folder.path));
    } catch (const unroll::FormatError& error) {
      return std::string(error.what()).substr(folder.path.string().size() + 1);
    }
    return "none";
  };
  CHECK(complaint_of_folder() == "neg: expected a folder with .txt files");
  folder.write("neg/0_1.txt", "bad");
  CHECK(complaint_of_folder() == "pos: expected a folder with .txt files");
  std::filesystem::create_directories(folder.path / "pos");
  CHECK(complaint_of_folder() == "pos: expected a folder with .txt files");
  folder.write("pos/0_8.txt", "");
  CHECK(complaint_of_folder() == "none");
  folder.write("pos/0_8.txt", std::string("a\0b", 3));
  CHECK(complaint_of_folder() == "pos/0_8.txt:1: a NUL byte: not UTF-8 text?");
}
