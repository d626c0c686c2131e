// Vocabularies, tokenizers, padding and the readers of texts, called wrongly.
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/encode.hpp>
#include <unroll/data/gzip.hpp>
#include <unroll/data/token_files.hpp>
#include <unroll/text/byte_pair_file.hpp>
#include <unroll/text/padder.hpp>
#include <unroll/text/vocabulary_file.hpp>

namespace text_misuse {

using namespace unroll;
using Refused = std::invalid_argument;
using Ids = std::vector<std::int32_t>;
constexpr Index most = std::numeric_limits<Index>::max();

TEST_CASE("padding to a length that memory cannot hold, or no length, is refused") {
  const std::vector<Ids> two{{1}, {2, 3}};
  CHECK_THROWS_WITH_AS(Padder{.length = most}(two),
                       doctest::Contains("Padder: 2 sequences of length 9223372036854775807, expected"), Refused);
  CHECK_THROWS_AS(Padder{.length = most / 2 + 1}(two), Refused);
  CHECK_THROWS_AS(Padder{.length = -1}(two), Refused);
  CHECK_THROWS_AS(Padder{.length = -1}.shorten(two[0]), Refused);
  CHECK_THROWS_WITH_AS((Padder{.length = 1, .pad = Side(7)}(two)), "Padder: a side is neither front nor back", Refused);
  CHECK_THROWS_AS((Padder{.length = 1, .truncate = Side(7)}(two)), Refused);
  CHECK_THROWS_AS(keep_first(two[0], -1), Refused);
  CHECK_THROWS_AS(keep_last(two[0], std::numeric_limits<Index>::min()), Refused);
  CHECK(keep_last(two[0], most).size() == 1);
}

TEST_CASE("rows that a padded batch does not have are refused") {
  PaddedIds padded = Padder{.length = 3}(std::vector<Ids>{{1}, {2}});
  for (const Index b : {Index{-1}, Index{2}, most}) CHECK_THROWS_AS(padded[b], Refused);
  CHECK_THROWS_WITH_AS(padded[2], "PaddedIds: got sequence 2, expected 0 to 1", Refused);
  padded.batch = 3;
  CHECK_THROWS_WITH_AS(padded.view(), "PaddedIds: 6 ids, expected 3 x 3", Refused);
  CHECK_THROWS_AS(padded[0], Refused);
  padded.batch = most;
  padded.length = most;
  CHECK_THROWS_AS(padded.view(), Refused);
  padded.length = -1;
  CHECK_THROWS_AS(padded.view(), Refused);
}

TEST_CASE("a vocabulary is asked for what it has, with options that mean something") {
  const Vocabulary vocabulary = Vocabulary::build({"a b"});
  for (const std::int32_t id : {-1, 4, std::numeric_limits<std::int32_t>::min()}) {
    CHECK_THROWS_AS(vocabulary.token(id), Refused);
    CHECK_THROWS_AS(vocabulary.decode(Ids{id}), Refused);
  }
  CHECK_THROWS_AS(Vocabulary::build({"a b"}, {.max_size = -5}), Refused);
  CHECK_THROWS_WITH_AS(Vocabulary::build({"a b"}, {.min_frequency = -1}),
                       "Vocabulary: min_frequency is -1, expected 0 or more", Refused);
  CHECK_THROWS_AS(Vocabulary::build({"a b"}, {.min_frequency = most}), Refused);
  CHECK_THROWS_WITH_AS(Vocabulary(WhitespaceTokenizer{}, "<PAD>"), "Vocabulary: <PAD> cannot stand for unknown tokens",
                       Refused);
  CHECK_THROWS_WITH_AS(Vocabulary(WordTokenizer{}, "<unk>"),
                       "Vocabulary: '<unk>' is to stand for unknown tokens, but the tokenizer 'article' does not take "
                       "it for one token",
                       Refused);
  for (const char* unknown : {"", "two words", "\xFF"})
    CHECK_THROWS_AS(Vocabulary(WhitespaceTokenizer{}, unknown), Refused);
  CHECK(vocabulary.encode(std::string_view()).empty());
}

TEST_CASE("a tokenizer is of a kind that there is") {
  for (const TokenizerKind kind : {TokenizerKind::custom, TokenizerKind(200)})
    CHECK_THROWS_WITH_AS(Tokenizer{kind},
                         doctest::Contains("expected article, whitespace, characters or unicode_words"), Refused);
}

TEST_CASE("an encoder takes a length above zero, and as many labels as texts") {
  const Vocabulary vocabulary = Vocabulary::build({"a b"});
  CHECK_THROWS_AS(Encoder(vocabulary, {.length = 0}), Refused);
  CHECK_THROWS_AS(Encoder(vocabulary, {.length = -1}), Refused);
  CHECK_THROWS_AS(Encoder(vocabulary, {.keep = Keep(9)}), Refused);
  CHECK_THROWS_WITH_AS(encode(vocabulary, {{"a", "b"}, {0}, {"x"}}), "Encoder: 1 labels for 2 texts", Refused);
}

TEST_CASE("options of the readers that mean nothing or contradict each other are refused before a file is opened") {
  const auto refused = [](const ReadOptions& options, const char* why) {
    CHECK_THROWS_WITH_AS(read_labelled_text("no/such/file", options), doctest::Contains(why), Refused);
    CHECK_THROWS_AS(read_token_ids("no/such/file", 9, options), Refused);
  };
  refused({.limit = 0}, "limit is 0, expected at least 1");
  refused({.limit = -1}, "limit is -1");
  refused({.label_names = {"a", "b", "a"}}, "a label stands twice in label_names");
  refused({.label_names = {"a", ""}}, "label_names has an empty label");
  refused({.format = TextFormat(9)}, "format 9, expected");
  refused({.line_end = LineEnd(9)}, "line_end 9, expected");
  for (const char delimiter : {'"', '\n', '\r', '\0'})
    refused({.format = TextFormat::csv, .delimiter = delimiter}, "the delimiter is");
  refused({.label = 2}, "columns are chosen from a file of TextFormat::tsv or csv, got label_text");
  refused({.text = "review"}, "columns are chosen");
  refused({.format = TextFormat::csv, .label = 1}, "label and text are the same column");
  refused({.format = TextFormat::csv, .header = false, .label = "stars"},
          "a column has a name, expected a header line");

  std::string (*null)(const std::filesystem::path&) = nullptr;
  CHECK_THROWS_WITH_AS(static_cast<void>(ReadOptions{.read = null}), "ReadOptions: read is a null function", Refused);
  CHECK_THROWS_AS(static_cast<void>(ReadOptions{.read = std::function<ByteSource(const std::filesystem::path&)>()}),
                  Refused);
  CHECK_THROWS_WITH_AS(
      read_labelled_text("no/such/file", {.read = [](const std::filesystem::path&) { return ByteSource(); }}),
      doctest::Contains("gave no source"), Refused);
  CHECK_THROWS_WITH_AS(Column(-1), "Column: number -1, expected 0 or more", Refused);
  CHECK_THROWS_AS(Column{std::numeric_limits<std::uint64_t>::max()}, Refused);
  CHECK_THROWS_WITH_AS(Column(""), "Column: the name is empty", Refused);
  const char* no_name = nullptr;
  CHECK_THROWS_AS(Column{no_name}, Refused);
  for (const Index size : {Index{0}, Index{-1}, most}) CHECK_THROWS_AS(read_token_ids("no/such/file", size), Refused);
}

TEST_CASE("a byte-pair encoding is asked for what it has, and learned with options that mean something") {
  CHECK_THROWS_WITH_AS(BytePairEncoding::learn({"a"}, {.max_size = 259}),
                       "BytePairEncoding: max_size is 259, expected 260 to 2147483647", Refused);
  CHECK_THROWS_AS(BytePairEncoding::learn({"a"}, {.max_size = most}), Refused);
  CHECK_THROWS_WITH_AS(BytePairEncoding::learn({"a"}, {.min_frequency = 0}),
                       "BytePairEncoding: min_frequency is 0, expected 1 or more", Refused);
  const BytePairEncoding bytes;
  for (const std::int32_t id : {-1, 260, std::numeric_limits<std::int32_t>::min()}) {
    CHECK_THROWS_AS(bytes.token(id), Refused);
    CHECK_THROWS_AS(bytes.decode(Ids{id}), Refused);
  }
  CHECK_THROWS_WITH_AS(bytes.token(260), "BytePairEncoding: got id 260, expected 0 to 259", Refused);
  CHECK(bytes.encode(std::string_view()).empty());
}

TEST_CASE("what is no file is refused by every reader of texts") {
  for (const char* path : {"", ".", "/dev/null", "/dev/zero", "no/such/file"}) {
    CAPTURE(path);
    CHECK_THROWS_AS(read_labelled_text(path), FormatError);
    CHECK_THROWS_AS(read_token_ids(path, 9), FormatError);
    CHECK_THROWS_AS(read_plain_file(path), FormatError);
    CHECK_THROWS_AS(read_gzip_file(path), FormatError);
    CHECK_THROWS_AS(load_vocabulary(path), FormatError);
    CHECK_THROWS_AS(load_byte_pairs(path), FormatError);
  }
}

TEST_CASE("a source that says it gave more than there was room for is refused") {
  const auto liar = [](const std::filesystem::path&) -> ByteSource {
    return [](std::span<std::byte> to) { return to.size() + 1; };
  };
  CHECK_THROWS_WITH_AS(read_labelled_text("liar", {.read = liar}), doctest::Contains("liar: its source gave"), Refused);
}

}  // namespace text_misuse
