#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/data/encode.hpp>
#include <unroll/text/byte_alphabet.hpp>
#include <unroll/text/byte_pair_encoding.hpp>
#include <unroll/text/byte_pair_file.hpp>
#include <unroll/text/pre_tokenize.hpp>
#include <unroll/text/vocabulary_file.hpp>

#include "../data/folder.hpp"

namespace bpe_test {

using unroll::BytePairEncoding;
using unroll::Index;
using unroll::Vocabulary;
using Ids = std::vector<std::int32_t>;
using Texts = std::vector<std::string>;
using Merges = std::vector<std::pair<std::string, std::string>>;

constexpr std::int32_t first_merge = BytePairEncoding::first_merge;

Texts pieces(std::string_view text) {
  Texts list;
  unroll::pre_tokenize(text, [&](std::string_view piece) { list.emplace_back(piece); });
  return list;
}

/// Words of few syllables, so that pairs are often as frequent as others, with runs of one letter, numbers and white
/// space of all kinds.
std::string generated_text(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random()) % n; };
  const Texts syllables{"a",  "na",  "nan", "aa",       "tra",          "s", "ss",
                        "st", "ion", "ing", "\xC3\xA9", "\xE6\x98\xA0", "'", ","};
  const Texts spaces{" ", " ", " ", " ", "  ", "\n", " \n ", "\t"};
  std::string text;
  while (text.size() < size) {
    for (unsigned n = 1 + below(4); n > 0; --n) text += syllables[std::min(below(14), below(14))];
    if (below(12) == 0) text += std::to_string(below(1000));
    text += spaces[below(8)];
  }
  return text;
}

/// The definition: all pieces are gone through for every merge.
struct Reference {
  Merges merges;

  static void merge(Texts& tokens, const std::pair<std::string, std::string>& pair) {
    Texts merged;
    for (std::size_t i = 0; i < tokens.size(); ++i)
      if (i + 1 < tokens.size() && tokens[i] == pair.first && tokens[i + 1] == pair.second)
        merged.push_back(tokens[i] + tokens[i + 1]), ++i;
      else
        merged.push_back(tokens[i]);
    tokens = merged;
  }
  static Texts bytes(const std::string& piece) {
    Texts tokens;
    for (const char c : piece) tokens.emplace_back(1, c);
    return tokens;
  }

  static Reference learn(const std::string& text, std::size_t count, Index least) {
    std::map<std::string, Index> words;
    for (const std::string& piece : pieces(text)) ++words[piece];
    std::vector<std::pair<Texts, Index>> cut;
    for (const auto& [word, times] : words) cut.emplace_back(bytes(word), times);
    std::map<std::string, std::size_t> ids;
    for (unsigned byte = 0; byte < 256; ++byte) ids.emplace(std::string(1, static_cast<char>(byte)), byte);
    Reference reference;
    while (reference.merges.size() < count) {
      std::map<std::pair<std::size_t, std::size_t>, std::pair<Index, std::pair<std::string, std::string>>> pairs;
      for (const auto& [tokens, times] : cut)
        for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
          auto& entry = pairs[{ids.at(tokens[i]), ids.at(tokens[i + 1])}];
          entry.first += times;
          entry.second = {tokens[i], tokens[i + 1]};
        }
      const auto best = std::max_element(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
        return a.second.first < b.second.first;  // the first of equals, in the order of ids
      });
      if (best == pairs.end() || best->second.first < least) break;
      const auto pair = best->second.second;
      for (auto& [tokens, times] : cut) merge(tokens, pair);
      ids.emplace(pair.first + pair.second, ids.size());
      reference.merges.push_back(pair);
    }
    return reference;
  }
  Texts encode(const std::string& text) const {
    Texts all;
    for (const std::string& piece : pieces(text)) {
      Texts tokens = bytes(piece);
      for (const auto& pair : merges) merge(tokens, pair);
      all.insert(all.end(), tokens.begin(), tokens.end());
    }
    return all;
  }
};

Texts tokens_of(const BytePairEncoding& encoding, std::string_view text) {
  Texts tokens;
  for (const std::int32_t id : encoding.encode(text)) tokens.emplace_back(encoding.token(id));
  return tokens;
}

std::string complaint(const std::string& text) {
  try {
    static_cast<void>(BytePairEncoding::from_text(text, "file.txt"));
  } catch (const unroll::FormatError& error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("pieces are words with the space before them, and make up the text") {
  CHECK(pieces("I don't  know") == Texts{"I", " don", "'", "t", " ", " know"});
  CHECK(pieces("in 1984, \n  x") == Texts{"in", " 1984", ",", " \n ", " x"});
  CHECK(pieces("\n a\tb ") == Texts{"\n", " a", "\t", "b", " "});
  CHECK(pieces("caf\xC3\xA9\xFF 3km ...") == Texts{"caf\xC3\xA9\xFF", " 3", "km", " ..."});
  CHECK(pieces("").empty());
  CHECK(pieces("   ") == Texts{"   "});
}

TEST_CASE("each byte has a visible character of its own") {
  std::set<char32_t> letters;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char32_t letter = unroll::letter_of_byte(static_cast<std::uint8_t>(byte));
    CHECK(unroll::byte_of_letter(letter) == static_cast<int>(byte));
    CHECK_FALSE(unroll::is_white_space(letter));
    letters.insert(letter);
  }
  CHECK(letters.size() == 256);
  CHECK(*letters.rbegin() == 0x143);
  CHECK(unroll::byte_of_letter(' ') == -1);
  CHECK(unroll::byte_of_letter(0x144) == -1);
  CHECK(unroll::spell_bytes("a \n\xC3") == "a\xC4\xA0\xC4\x8A\xC3\x83");
}

// low low low low low lower lower newest x 6 widest x 3, the example of Sennrich et al., one word a line. Pairs at
// first: es 9, st 9, (we 8, lo 7, ow 7, ne 6, ew 6, ..): es before st, because e is less than s.
TEST_CASE("the merges of a small corpus are those found by hand") {
  std::string corpus;
  for (const auto& [word, times] : {std::pair{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}})
    for (int k = 0; k < times; ++k) (corpus += word) += '\n';
  const BytePairEncoding encoding = BytePairEncoding::learn({corpus}, {.max_size = first_merge + 7});
  CHECK(encoding.merges() == Merges{{"e", "s"},
                                    {"es", "t"},
                                    {"l", "o"},   // 7, as ow
                                    {"lo", "w"},  // 7
                                    {"e", "w"},   // 6, as ne and w est
                                    {"n", "ew"},  // 6, as ew est, whose left token is younger
                                    {"new", "est"}});
  CHECK(encoding.size() == first_merge + 7);
  CHECK(tokens_of(encoding, "lowest\n") == Texts{"low", "est", "\n"});
  CHECK(encoding.encode("lowest") == Ids{first_merge + 3, first_merge + 1});
}

TEST_CASE("overlapping pairs are merged from the left") {
  const BytePairEncoding encoding = BytePairEncoding::learn({"aaaaa"}, {.max_size = first_merge + 1});
  CHECK(encoding.merges() == Merges{{"a", "a"}});
  CHECK(tokens_of(encoding, "aaaaa") == Texts{"aa", "aa", "a"});
}

TEST_CASE("learning ends at the size that is wanted or where no pair is frequent enough") {
  const Texts texts{"ab ab ab", " cd cd"};
  CHECK(BytePairEncoding::learn(texts, {.max_size = first_merge}).merges().empty());
  CHECK(BytePairEncoding::learn(texts, {.max_size = first_merge + 1}).merges() == Merges{{"a", "b"}});
  CHECK(BytePairEncoding::learn(texts, {.min_frequency = 3}).merges() == Merges{{"a", "b"}});
  CHECK(BytePairEncoding::learn(texts).merges() == Merges{{"a", "b"}, {" ", "c"}, {" ", "ab"}, {" c", "d"}});
  CHECK(BytePairEncoding::learn(Texts{}).size() == first_merge);
}

TEST_CASE("what is learned does not depend on the order of the texts") {
  Texts texts;
  for (unsigned seed = 0; seed < 20; ++seed) texts.push_back(generated_text(500, seed));
  const BytePairEncoding encoding = BytePairEncoding::learn(texts, {.max_size = 600});
  std::reverse(texts.begin(), texts.end());
  CHECK(BytePairEncoding::learn(texts, {.max_size = 600}) == encoding);
  std::rotate(texts.begin(), texts.begin() + 7, texts.end());
  CHECK(BytePairEncoding::learn(texts, {.max_size = 600}) == encoding);
}

TEST_CASE("merges and encodings are those of the definition") {
  const std::string text = generated_text(30'000, 1), other = generated_text(5'000, 2) + " strange new words, aaaaaaa";
  const Reference reference = Reference::learn(text, 300, 2);
  const BytePairEncoding encoding = BytePairEncoding::learn({text}, {.max_size = first_merge + 300});
  CHECK(encoding.merges() == reference.merges);
  CHECK(tokens_of(encoding, text) == reference.encode(text));
  CHECK(tokens_of(encoding, other) == reference.encode(other));
  for (std::int32_t id = BytePairEncoding::first_byte; id < encoding.size(); ++id)
    CHECK(encoding.encode(encoding.token(id)) == Ids{id});
}

TEST_CASE("to the last merge, too") {
  const std::string text = generated_text(1'500, 3);
  const BytePairEncoding encoding = BytePairEncoding::learn({text}, {.min_frequency = 1});
  CHECK(encoding.merges() == Reference::learn(text, 8192, 1).merges);
  CHECK(static_cast<std::size_t>(std::ranges::count_if(pieces(text), [](auto& s) { return !s.empty(); })) ==
        encoding.encode(text).size());  // a token a piece
}

TEST_CASE("decoding gives the bytes that were encoded, whatever they are") {
  const BytePairEncoding encoding = BytePairEncoding::learn({generated_text(5'000, 4)}, {.max_size = 500});
  std::mt19937 random(5);
  std::string bytes;
  for (int k = 0; k < 20'000; ++k) bytes += static_cast<char>(random() >> 24);
  for (const std::string& text :
       {bytes, std::string(3, '\0'), std::string("\xC3\x28\xED\xA0\x80\xFF"), generated_text(2'000, 6),
        std::string("<BOS> <EOS> <PAD> <OOV>"), std::string(100'000, 'a'), std::string()})
    CHECK(encoding.decode(encoding.encode(text)) == text);
  CHECK(BytePairEncoding().encode("a\xFF") == Ids{4 + 'a', 4 + 0xFF});
  CHECK(encoding.encode(Texts{"a", "", "na"}) == std::vector<Ids>{encoding.encode("a"), {}, encoding.encode("na")});
  Ids reused{7, 7, 7};
  encoding.encode("", reused);
  CHECK(reused.empty());
}

TEST_CASE("no text encodes to a special token, and decoding leaves them out") {
  std::string text;
  for (int k = 0; k < 50; ++k) text += "<PAD> <OOV> <BOS> <EOS> ";
  const BytePairEncoding encoding = BytePairEncoding::learn({text}, {.min_frequency = 1});
  const Ids ids = encoding.encode("<BOS>" + text);
  CHECK(std::ranges::all_of(ids, [](std::int32_t id) { return id >= BytePairEncoding::first_byte; }));
  CHECK(encoding.vocabulary().encode("<BOS>" + text) == ids);
  Ids marked{BytePairEncoding::bos};
  marked.insert(marked.end(), ids.begin(), ids.end());
  marked.insert(marked.end(), {BytePairEncoding::eos, BytePairEncoding::pad, Vocabulary::oov});
  CHECK(encoding.decode(marked) == "<BOS>" + text);
  CHECK(encoding.token(BytePairEncoding::pad) == "<PAD>");
  CHECK(encoding.token(BytePairEncoding::bos) == "<BOS>");
  CHECK(encoding.token(BytePairEncoding::eos) == "<EOS>");
}

TEST_CASE("a byte-pair encoding is a vocabulary with the same ids, in files too") {
  const Folder folder;
  const std::string text = generated_text(3'000, 7);
  const BytePairEncoding encoding = BytePairEncoding::learn({text}, {.max_size = 300});
  const Vocabulary vocabulary = encoding.vocabulary();
  CHECK(vocabulary.size() == encoding.size());
  CHECK(vocabulary.encode(text) == encoding.encode(text));
  CHECK(vocabulary.decode(vocabulary.encode("na na")) == "na\xC4\xA0na");
  const Ids ids = encoding.encode(text);
  CHECK(unroll::Encoder(vocabulary, {.length = 5})(text) == Ids(ids.begin(), ids.begin() + 5));
  const auto path = folder.path / "subwords.txt";
  unroll::save_vocabulary(path, vocabulary);
  CHECK(unroll::load_vocabulary(path, {encoding.tokenizer()}) == vocabulary);
  const BytePairEncoding another = BytePairEncoding::learn({text}, {.max_size = 299});
  CHECK_THROWS_WITH_AS(unroll::load_vocabulary(path, {another.tokenizer()}),
                       doctest::Contains("subwords.txt:1: tokenizer 'byte-pairs-"), unroll::FormatError);
}

TEST_CASE("a byte-pair encoding is the same after saving and loading") {
  const Folder folder;
  const auto path = folder.path / "merges.txt";
  for (const BytePairEncoding& encoding :
       {BytePairEncoding(), BytePairEncoding::learn({generated_text(5'000, 8)}, {.max_size = 500})}) {
    unroll::save_byte_pairs(path, encoding);
    CHECK(unroll::load_byte_pairs(path) == encoding);
  }
  unroll::save_byte_pairs(path, BytePairEncoding::learn({"\xC3\xA9t\xC3\xA9 \xC3\xA9t\xC3\xA9"}));
  std::ifstream file(path, std::ios::binary);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) ==
        "unroll-byte-pairs 1 3\n\xC3\x83 \xC2\xA9\nt \xC3\x83\xC2\xA9\n\xC3\x83\xC2\xA9 t\xC3\x83\xC2\xA9\n");
}

TEST_CASE("a file of merges that went through an editor with CRLF lines or without the last line feed is read") {
  CHECK(complaint("unroll-byte-pairs 1 1\r\na b\r\n") == "none");
  CHECK(complaint("unroll-byte-pairs 1 1\na b") == "none");
  CHECK(complaint("unroll-byte-pairs 1 0") == "none");
}

TEST_CASE("a file that is no byte-pair encoding is refused with its name and line") {
  CHECK(complaint("") == "file.txt: is empty");
  CHECK(complaint("a b\n") == "file.txt:1: not a byte-pair encoding: expected 'unroll-byte-pairs ...'");
  CHECK(complaint("unroll-byte-pairs 2 0\n") == "file.txt:1: format version '2', expected 1");
  for (const std::string number : {"", "x", "-1", "1x", "1 1", "99999999999", "2147483647"})
    CHECK(complaint("unroll-byte-pairs 1 " + number + "\na b\n") == "file.txt:1: number of merges '" + number + "'");
  CHECK(complaint("unroll-byte-pairs 1 2\na b\n") == "file.txt: 1 merges, expected 2");
  CHECK(complaint("unroll-byte-pairs 1 1\na b\n\n") == "file.txt:3: got another line, expected 1 merges");
  const std::string letters = "', expected two tokens in the alphabet of bytes, with a space between them";
  CHECK(complaint("unroll-byte-pairs 1 1\n\n") == "file.txt:2: got '" + letters);
  CHECK(complaint("unroll-byte-pairs 1 1\nab\n") ==
        "file.txt:2: got 'ab', expected a byte or a token that a line above makes");
  CHECK(complaint("unroll-byte-pairs 1 1\na\n") == "file.txt:2: got '" + letters);
  CHECK(complaint("unroll-byte-pairs 1 1\na  b\n") == "file.txt:2: got ' b" + letters);
  CHECK(complaint("unroll-byte-pairs 1 1\na b c\n") == "file.txt:2: got 'b c" + letters);
  CHECK(complaint("unroll-byte-pairs 1 1\na \xFF\n") == "file.txt:2: got '\xFF" + letters);
  CHECK(complaint("unroll-byte-pairs 1 2\na b\nc abc\n") ==
        "file.txt:3: got 'abc', expected a byte or a token that a line above makes");
  CHECK(complaint("unroll-byte-pairs 1 2\na b\na b\n") == "file.txt:3: makes 'ab', which line 2 makes");
  CHECK(complaint("unroll-byte-pairs 1 3\nb c\na b\nab c\n") ==
        "file.txt:4: makes 'abc', but no text encodes to that: the lines above cut it otherwise");
  CHECK(complaint("unroll-byte-pairs 1 1\na ,\n") ==
        "file.txt:2: makes 'a,', but no text encodes to that: words are cut there");
  CHECK_THROWS_AS(unroll::load_byte_pairs("no/such/file"), unroll::FormatError);
}

}  // namespace bpe_test
