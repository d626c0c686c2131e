// Words and their characters as ids.
#include <doctest/doctest.h>

#include <unroll/text/word_encoding.hpp>

namespace word_encoding_test {

using namespace unroll;
using Ids = std::vector<std::int32_t>;
using Words = std::vector<std::string>;

const std::vector<Words> sentences{{"no", "so", "no"}, {}, {"né", "no"}};

TEST_CASE("a word has an id where it is frequent, and ids of its characters with 0 behind them") {
  const WordEncoding encoding = WordEncoding::build(sentences);
  CHECK(encoding.words.tokens() == Words{"<PAD>", "<OOV>", "no"});
  CHECK(WordEncoding::build(sentences, {.min_frequency = 1}).words.size() == 5);
  CHECK(encoding.word_ids(sentences[0]) == Ids{2, 1, 2});
  const auto id = [&](const char* c) { return encoding.characters.id(c); };
  for (const char* c : {"n", "o", "s", "é"}) CHECK(id(c) > Vocabulary::oov);
  CHECK(encoding.character_ids(sentences[2]) == Ids{id("n"), id("é"), 0, id("n"), id("o"), 0});
  CHECK(encoding.character_ids(Words{"x", "", "<PAD>"}) == Ids{1, 0, 0, 1, 1, 1, 1, 1, 0});
  CHECK(encoding.word_ids(Words{"x", "", "<PAD>"}) == Ids{1, 1, 1});
  CHECK(encoding.word_ids(Words{}).empty());
}

TEST_CASE("a word encoding goes through a model file's vocabulary and metadata") {
  const WordEncoding encoding = WordEncoding::build(sentences);
  CHECK(WordEncoding::from_metadata(encoding.words, encoding.metadata(), "m") == encoding);
  CHECK_THROWS_WITH_AS(WordEncoding::from_metadata(encoding.words, {}, "m.st"), "m.st: no metadata 'words.characters'",
                       FormatError);
  CHECK_THROWS_AS(WordEncoding::from_metadata(encoding.words, {{"words.characters", "a b"}}, "m.st"), FormatError);
}

TEST_CASE("a word encoding says which words it cannot have") {
  CHECK_THROWS_AS(WordEncoding::build(std::vector<Words>{{"a", ""}}), std::invalid_argument);
  CHECK_THROWS_AS(WordEncoding::build(std::vector<Words>{{"a", "\xff"}}), std::invalid_argument);
  CHECK_THROWS_AS(WordEncoding::build(std::vector<Words>{{"a", "b"}}), std::invalid_argument);  // each of them once
  CHECK_THROWS_AS(WordEncoding::build(std::vector<Words>{}), std::invalid_argument);
  CHECK_THROWS_AS(WordEncoding::build(sentences, {.min_frequency = -1}), std::invalid_argument);
}

}  // namespace word_encoding_test
