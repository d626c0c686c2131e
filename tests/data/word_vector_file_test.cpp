#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <unroll/core/random.hpp>
#include <unroll/data/word_vector_file.hpp>

#include "../support/not_finite.hpp"
#include "folder.hpp"

namespace word_vector_files {

using unroll::Index;
using unroll::WordVectorFormat;
using unroll::WordVectorOptions;
using unroll::WordVectors;

/// float32, little-endian.
std::string floats(std::initializer_list<float> numbers) {
  std::string bytes;
  for (const float x : numbers) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xFF);
  }
  return bytes;
}
WordVectors read_bytes(const std::string& bytes, const WordVectorOptions& options = {}) {
  const Folder folder;
  return unroll::read_word_vectors(folder.write("v", bytes), options);
}
/// What is said of a file `v` with these bytes.
template <class... Vocabulary>
std::string refusal_of_vectors(const std::string& bytes, const WordVectorOptions& options = {},
                               const Vocabulary&... vocabulary) {
  const Folder folder;
  const auto path = folder.write("v", bytes);
  try {
    static_cast<void>(unroll::read_word_vectors(path, vocabulary..., options));
  } catch (const unroll::FormatError& error) {
    return std::string(error.what()).substr(folder.path.string().size() + 1);
  }
  return "none";
}
std::vector<std::string> words_of(const WordVectors& vectors) {
  std::vector<std::string> all;
  for (Index k = 0; k < vectors.size(); ++k) all.emplace_back(vectors.word(k));
  return all;
}
std::vector<float> numbers_of(const WordVectors& vectors, std::string_view word) {
  return {vectors[word].begin(), vectors[word].end()};
}
void check_two(const WordVectors& of) {
  CHECK(words_of(of) == std::vector<std::string>{"the", "Größe"});
  CHECK(of.width() == 3);
  CHECK(numbers_of(of, "the") == std::vector<float>{0.5f, -1, 2e-3f});
  CHECK(numbers_of(of, "Größe") == std::vector<float>{1, 2, 3});
}
bool same(const WordVectors& a, const WordVectors& b) {
  return words_of(a) == words_of(b) && a.width() == b.width() &&
         std::memcmp(a.vectors().data(), b.vectors().data(),
                     static_cast<std::size_t>(a.vectors().size()) * sizeof(float)) == 0;
}

const std::string glove = "the 0.5 -1 2e-3\nGröße 1 2 3\n";
const std::string word2vec = "2 3\nthe 0.5 -1 2e-3 \nGröße 1 2 3 \n";
const std::string with_ends = "2 3\nthe " + floats({0.5f, -1, 2e-3f}) + "\nGröße " + floats({1, 2, 3}) + "\n";
const std::string without_ends = "2 3\nthe " + floats({0.5f, -1, 2e-3f}) + "Größe " + floats({1, 2, 3});
const WordVectorOptions as_glove{.format = WordVectorFormat::glove}, as_text{.format = WordVectorFormat::word2vec},
    as_binary{.format = WordVectorFormat::word2vec_binary};

}  // namespace word_vector_files

TEST_CASE("files of word vectors are told apart by what is in them") {
  using namespace word_vector_files;
  check_two(read_bytes(glove));
  check_two(read_bytes(word2vec));
  check_two(read_bytes(with_ends));
  check_two(read_bytes(without_ends));
  check_two(read_bytes("\xEF\xBB\xBFthe\t0.5\t-1  +2e-3\t\r\nGröße 1 2 3"));
  CHECK(words_of(read_bytes("a 1\nlonger than a 2")) == std::vector<std::string>{"a", "longer than a"});
  // Numbers of one digit: the lines are shorter than a binary vector would be.
  CHECK(numbers_of(read_bytes("2 3\na 1 2 3\né 4 5 6\n"), "é") == std::vector<float>{4, 5, 6});
  // A binary number may look like the end of a line.
  const std::string like_an_end = "\n" + floats({1, 2}).substr(1);
  CHECK(read_bytes("2 2\na " + like_an_end + "\nb " + floats({3, 4}) + "\n").size() == 2);
  CHECK(read_bytes("2 1\na " + floats({1}) + "b " + floats({-2}))["b"](0) == -2);
}

TEST_CASE("the format of word vectors can be said") {
  using namespace word_vector_files;
  check_two(read_bytes(glove, as_glove));
  check_two(read_bytes(word2vec, as_text));
  check_two(read_bytes(with_ends, as_binary));
  CHECK(words_of(read_bytes("2 3\n5 7\n", as_glove)) == std::vector<std::string>{"2", "5"});
  const std::string letters = "1 1\na bcde";  // which is text and a float
  CHECK(read_bytes(letters, as_binary).size() == 1);
  CHECK(refusal_of_vectors(letters) == "v:2: 'bcde' is not a number");
  CHECK(refusal_of_vectors(glove, as_text) ==
        "v:1: expected two whole numbers, how many words and how many numbers each has");
  CHECK(refusal_of_vectors(glove, as_binary) ==
        "v:1: expected two whole numbers, how many words and how many numbers each has");
  CHECK(refusal_of_vectors(word2vec, as_glove) == "v:2: 3 numbers, expected 1 as line 1 says");
}

TEST_CASE("of a file of word vectors only those of a vocabulary are kept, as they stand and in lower case") {
  using namespace word_vector_files;
  const auto vocabulary = unroll::Vocabulary::from_tokens({"<PAD>", "<OOV>", "größe", "The", "ÉTÉ", "not there"});
  const Folder folder;
  for (const std::string& bytes :
       {std::string("the 1 2\nThe 3 4\nother 5 6\nété 7 8\nlast 9 nan\n"),
        "5 2\nthe " + floats({1, 2}) + "The " + floats({3, 4}) + "other " + floats({5, not_finite::nan<float>()}) +
            "été " + floats({7, 8}) + "last " + floats({9, 9})}) {
    const auto of = unroll::read_word_vectors(folder.write("v", bytes), vocabulary);
    CHECK(words_of(of) == std::vector<std::string>{"the", "The", "été"});
    CHECK(numbers_of(of, "été") == std::vector<float>{7, 8});
  }
  CHECK(refusal_of_vectors("a 1\nb 2\n", {}, vocabulary) ==
        "v: has none of the vocabulary's words: in another language or script?");
  CHECK(refusal_of_vectors("a 1 2\nb 2\n", {}, vocabulary) == "v:2: 1 numbers, expected 2 as line 1 says");
}

TEST_CASE("a word may hold spaces and any bytes") {
  using namespace word_vector_files;
  const auto of = read_bytes("the 1 2\n. . . 3 4\nat name@domain.com 5 6\n\xFF\xC2 7 8\n\xC2\xA0 9 10\n");
  CHECK(words_of(of) == std::vector<std::string>{"the", ". . .", "at name@domain.com", "\xFF\xC2", "\xC2\xA0"});
  CHECK(numbers_of(of, ". . .") == std::vector<float>{3, 4});
  const std::string odd("\x01\t\xFF\0\n\xE2\x82", 7);
  CHECK(numbers_of(read_bytes("2 1\n" + odd + " " + floats({1}) + "b " + floats({2})), odd) == std::vector<float>{1});
}

TEST_CASE("a line of word vectors that is wrong is named") {
  using namespace word_vector_files;
  CHECK(refusal_of_vectors("a 1 2\nb 3\n") == "v:2: 1 numbers, expected 2 as line 1 says");
  CHECK(refusal_of_vectors("a 1 2\nb 3 4\nc 3 4 5\n") == "v:3: 3 numbers, expected 2 as line 1 says");
  CHECK(refusal_of_vectors("2 3\na 1 2 3\nb 1 2\n") == "v:3: 2 numbers, expected 3 as line 1 says");
  CHECK(refusal_of_vectors("2 3\na 1\nb 1 2 3\n") == "v:2: 1 numbers, expected 3 as line 1 says");
  CHECK(refusal_of_vectors("a 1 2\nb 3 x\n") == "v:2: 'x' is not a number");
  CHECK(refusal_of_vectors("a 1 2\nb 3 1e\n") == "v:2: '1e' is not a number");
  CHECK(refusal_of_vectors("a 1 2\nb nan 4\n") == "v:2: number 1 of 'b' is nan, expected a finite float");
  CHECK(refusal_of_vectors("a 1 2\nb 3 -inf\n") == "v:2: number 2 of 'b' is -inf, expected a finite float");
  CHECK(refusal_of_vectors("a 1 2\nb 3 1e39\n") == "v:2: number 2 of 'b' is 1e39, expected a finite float");
  CHECK(refusal_of_vectors("a 1 2\n\nb 3 4\n") == "v:2: is empty, expected a word and its numbers");
  CHECK(refusal_of_vectors("a 1 2\n 3 4\n") == "v:2: begins with a space, expected a word");
  CHECK(refusal_of_vectors("alone\nb 3 4\n") == "v:1: a word without numbers, expected its vector");
  CHECK(refusal_of_vectors("") == "v: is empty");
  CHECK(refusal_of_vectors("PK\x03\x04...") == "v: is compressed by zip: unpack it first");
  CHECK(numbers_of(read_bytes("a 1e-46 1e-40\n"), "a") == std::vector<float>{0, 1e-40f});
}

TEST_CASE("a word that is there again is an error, or its first vector counts") {
  using namespace word_vector_files;
  CHECK(refusal_of_vectors("a 1\nb 2\na 3\n") ==
        "v:3: the word 'a' is there twice; {.first_of_repeated = true} takes its first "
        "vector");
  CHECK(refusal_of_vectors("2 1\na " + floats({1}) + "a " + floats({2})) ==
        "v: word 2: the word 'a' is there twice; {.first_of_repeated = true} takes its first vector");
  const auto of = read_bytes("a 1\nb 2\na 3\nc 4\n", {.first_of_repeated = true});
  CHECK(words_of(of) == std::vector<std::string>{"a", "b", "c"});
  CHECK(numbers_of(of, "a") == std::vector<float>{1});
  CHECK(numbers_of(of, "c") == std::vector<float>{4});
  const auto vocabulary = unroll::Vocabulary::from_tokens({"<PAD>", "<OOV>", "b"});
  CHECK(refusal_of_vectors("a 1\nb 2\na 3\n", {}, vocabulary) == "none");
}

TEST_CASE("files of word vectors that end too early or too late are refused") {
  using namespace word_vector_files;
  CHECK(refusal_of_vectors("3 1\na 1\nb 2\n") == "v: 2 words, but line 1 says 3");
  CHECK(refusal_of_vectors("1 1\na 1\nb 2\n") == "v:3: another word, but line 1 says 1 words");
  CHECK(refusal_of_vectors("3 2") == "v: 0 words, but line 1 says 3");
  CHECK(refusal_of_vectors(with_ends + "x") == "v: goes on behind the 2 words that line 1 says");
  for (std::size_t size = 4; size < without_ends.size(); ++size) {
    CAPTURE(size);
    CHECK(refusal_of_vectors(without_ends.substr(0, size), as_binary).starts_with("v: word "));
  }
  CHECK(refusal_of_vectors(without_ends.substr(0, 10), as_binary) ==
        "v: word 1: the file ends after 2 of the 12 bytes of its vector");
  CHECK(refusal_of_vectors(without_ends.substr(0, 22), as_binary) ==
        "v: word 2: the file ends, but line 1 says 2 words");
  CHECK(refusal_of_vectors("1 1\n " + floats({1}), as_binary) == "v: word 1: is empty");
  CHECK(refusal_of_vectors("1 2\na " + floats({1, not_finite::infinity<float>()})) ==
        "v: word 1: number 2 of 'a' is not finite");
}

TEST_CASE("sizes that a file of word vectors only claims to have take no memory") {
  using namespace word_vector_files;
  CHECK(refusal_of_vectors("999999999999 3\na 1 2 3\n") == "v: 1 words, but line 1 says 999999999999");
  CHECK(refusal_of_vectors("9223372036854775807 3\na " + floats({1, 2, 3})) ==
        "v: word 2: the file ends, but line 1 says 9223372036854775807 words");
  CHECK(refusal_of_vectors("1 999999999999\na 1 2 3\n") ==
        "v:1: vectors of 999999999999 numbers, expected at most max_width, 10000");
  CHECK(refusal_of_vectors("1 99999999999999999999\na 1\n") ==
        "v:1: vectors of too many numbers, expected at most max_width, 10000");
  CHECK(refusal_of_vectors("99999999999999999999 1\na 1\n") ==
        "v:1: the number of words is too large, expected at least 1");
  CHECK(refusal_of_vectors("0 1\n") == "v:1: the number of words is 0, expected at least 1");
  CHECK(refusal_of_vectors("1 0\na\n") == "v:1: a word without numbers, expected its vector");
  CHECK(refusal_of_vectors("a 1 2 3\n", {.max_width = 2}) ==
        "v:1: vectors of 3 numbers, expected at most max_width, 2");
  CHECK(refusal_of_vectors(std::string(800'000, 'x')) == "v:1: more than 705536 bytes without an end of the line");
  CHECK(refusal_of_vectors("a 1\n" + std::string(800'000, 'x')) ==
        "v:2: more than 705536 bytes without an end of the line");
  CHECK(refusal_of_vectors("1 1\n" + std::string(70'000, '\1') + " ....", as_binary) ==
        "v: word 1: no space in 65536 bytes, expected one behind the word");
  CHECK(refusal_of_vectors(std::string(70'000, 'x') + " 1 2\n") ==
        "v:1: a word of 70000 bytes, expected at most 65536");
  CHECK(refusal_of_vectors("a 1 2\nb 3 4\n", {.max_bytes = 17}) ==
        "v: has more than 17 bytes of words and vectors: raise max_bytes, or read those of a vocabulary");
  CHECK(refusal_of_vectors("a 1 2\nb 3 4\n", {.max_bytes = 18}) == "none");
}

TEST_CASE("a limit reads the first words and nothing behind them") {
  using namespace word_vector_files;
  CHECK(words_of(read_bytes("a 1\nb 2\nc x\n", {.limit = 2})) == std::vector<std::string>{"a", "b"});
  CHECK(words_of(read_bytes("9 1\na 1\nb 2\nc x\n", {.limit = 2})) == std::vector<std::string>{"a", "b"});
  CHECK(words_of(read_bytes("9 1\na " + floats({1}) + "b ", {.limit = 1})) == std::vector<std::string>{"a"});
}

TEST_CASE("many words of many blocks arrive in their order") {
  using namespace word_vector_files;
  std::string text, numbers;
  constexpr Index count = 3000, width = 50;
  for (Index k = 0; k < count; ++k) {
    text += "word" + std::to_string(k);
    for (Index d = 0; d < width; ++d) text += " " + std::to_string(k) + "." + std::to_string(d + 10);
    text += "\n";
  }
  const auto of = read_bytes(text);
  REQUIRE(of.size() == count);
  for (const Index k : {Index{0}, Index{1309}, Index{1310}, Index{1311}, Index{2621}, count - 1}) {
    CHECK(of.word(k) == "word" + std::to_string(k));
    CHECK(of.find("word" + std::to_string(k)) == k);
    CHECK(of.vectors()(49, k) == std::stof(std::to_string(k) + ".59"));
  }
}

TEST_CASE("word vectors that were written are read back the same") {
  using namespace word_vector_files;
  unroll::Rng rng(3);
  unroll::Matrix<float> numbers(40, 30);
  for (Index k = 0; k < numbers.size(); ++k) {  // any bits that are a finite number
    std::uint32_t bits = 0x7F800000;
    while ((bits & 0x7F800000) == 0x7F800000) bits = static_cast<std::uint32_t>(rng());
    numbers.data()[k] = std::bit_cast<float>(bits);
  }
  numbers.col(0).setZero();
  numbers(0, 0) = -0.0f, numbers(1, 0) = std::numeric_limits<float>::denorm_min(), numbers(2, 0) = 0.1f;
  std::vector<std::string> names{"the", "\xFF odd bytes\x01"};
  names[1][1] = '_', names[1][5] = '_';
  while (names.size() < 30) names.push_back("größe" + std::to_string(names.size()));
  const WordVectors vectors(names, numbers);
  const Folder folder;
  const auto text = folder.path / "v.txt", bytes = folder.path / "v.bin";
  unroll::save_word_vectors(text, vectors);
  unroll::save_word_vectors(bytes, vectors, WordVectorFormat::word2vec_binary);
  CHECK(same(unroll::read_word_vectors(text), vectors));
  CHECK(same(unroll::read_word_vectors(bytes), vectors));

  unroll::save_word_vectors(text, WordVectors({"a", "b"}, unroll::Matrix<float>(Eigen::RowVector2f(0.1f, -2))));
  CHECK(unroll::read_plain_file(text) == "2 1\na 0.1\nb -2\n");
  unroll::save_word_vectors(bytes, WordVectors({"a\t"}, unroll::Matrix<float>(Eigen::Vector2f(0.1f, -2))),
                            WordVectorFormat::word2vec_binary);
  CHECK(unroll::read_plain_file(bytes) == "1 2\na\t " + floats({0.1f, -2}) + "\n");
}

TEST_CASE("words that a format cannot hold are not written, nor what is no vectors") {
  using namespace word_vector_files;
  const Folder folder;
  const auto save = [&](const std::string& word, WordVectorFormat format) {
    unroll::save_word_vectors(folder.path / "v", WordVectors({word}, unroll::Matrix<float>::Ones(2, 1)), format);
  };
  CHECK_THROWS_WITH_AS(
      save("a b", WordVectorFormat::word2vec),
      "save_word_vectors: the word 'a b' has white space, or is too long, which the format cannot hold",
      std::invalid_argument);
  CHECK_THROWS_AS(save("a\tb", WordVectorFormat::word2vec), std::invalid_argument);
  CHECK_THROWS_AS(save("a\nb", WordVectorFormat::word2vec_binary), std::invalid_argument);
  CHECK_THROWS_AS(save("a b", WordVectorFormat::word2vec_binary), std::invalid_argument);
  CHECK_THROWS_AS(save("a", WordVectorFormat::glove), std::invalid_argument);
  CHECK_THROWS_AS(unroll::save_word_vectors(folder.path / "v", WordVectors()), std::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(folder.path / "v"));
  CHECK_THROWS_AS(read_bytes("a 1\n", {.limit = 0}), std::invalid_argument);
  CHECK_THROWS_AS(read_bytes("a 1\n", {.max_width = 0}), std::invalid_argument);
  CHECK_THROWS_AS(read_bytes("a 1\n", {.format = static_cast<WordVectorFormat>(7)}), std::invalid_argument);
}
