#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/readers.hpp>

#include "folder.hpp"

using unroll::TextFormat;
using Index = unroll::Index;

namespace {

using Strings = std::vector<std::string>;
constexpr auto csv = TextFormat::csv;

unroll::LabelledTexts read_fields(const std::string& bytes, const unroll::ReadOptions& options) {
  const Folder folder;
  return unroll::read_labelled_text(folder.write("file.csv", bytes), options);
}
std::string refusal(const std::string& bytes, const unroll::ReadOptions& options) {
  const Folder folder;
  const auto path = folder.write("file.csv", bytes);
  try {
    static_cast<void>(unroll::read_labelled_text(path, options));
  } catch (const unroll::FormatError& error) {
    return std::string(error.what()).substr(folder.path.string().size() + 1);
  }
  return "none";
}

}  // namespace

TEST_CASE("empty lines are skipped where that is asked for") {
  const unroll::ReadOptions skip{.skip_empty_lines = true};
  CHECK(read_fields("\n1\ta\n  \n\r\n0\tb\n\n\n", skip).texts == Strings{"a", "b"});
  CHECK(refusal("1\ta\n\nb\n", skip) == "file.csv:3: no tab, expected label<TAB>text");
  CHECK(read_fields("\n1,a\r\n\r\n0,b\n\n", {.format = csv, .skip_empty_lines = true}).texts == Strings{"a", "b"});
  CHECK(refusal("1,a\n\n", {.format = csv}) == "file.csv:2: fields: 1, expected 2");
}

TEST_CASE("a first line that looks like the names of columns is refused until the options say what it is") {
  const std::string by_words = "Label\ttext\npos\tgood\nneg\tbad\n", by_numbers = "y\tTexte\n1\tbon\n0\tnul\n1\tbien\n";
  for (const std::string& bytes : {by_words, by_numbers}) {
    CHECK(
        refusal(bytes, {}) ==
        "file.csv:1: looks like the names of columns: {.header = true} skips it, {.header = false} takes it as a text");
    CHECK(read_fields(bytes, {.header = true}).label_names.size() == 2);
    CHECK(read_fields(bytes, {.header = false}).label_names.size() == 3);
  }
  CHECK(refusal(by_words, {.label_names = {"pos", "neg"}}) ==
        "file.csv:1: unknown label 'Label': if this line names the columns, say {.header = true}");
  CHECK(read_fields("none\ta\npos\tgood\nneg\tbad\n", {}).size() == 3);  // a class that occurs once
  CHECK(read_fields("x\ta\n1\tb\nx\tc\n", {}).size() == 3);              // twice
  CHECK(read_fields(by_words, {.limit = 1, .header = true}).texts == Strings{"good"});
}

TEST_CASE("csv is read as RFC 4180 says") {
  const auto data = read_fields(
      "1,plain\r\n0,\"a, b\"\r\n1,\"He said \"\"hi\"\"\"\r\n0,\"two\r\nlines\"\r\n1,\r\n0,\"\"", {.format = csv});
  CHECK(data.texts == Strings{"plain", "a, b", "He said \"hi\"", "two\r\nlines", "", ""});
  CHECK(data.labels == std::vector<Index>{1, 0, 1, 0, 1, 0});
  CHECK(read_fields("1;a,b\n0;\"c;d\"\n", {.format = csv, .delimiter = ';'}).texts == Strings{"a,b", "c;d"});
  CHECK(read_fields("pos\t\"He said \"\"hi\"\"\"\nneg\t\"two\nlines\"\n", {.format = csv, .delimiter = '\t'}).texts ==
        Strings{"He said \"hi\"", "two\nlines"});
  CHECK(read_fields("1,a\r0,b\r", {.format = csv}).texts == Strings{"a", "b"});
  CHECK(read_fields("1,5\" disk\n0,b\n", {.format = csv}).texts == Strings{"5\" disk", "b"});
  CHECK(read_fields("\xEF\xBB\xBF\"1\",a\n0,b\n", {.format = csv}).label_names == Strings{"0", "1"});
}

TEST_CASE("csv that is none is refused with the line where the record begins") {
  CHECK(refusal("1,a\n0,\"b\nc\n1,d\n", {.format = csv}) == "file.csv:2: a quote is not closed");
  CHECK(refusal("1,a\n0,\"b\"c\n", {.format = csv}) == "file.csv:2: text behind the closing quote of a field");
  CHECK(refusal("1,\"a\nb\"\n0,b,c\n", {.format = csv}) == "file.csv:3: fields: 3, expected 2");
  CHECK(refusal("1\n", {.format = csv}) == "file.csv:1: fields: 1, expected 2");
  CHECK(refusal("1,a\n,b\n", {.format = csv}) == "file.csv:2: no label");
  CHECK(refusal(std::string("1,a\n0,b\0\n", 9), {.format = csv}) == "file.csv:2: a NUL byte: not UTF-8 text?");
}

TEST_CASE("columns are chosen by number or by name") {
  const std::string bytes = "id,review,stars\n7,\"good, really\",5\n8,bad,1\n";
  const auto by_name = read_fields(bytes, {.format = csv, .label = "stars", .text = "review"});
  CHECK(by_name.texts == Strings{"good, really", "bad"});
  CHECK(by_name.label_names == Strings{"1", "5"});
  CHECK(read_fields(bytes, {.format = csv, .header = true, .label = 2, .text = 1}) == by_name);
  CHECK(read_fields("id\treview\tstars\n7\t\"a\t5\n8\tb\t1\n", {.format = TextFormat::tsv, .label = "stars", .text = 1})
            .texts == Strings{"\"a", "b"});
  CHECK(refusal(bytes, {.format = csv, .label = "rating", .text = "review"}) ==
        "file.csv:1: no column 'rating' in the header line: id, review, stars");
  CHECK(refusal("a,b,a\n1,2,3\n", {.format = csv, .label = "a"}) == "file.csv:1: two columns 'a'");
  CHECK(refusal("1,a\n", {.format = csv, .label = 0, .text = 5}) == "file.csv:1: fields: 2, expected 6");
  CHECK(refusal("label,text\n", {.format = csv, .header = true}) == "file.csv: has no texts");
}

TEST_CASE("as many labels as texts are no labels") {
  std::string bytes;
  for (int k = 0; k < 30; ++k) bytes += "review " + std::to_string(k) + "\t" + std::to_string(k % 2) + "\n";
  CHECK(refusal(bytes, {}) ==
        "file.csv: 30 texts have as many labels: does the text come first? TextFormat::tsv reads any columns");
  CHECK(read_fields(bytes, {.format = TextFormat::tsv, .label = 1, .text = 0}).label_names == Strings{"0", "1"});
}

TEST_CASE("records that cross blocks come out whole") {
  std::string bytes;
  Strings written;
  for (std::size_t k = 0; k < 40; ++k) {
    written.push_back(std::string(k * 997 * (k % 7), static_cast<char>('a' + k % 26)) + "\"\r\n,");
    bytes += std::to_string(k % 2) + ",\"" + written.back() + "\"\r\n";
    bytes.insert(bytes.size() - 7, "\"");  // the quote is doubled
  }
  CHECK(read_fields(bytes, {.format = csv}).texts == written);
  bytes.clear();
  for (std::string& text : written) {
    text.resize(text.size() - 3);
    bytes += "1\t" + text + "\r\n";
  }
  CHECK(read_fields(bytes, {}).texts == written);
}

TEST_CASE("a reader of one's own gives blocks or a string") {
  const auto options = [](auto read) { return unroll::ReadOptions{.read = read}; };
  const auto whole = [](const std::filesystem::path& path) { return "1\t" + path.string() + "\n0\tb\n"; };
  CHECK(unroll::read_labelled_text("a", options(whole)).texts == Strings{"a", "b"});
  const auto blocks = [](const std::filesystem::path&) -> unroll::ByteSource {
    return [left = 3](std::span<std::byte> to) mutable {  // three blocks of x
      std::ranges::fill(to, std::byte{'x'});
      return left-- > 0 ? to.size() : 0;
    };
  };
  CHECK_THROWS_WITH_AS(unroll::read_labelled_text("a", options(blocks)), "a:1: no tab, expected label<TAB>text",
                       unroll::FormatError);
}

TEST_CASE("a line without an end is refused at max_bytes") {
  const auto endless = [](const std::filesystem::path&) -> unroll::ByteSource {
    return [](std::span<std::byte> to) {
      std::ranges::fill(to, std::byte{'x'});
      return to.size();
    };
  };
  for (const TextFormat format : {TextFormat::label_text, TextFormat::tsv, TextFormat::csv})
    CHECK_THROWS_WITH_AS(
        unroll::read_labelled_text("endless", {.read = endless, .max_bytes = 1'000'000, .format = format}),
        "endless: has more than 1000000 bytes, unpacked: raise max_bytes to read it", unroll::FormatError);
}
