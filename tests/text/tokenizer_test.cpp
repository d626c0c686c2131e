#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/text/tokenizer.hpp>

#include "code_points.hpp"

namespace {

using Tokens = std::vector<std::string>;
const unroll::WordTokenizer words;
const unroll::WhitespaceTokenizer whitespace;
const unroll::CharacterTokenizer characters;
const unroll::UnicodeWordTokenizer unicode;

}  // namespace

TEST_CASE("the word tokenizer lower-cases, deletes what is no letter, and splits") {
  CHECK(words.tokenize("A fine film!") == Tokens{"a", "fine", "film"});
  CHECK(words.tokenize("Don't: it's 90% rubbish -- really.<br /><br />No") ==
        Tokens{"dont", "its", "rubbish", "reallybr", "br", "no"});
  CHECK(words.tokenize("  two\t\tspaces\r\n") == Tokens{"two", "spaces"});
}

TEST_CASE("of the characters beyond ASCII only those that lower-case into a-z stay") {
  CHECK(words.tokenize("caf\xC3\xA9 na\xC3\xAFve") == Tokens{"caf", "nave"});
  CHECK(words.tokenize("\xC4\xB0stanbul 300\xE2\x84\xAA") == Tokens{"istanbul", "k"});
  CHECK(words.tokenize("\xE6\x98\xA0\xE7\x94\xBB").empty());
  CHECK(words.tokenize("one\xC2\x85two\xC2\xA0three\xE3\x80\x80"
                       "four") == Tokens{"one", "two", "three", "four"});
}

TEST_CASE("the white-space tokenizer keeps everything between white space") {
  CHECK(whitespace.tokenize("A fine film!") == Tokens{"A", "fine", "film!"});
  CHECK(whitespace.tokenize(" caf\xC3\xA9\xE2\x80\x83<eos>\x1Cz ") == Tokens{"caf\xC3\xA9", "<eos>", "z"});
  CHECK(whitespace.tokenize(std::string_view("a\0b", 3)) == Tokens{std::string("a\0b", 3)});
}

TEST_CASE("the character tokenizer gives one token for each code point") {
  CHECK(characters.tokenize("a \xC3\xA9\n\xF0\x9F\x8E\xAC") == Tokens{"a", " ", "\xC3\xA9", "\n", "\xF0\x9F\x8E\xAC"});
}

TEST_CASE("every code point is tokenized as Python does it") {
  CHECK(digest_of_all_code_points(words) == 0x359a635c6126a09eu);
  CHECK(digest_of_all_code_points(whitespace) == 0xfac4add2b4119432u);
  CHECK(digest_of_all_code_points(characters) == 0x2ab68c7f05dfec25u);
}

TEST_CASE("bytes that are not UTF-8 are deleted from words and are U+FFFD elsewhere") {
  CHECK(words.tokenize("go\xFFod\xE2 film\xF0\x9F") == Tokens{"good", "film"});
  CHECK(words.tokenize("\xE2\x84") == Tokens{});  // two bytes of the Kelvin sign
  CHECK(whitespace.tokenize("go\xFFod \xE2\x82 x") == Tokens{"go\xEF\xBF\xBDod", "\xEF\xBF\xBD", "x"});
  CHECK(whitespace.tokenize(std::string(100, '\x80')).at(0).size() == 300);
  CHECK(characters.tokenize("a\xFF\xE2\x82") == Tokens{"a", "\xEF\xBF\xBD", "\xEF\xBF\xBD"});
}

TEST_CASE("texts without tokens have none") {
  for (const std::string_view text : {"", " ", "\n\t \xC2\x85"}) {
    CHECK(words.tokenize(text).empty());
    CHECK(whitespace.tokenize(text).empty());
  }
  CHECK(words.tokenize("1984 -- !!!").empty());
  CHECK(characters.tokenize("").empty());
}

TEST_CASE("tokens of every length come out whole, wherever they stand") {
  // Tokens are found eight bytes at a time: lengths around that, at every offset, first and last in the text.
  for (std::size_t offset = 0; offset < 9; ++offset)
    for (std::size_t size = 1; size < 40; ++size) {
      std::string word;
      for (std::size_t i = 0; i < size; ++i) word += static_cast<char>('a' + (i * 7 + size) % 26);
      const std::string text = std::string(offset, ' ') + word + " " + word + "  " + word;
      CAPTURE(text);
      CHECK(words.tokenize(text) == Tokens{word, word, word});
      CHECK(whitespace.tokenize(text + ' ') == Tokens{word, word, word});
    }
}

TEST_CASE("a text of a million words is tokenized") {
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += i % 2 == 0 ? "Good, " : "bad\n";
  std::size_t good = 0, bad = 0;
  words(text, [&](std::string_view token) { ++(token == "good" ? good : bad); });
  CHECK(good == 500'000);
  CHECK(bad == 500'000);
  const std::string one_word(10'000'000, 'x');
  CHECK(words.tokenize(one_word) == Tokens{one_word});
}

TEST_CASE("a token knows its first eight bytes, padded with zeros") {
  const auto prefix = [](std::string_view bytes) { return unroll::Token(bytes).prefix(); };
  const char padded[17] = "abcdefghXXXXXXXX";
  for (std::size_t size = 0; size <= 8; ++size) {
    CAPTURE(size);
    CHECK(unroll::Token::from_padded(padded, size).prefix() == prefix({padded, size}));
    CHECK(unroll::Token::from_padded(padded, size).text() == std::string_view(padded, size));
  }
  CHECK(prefix("abcdefghi") == prefix("abcdefgh"));
  CHECK(prefix("abc") != prefix("abd"));
}

TEST_CASE("a tokenizer chosen at run time works as the one it stands for, and is found by its name") {
  const std::string text = "It's \xC3\xA9t\xC3\xA9!";
  CHECK(unroll::Tokenizer{}.tokenize(text) == words.tokenize(text));
  CHECK(unroll::Tokenizer{words}.tokenize(text) == words.tokenize(text));
  CHECK(unroll::Tokenizer{whitespace}.tokenize(text) == whitespace.tokenize(text));
  CHECK(unroll::Tokenizer{characters}.tokenize(text) == characters.tokenize(text));
  CHECK(unroll::Tokenizer{unicode}.tokenize(text) == unicode.tokenize(text));
  for (const std::string name : {"article", "whitespace", "characters", "unicode-words"})
    CHECK(unroll::Tokenizer::from_name(name).name() == name);
  CHECK(unroll::Tokenizer::from_name("characters") == unroll::Tokenizer{characters});
  CHECK(unroll::Tokenizer{words} != unroll::Tokenizer{whitespace});
  CHECK(unroll::Tokenizer{words} != unroll::Tokenizer{unicode});
  CHECK_THROWS_WITH_AS(unroll::Tokenizer::from_name("words"),
                       "Tokenizer: tokenizer 'words', expected article, unicode-words, whitespace, characters or one "
                       "that is passed to what loads, as its last argument",
                       std::invalid_argument);
}

namespace {
/// Cuts behind every hyphen.
struct Syllables {
  std::string_view name = "syllables", separator = "-";
  void operator()(std::string_view text, const std::function<void(std::string_view)>& on_token) const {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('-', at), text.size());
      on_token(text.substr(at, end - at));
      at = end + 1;
    }
  }
};
}  // namespace

TEST_CASE("a tokenizer of the user's own is a value with a name, or a name and a function") {
  static_assert(unroll::CustomTokenizer<Syllables>);
  static_assert(!unroll::CustomTokenizer<int> && !unroll::CustomTokenizer<unroll::Tokenizer>);
  const unroll::Tokenizer syllables = Syllables{};
  CHECK(syllables.name() == "syllables");
  CHECK(syllables.separator() == "-");
  CHECK(syllables.kind() == unroll::TokenizerKind::custom);
  CHECK(syllables.tokenize("won-der-ful") == Tokens{"won", "der", "ful"});
  CHECK(syllables == unroll::Tokenizer("syllables", [](std::string_view, const auto&) {}));
  CHECK(syllables != unroll::Tokenizer{words});
  CHECK(unroll::Tokenizer::from_name("syllables", "who", {words, syllables}).tokenize("a-b") == Tokens{"a", "b"});

  const unroll::Tokenizer whole("whole", [](std::string_view text, const auto& on_token) { on_token(text); });
  CHECK(whole.tokenize("a fine film") == Tokens{"a fine film"});
  CHECK(whole.separator() == " ");
}

TEST_CASE("a tokenizer of the user's own is checked: its name, its function and its tokens") {
  const auto nothing = [](std::string_view, const auto&) {};
  CHECK_THROWS_WITH_AS(unroll::Tokenizer("article", nothing),
                       "Tokenizer: the library has a tokenizer 'article' already", std::invalid_argument);
  for (const char* name : {"", "two words", "line\n", "\xC3\xA9"})
    CHECK_THROWS_WITH_AS(unroll::Tokenizer(name, nothing), doctest::Contains("expected visible ASCII characters"),
                         std::invalid_argument);
  void (*null)(std::string_view, unroll::FunctionRef<std::string_view>) = nullptr;
  CHECK_THROWS_WITH_AS(unroll::Tokenizer("null", null), "Tokenizer: 'null' has a null function", std::invalid_argument);
  const unroll::Tokenizer whole("whole", [](std::string_view text, const auto& on_token) { on_token(text); });
  for (const char* bad : {"", "\xFF"})
    CHECK_THROWS_WITH_AS(whole.tokenize(bad), "Tokenizer: 'whole' gave a token that is empty or not UTF-8",
                         std::invalid_argument);
}
