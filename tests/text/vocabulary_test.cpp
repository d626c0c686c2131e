#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/text/vocabulary.hpp>

using unroll::Vocabulary;
using unroll::VocabularyOptions;
using Ids = std::vector<std::int32_t>;
using Texts = std::vector<std::string>;

TEST_CASE("tokens are in falling frequency, and equals in the order of their first occurrence") {
  const Vocabulary vocabulary = Vocabulary::build(Texts{"zebra apple the film", "the film, the plot", "apple mango"});
  CHECK(vocabulary.tokens() == Texts{"<PAD>", "<OOV>", "the", "apple", "film", "zebra", "plot", "mango"});
  CHECK(vocabulary.size() == 8);
}

TEST_CASE("max_size counts the special tokens and cuts where frequencies are equal too") {
  const Texts texts{"b a c d", "d"};
  CHECK(Vocabulary::build(texts, {.max_size = 4}).tokens() == Texts{"<PAD>", "<OOV>", "d", "b"});
  CHECK(Vocabulary::build(texts, {.max_size = 2}).tokens() == Texts{"<PAD>", "<OOV>"});
  CHECK(Vocabulary::build(texts, {.max_size = 100}).size() == 6);
  CHECK_THROWS_WITH_AS(Vocabulary::build(texts, {.max_size = 1}),
                       "Vocabulary: max_size is 1, expected at least 2 for <PAD> and <OOV>", std::invalid_argument);
}

TEST_CASE("tokens rarer than min_frequency are left out") {
  const Vocabulary vocabulary = Vocabulary::build({"a b b c c c", "a d"}, {.min_frequency = 2});
  CHECK(vocabulary.tokens() == Texts{"<PAD>", "<OOV>", "c", "a", "b"});
}

TEST_CASE("a vocabulary made of counts is that of texts with these counts") {
  const VocabularyOptions options{.max_size = 5, .min_frequency = 2, .tokenizer = unroll::WhitespaceTokenizer{}};
  const Vocabulary expected = Vocabulary::build({"b a a c c d <PAD>", "b e a f f"}, options);
  using Counts = std::vector<std::pair<std::string, unsigned>>;
  CHECK(Vocabulary::from_counts(Counts{{"b", 2}, {"a", 3}, {"c", 2}, {"d", 1}, {"<PAD>", 9}, {"f", 2}}, options) ==
        expected);
  CHECK(Vocabulary::from_counts({{"b", 1}, {"a", 3}, {"c", 2}, {"d", 0}, {"b", 1}}, options) == expected);
  CHECK(Vocabulary::from_counts(std::map<std::string_view, int>{{"a", 1}, {"b", 2}}).tokens() ==
        Texts{"<PAD>", "<OOV>", "b", "a"});
}

TEST_CASE("counts that no texts have are refused") {
  CHECK_THROWS_WITH_AS(Vocabulary::from_counts({{"a", -1}}),
                       "Vocabulary: got the count -1 of 'a', expected 0 or more, and a sum that 64 bits can hold",
                       std::invalid_argument);
  constexpr auto most = std::numeric_limits<unroll::Index>::max();
  CHECK_THROWS_AS(Vocabulary::from_counts({{"a", most}, {"a", 1}}), std::invalid_argument);
  CHECK_THROWS_AS(Vocabulary::from_counts(std::map<std::string, std::uint64_t>{{"a", ~std::uint64_t{0}}}),
                  std::invalid_argument);
  CHECK_THROWS_AS(Vocabulary::from_counts({{"", 1}}), std::invalid_argument);
  CHECK_THROWS_AS(Vocabulary::from_counts({{"\xFF", 1}}), std::invalid_argument);
  CHECK_THROWS_AS(Vocabulary::from_counts({{"a", 1}}, {.min_frequency = 2}), std::invalid_argument);
}

TEST_CASE("encoding gives ids, unknown tokens the id of <OOV>, and decoding gives them back") {
  const Vocabulary vocabulary = Vocabulary::build({"a fine film", "a fine cast"});
  CHECK(vocabulary.encode("A film, a WONDERFUL film!") == Ids{2, 4, 2, 1, 4});
  CHECK(vocabulary.decode(Ids{2, 3, 4, 1, 0, 0}) == "a fine film <OOV>");
  CHECK(vocabulary.encode("").empty());
  CHECK(vocabulary.encode("1984!").empty());
  CHECK(vocabulary.decode(Ids{}) == "");
  CHECK(vocabulary.encode(Texts{"a", "", "cast b"}) == std::vector<Ids>{{2}, {}, {5, 1}});
  Ids reused{7, 7, 7};
  vocabulary.encode("fine", reused);
  CHECK(reused == Ids{3});
}

TEST_CASE("a vocabulary built and its texts encoded in one pass are those of two") {
  const std::vector<std::string> texts{"a b b <PAD> c", "", "c c d <OOV> b"};
  using unroll::WhitespaceTokenizer;
  for (const VocabularyOptions& options :
       {VocabularyOptions{}, VocabularyOptions{.max_size = 4}, VocabularyOptions{.tokenizer = WhitespaceTokenizer{}},
        VocabularyOptions{.max_size = 3, .tokenizer = WhitespaceTokenizer{}}}) {
    const auto [vocabulary, encoded] = Vocabulary::build_and_encode(texts, options);
    CHECK(vocabulary == Vocabulary::build(texts, options));
    CHECK(encoded == vocabulary.encode(texts));
  }
}

TEST_CASE("no text encodes to padding, not even one that spells it") {
  const Vocabulary vocabulary =
      Vocabulary::build({"<PAD> <PAD> <OOV> <unk>"}, {.tokenizer = unroll::WhitespaceTokenizer{}});
  CHECK(vocabulary.tokens() == Texts{"<PAD>", "<OOV>", "<unk>"});
  CHECK(vocabulary.encode("<unk> <PAD> <OOV> <pad>") == Ids{2, 1, 1, 1});
  CHECK(vocabulary.id("<PAD>") == Vocabulary::pad);
}

TEST_CASE("look-ups of tokens and ids are exact and checked") {
  const Vocabulary vocabulary = Vocabulary::build({"extraordinarily good"});
  CHECK(vocabulary.contains("good"));
  CHECK(vocabulary.contains("extraordinarily"));
  CHECK_FALSE(vocabulary.contains("Good"));
  CHECK(vocabulary.id("good") == 3);
  CHECK(vocabulary.id("bad") == Vocabulary::oov);
  CHECK(vocabulary.token(2) == "extraordinarily");
  CHECK_THROWS_WITH_AS(vocabulary.token(4), "Vocabulary: got id 4, expected 0 to 3", std::invalid_argument);
  CHECK_THROWS_WITH_AS(vocabulary.token(-1), "Vocabulary: got id -1, expected 0 to 3", std::invalid_argument);
  CHECK_THROWS_WITH_AS(vocabulary.decode(Ids{2, 9}), "Vocabulary: got id 9, expected 0 to 3", std::invalid_argument);
}

TEST_CASE("a vocabulary of characters counts white space and decodes without separators") {
  const std::string text = "a\xC3\xA9 a\n";
  const Vocabulary vocabulary = Vocabulary::build({text}, {.tokenizer = unroll::CharacterTokenizer{}});
  CHECK(vocabulary.tokens() == Texts{"<PAD>", "<OOV>", "a", "\xC3\xA9", " ", "\n"});
  CHECK(vocabulary.decode(vocabulary.encode(text)) == text);
}

TEST_CASE("a vocabulary can be made of its tokens, which are checked") {
  const Vocabulary built = Vocabulary::build({"a fine film"});
  CHECK(Vocabulary::from_tokens(built.tokens()) == built);
  const auto message = [](const Texts& tokens) -> std::string {
    try {
      static_cast<void>(Vocabulary::from_tokens(tokens));
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message({}) == "Vocabulary: got 0 tokens, expected <PAD> and <OOV> at least");
  CHECK(message({"<PAD>"}) == "Vocabulary: got 1 tokens, expected <PAD> and <OOV> at least");
  CHECK(message({"<OOV>", "<PAD>"}) == "Vocabulary: token 0 is '<OOV>', expected '<PAD>'");
  CHECK(message({"<PAD>", "a"}) == "Vocabulary: token 1 is 'a', expected '<OOV>'");
  CHECK(message({"<PAD>", "<OOV>", "a", "b", "a"}) == "Vocabulary: token 4 is 'a', which is token 2 already");
  CHECK(message({"<PAD>", "<OOV>", "<PAD>"}) == "Vocabulary: token 2 is '<PAD>', which is token 0 already");
  CHECK(message({"<PAD>", "<OOV>", ""}) == "Vocabulary: token 2 is empty");
  CHECK(message({"<PAD>", "<OOV>", "a\xFF"}) == "Vocabulary: token 2 is not UTF-8");
  CHECK_THROWS_AS(Vocabulary::from_tokens<unroll::FormatError>(Texts{"a"}), unroll::FormatError);
}

TEST_CASE("a vocabulary is a value: copies are equal and do not share") {
  Vocabulary copy;
  CHECK(copy.size() == 2);
  {
    const Vocabulary original = Vocabulary::build({"an extraordinarily fine film"});
    copy = original;
    CHECK(copy == original);
  }
  CHECK(copy.encode("extraordinarily fine") == Ids{3, 4});
  const Vocabulary moved = std::move(copy);
  CHECK(moved.encode("extraordinarily fine") == Ids{3, 4});
  CHECK(moved != Vocabulary::build({"an extraordinarily fine"}));
  // The same tokens from another tokenizer are another vocabulary: a text would encode differently.
  CHECK(Vocabulary(unroll::WordTokenizer{}) != Vocabulary(unroll::CharacterTokenizer{}));
}

TEST_CASE("texts that are not UTF-8, empty, or of a million words are encoded") {
  CHECK(Vocabulary::build({"", "\xFF\xFE and more letters"}).size() == 5);
  const Vocabulary vocabulary = Vocabulary::build({"a\xFF b", "\xFE"}, {.tokenizer = unroll::WhitespaceTokenizer{}});
  CHECK(vocabulary.tokens() == Texts{"<PAD>", "<OOV>", "a\xEF\xBF\xBD", "b", "\xEF\xBF\xBD"});
  CHECK(vocabulary.encode("\xFF") == Ids{4});

  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += i % 3 == 0 ? "good " : "bad ";
  const Ids ids = Vocabulary::build({text}).encode(text);
  REQUIRE(ids.size() == 1'000'000);
  CHECK(ids[0] == 3);
  CHECK(ids[999'998] == 2);
}

TEST_CASE("texts are any range of strings, but one string is not a range of texts") {
  static_assert(unroll::TextRange<const std::vector<std::string>&>);
  static_assert(unroll::TextRange<std::initializer_list<const char*>>);
  static_assert(!unroll::TextRange<std::string>);
  static_assert(!unroll::TextRange<std::vector<int>>);
  const std::string_view views[] = {"a b", "b"};
  CHECK(Vocabulary::build(views).tokens() == Texts{"<PAD>", "<OOV>", "b", "a"});
}

TEST_CASE("texts that leave a vocabulary without tokens are refused, with the tokenizer that would do") {
  const char* none = "Vocabulary: the tokenizer 'article' finds no token in 2 texts";
  CHECK_THROWS_WITH_AS(Vocabulary::build({"", "10/10!"}), none, std::invalid_argument);
  CHECK_THROWS_WITH_AS(Vocabulary::build_and_encode({"", "10/10!"}), none, std::invalid_argument);
  CHECK_THROWS_WITH_AS(Vocabulary::build(Texts{}), doctest::Contains("no token in 0 texts"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(Vocabulary::build({"a b"}, {.min_frequency = 2}),
                       "Vocabulary: no token occurs as often as min_frequency, 2 times", std::invalid_argument);
  const Texts russian{"отличный фильм на DVD", "ужасный фильм"};
  CHECK_THROWS_WITH_AS(
      Vocabulary::build(Texts{russian[1]}),
      "Vocabulary: the tokenizer 'article' finds no token in 1 texts: it knows the letters a to z alone; "
      "{.tokenizer = UnicodeWordTokenizer{}} knows all",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      Vocabulary::build(russian),
      "Vocabulary: the tokenizer 'article' deletes most of 2 texts: it knows the letters a to z alone; "
      "{.tokenizer = UnicodeWordTokenizer{}} knows all",
      std::invalid_argument);
  CHECK(Vocabulary::build(russian, {.tokenizer = unroll::UnicodeWordTokenizer{}}).tokens() ==
        Texts{"<PAD>", "<OOV>", "фильм", "отличный", "на", "dvd", "ужасный"});
  CHECK(Vocabulary::build({"ein schöner Film für alle"}).size() == 7);
}

TEST_CASE("a token of other programs can stand for unknown ones") {
  const Texts texts{"the <unk> said N <unk>", "the N"};
  const Vocabulary vocabulary =
      Vocabulary::build(texts, {.tokenizer = unroll::WhitespaceTokenizer{}, .unknown = "<unk>"});
  CHECK(vocabulary.tokens() == Texts{"<PAD>", "<unk>", "the", "N", "said"});
  CHECK(vocabulary.unknown() == "<unk>");
  CHECK(vocabulary.encode("the <unk> film N") == Ids{2, 1, 1, 3});
  CHECK(vocabulary.decode(Ids{2, 1}) == "the <unk>");
  CHECK(vocabulary.id("<unk>") == Vocabulary::oov);
  CHECK(vocabulary != Vocabulary::build(texts, {.tokenizer = unroll::WhitespaceTokenizer{}}));
  const auto [built, encoded] =
      Vocabulary::build_and_encode(texts, {.tokenizer = unroll::WhitespaceTokenizer{}, .unknown = "<unk>"});
  CHECK(built == vocabulary);
  CHECK(encoded == vocabulary.encode(texts));
}
