#include <stdexcept>
#include <sys/stat.h>
#include <thread>

#include <doctest/doctest.h>

#include <unroll/data/pipe.hpp>
#include <unroll/data/text_parts.hpp>

#include "folder.hpp"

namespace {

using namespace unroll;

/// 25 lines, of which the first ones all have one label.
std::string make_lines(const char* separator) {
  std::string text;
  for (int k = 0; k < 25; ++k) text += concat_text(k < 12 ? "no" : "yes", separator, "text ", k, "\n");
  return text;
}
LabelledTexts joined(LabelledTextParts& parts, Index most) {
  LabelledTexts all;
  for (LabelledTexts some = parts.next(most); some.size() > 0; some = parts.next(most)) {
    CHECK(static_cast<Index>(some.size()) <= most);
    all.texts.insert(all.texts.end(), some.texts.begin(), some.texts.end());
    all.labels.insert(all.labels.end(), some.labels.begin(), some.labels.end());
    all.label_names = some.label_names;
  }
  return all;
}

}  // namespace

TEST_CASE("parts of a file are the file, whatever their size and the format") {
  const Folder folder;
  const std::vector<std::string> names{"no", "yes"};
  for (const auto& [format, separator] : {std::pair{TextFormat::label_text, "\t"}, std::pair{TextFormat::csv, ","}})
    for (const bool header : {false, true}) {
      const std::string lines = (header ? concat_text("label", separator, "text\n") : "") + make_lines(separator);
      const auto path = folder.write("texts", lines);
      const ReadOptions options{.label_names = names, .format = format, .header = header};
      const LabelledTexts whole = read_labelled_text(path, options);
      for (const Index most : {1, 7, 25, 1000}) {
        LabelledTextParts parts(path, options);
        CHECK(joined(parts, most) == whole);
        CHECK(parts.next(most).size() == 0);
      }
    }
  LabelledTextParts some(folder.write("texts", make_lines("\t")), {.limit = 10, .label_names = names});
  CHECK(joined(some, 4).size() == 10);
}

TEST_CASE("max_bytes are those of a part") {
  const Folder folder;
  const auto path = folder.write("texts", make_lines("\t"));
  const ReadOptions options{.label_names = {"no", "yes"}, .max_bytes = 60};
  LabelledTextParts small(path, options), large(path, options);
  CHECK(joined(small, 4).size() == 25);
  CHECK_THROWS_WITH_AS(large.next(10), doctest::Contains("has more than 60 bytes"), FormatError);
}

TEST_CASE("a pipe is read to its end, at once or in parts") {
  const Folder folder;
  const auto path = folder.path / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto write = [&] { std::ofstream(path) << make_lines("\t") << std::flush; };
  const ReadOptions options{.label_names = {"no", "yes"}, .read = read_pipe};
  {
    std::thread writer(write);
    CHECK(read_labelled_text(path, options).size() == 25);
    writer.join();
  }
  std::thread writer(write);
  LabelledTextParts parts(path, options);
  CHECK(joined(parts, 10).texts.back() == "text 24");
  writer.join();
  CHECK_THROWS_WITH_AS(read_labelled_text(path), doctest::Contains("a pipe, expected a regular file"), FormatError);
  CHECK_THROWS_AS(read_pipe(folder.path), FormatError);
  CHECK_THROWS_AS(read_pipe(folder.path / "none"), FormatError);
}

TEST_CASE("what is wrong in a later part is told with its line, and the parts before are there") {
  const Folder folder;
  LabelledTextParts parts(folder.write("texts", "no\ta\nyes\tb\nno\tc\nmaybe\td\n"), {.label_names = {"no", "yes"}});
  CHECK(parts.next(3).size() == 3);
  CHECK_THROWS_WITH_AS(parts.next(3), doctest::Contains("texts:4: unknown label 'maybe'"), FormatError);
  CHECK_THROWS_WITH_AS(LabelledTextParts(folder.path / "texts", {}), doctest::Contains("label_names are none"),
                       std::invalid_argument);
  CHECK_THROWS_AS(parts.next(0), std::invalid_argument);
  LabelledTextParts moved = std::move(parts);
  CHECK_THROWS_WITH_AS(parts.next(1), "LabelledTextParts: used after it was moved from", std::invalid_argument);
}
