#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/token_files.hpp>

#include "folder.hpp"

using unroll::Index;

namespace {

unroll::TokenDataset ids_of(const std::string& bytes, const unroll::ReadOptions& options = {}) {
  const Folder folder;
  return unroll::read_token_ids(folder.write("ids.txt", bytes), 20, options);
}
std::vector<std::int32_t> sequence(const unroll::TokenDataset& data, Index k) {
  return {data[k].begin(), data[k].end()};
}
/// What reading a file with these bytes says, from behind the folder's name on.
std::string refusal_of_ids(const std::string& bytes) {
  const Folder folder;
  const auto path = folder.write("ids.txt", bytes);
  try {
    static_cast<void>(unroll::read_token_ids(path, 20));
  } catch (const unroll::FormatError& error) {
    return std::string(error.what()).substr(folder.path.string().size() + 1);
  }
  return "none";
}
using Ids = std::vector<std::int32_t>;

}  // namespace

TEST_CASE("a line is a sequence of ids, with or without a label") {
  const auto plain = ids_of("3 14 15\r\n\n0  19 \n");
  CHECK(plain.size() == 3);
  CHECK(sequence(plain, 0) == Ids{3, 14, 15});
  CHECK(plain.length(1) == 0);
  CHECK(sequence(plain, 2) == Ids{0, 19});
  CHECK(plain.targets().size() == 0);

  const auto labelled = ids_of("spam\t3 4\nham\t\nspam\t5");
  CHECK(labelled.targets().labels == std::vector<Index>{1, 0, 1});
  CHECK(labelled.label_names() == std::vector<std::string>{"ham", "spam"});
  CHECK(sequence(labelled, 0) == Ids{3, 4});
  CHECK(labelled.length(1) == 0);
  CHECK(ids_of("1\n2\nx\n", {.limit = 2}).size() == 2);
  CHECK(ids_of("b\t1\n", {.label_names = {"b", "a"}}).targets().labels == std::vector<Index>{0});
}

TEST_CASE("an id past the vocabulary is refused with file, line and value") {
  CHECK(refusal_of_ids("3 4\n5 20 6\n") == "ids.txt:2: token id 20, expected 0 to 19");
  CHECK(refusal_of_ids("a\t1\nb\t2\nb\t3 -1\n") == "ids.txt:3: token id -1, expected 0 to 19");
  CHECK(refusal_of_ids("99999999999999999999\n") == "ids.txt:1: token id 99999999999999999999, expected 0 to 19");
}

TEST_CASE("what is not a list of ids is refused with file and line") {
  CHECK(refusal_of_ids("3 4\n5 six\n") == "ids.txt:2: 'six' is not a token id");
  CHECK(refusal_of_ids("3 4.5\n") == "ids.txt:1: '4.5' is not a token id");
  CHECK(refusal_of_ids("3 4\nb\t5\n") == "ids.txt:2: 'b\t5' is not a token id");
  CHECK(refusal_of_ids("b\t5\n3 4\n") == "ids.txt:2: no tab, expected label<TAB>ids");
  CHECK(refusal_of_ids("b\t5\n\t4\n") == "ids.txt:2: no label before the tab");
  CHECK(refusal_of_ids("") == "ids.txt: is empty");
  CHECK_THROWS_AS(ids_of("1\n", {.limit = 0}), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(unroll::read_token_ids("ids.txt", 0)), std::invalid_argument);
}

TEST_CASE("lines of ids may have a header line and empty lines between them") {
  CHECK(ids_of("label\tids\na\t1\n\nb\t2\n", {.skip_empty_lines = true, .header = true}).size() == 2);
  CHECK(refusal_of_ids("label\tids\na\t1\n") == "ids.txt:1: 'ids' is not a token id");
  CHECK_THROWS_WITH_AS(ids_of("1\n", {.format = unroll::TextFormat::csv}),
                       "read_token_ids: the format is tsv or csv, expected label_text", std::invalid_argument);
}
