// Word vectors of one's own, as their user makes them.
#include <zlib.h>

#include <unroll/core/random.hpp>
#include <unroll/data/nearest_words.hpp>
#include <unroll/data/word_vector_file.hpp>

#include "child.hpp"

namespace skip_gram_test {

using namespace child;
using Words = std::vector<std::string>;

const fs::path program = fs::path(UNROLL_EXAMPLES_DIR) / "skip_gram";
const Words colours{"red", "green", "blue", "white", "black"}, beasts{"cow", "horse", "sheep", "goat", "dog"};

/// Lines about colours and lines about beasts, each behind the same words; `before` begins every line.
std::string two_subjects(const std::string& before = "") {
  unroll::Rng rng(1);
  std::string text;
  for (int k = 0; k < 600; ++k) {
    const Words& subject = k % 2 == 0 ? colours : beasts;
    const auto one = [&] { return subject[rng.below(subject.size())]; };
    text += before + "it was the " + one() + " and the ";
    text += one() + " or the ";
    text += one() + "\n";
  }
  return text;
}
/// What takes a moment. `more` stands behind it.
Words small(const fs::path& text, const fs::path& save, const Words& more = {}) {
  Words words{"--text", text.string(), "--save",   save.string(), "--width",  "16",
              "--rate", "0.1",         "--epochs", "10",          "--window", "3"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_CASE("skip_gram finds words alike that stand beside the same words, and other programs can read what it found") {
  const Folder folder;
  const fs::path text = folder.write("text", two_subjects() + "once seen\n"), save = folder / "vectors.vec";
  const Result result = run(program, small(text, save, {"--nearest", "red", "dog"}));
  check_well(result);
  CHECK(mentions(result.out, "15 words that occur 5 times or more"));
  CHECK(mentions(result.out, ", loss "));
  CHECK(mentions(result.out, "saved to " + save.string()));
  CHECK(lines(result.out).at(lines(result.out).size() - 2).starts_with("red: "));
  CHECK(result.last_line().starts_with("dog: "));

  const unroll::WordVectors vectors = unroll::read_word_vectors(save);
  CHECK(vectors.size() == 15);
  CHECK(vectors.width() == 16);
  CHECK(vectors.word(0) == "the");  // the most frequent one
  CHECK_FALSE(vectors.contains("seen"));
  CHECK_FALSE(vectors.contains("<OOV>"));
  for (const Words& subject : {colours, beasts})
    for (const std::string& word : subject)
      for (const unroll::Neighbor& near : unroll::nearest_words(vectors, word, 4)) {
        CAPTURE(word);
        CAPTURE(near.word);
        CHECK(std::ranges::find(subject, near.word) != subject.end());
      }
}

TEST_CASE("skip_gram gives the same vectors for the same seed, from a plain, a compressed file and a column") {
  const Folder folder;
  const fs::path text = folder.write("text", two_subjects()), plain = folder / "plain", other = folder / "other";
  check_well(run(program, small(text, plain)));
  check_well(run(program, small(text, other)));
  CHECK(read(other) == read(plain));
  check_well(run(program, small(text, other, {"--seed", "2"})));
  CHECK(read(other) != read(plain));

  const fs::path compressed = folder / "text.gz";
  const gzFile file = gzopen(compressed.string().c_str(), "wb");
  const std::string columns = two_subjects("1\t");
  REQUIRE(gzwrite(file, columns.data(), static_cast<unsigned>(columns.size())) == static_cast<int>(columns.size()));
  REQUIRE(gzclose(file) == Z_OK);
  check_well(run(program, small(compressed, other, {"--column", "1"})));
  CHECK(read(other) == read(plain));
}

TEST_CASE("skip_gram takes the bundled text and says what its options are") {
  const Folder folder;
  const Result result = run(program, {"--epochs", "1", "--width", "5", "--save", (folder / "vectors").string()});
  check_well(result);
  CHECK(result.last_line() == "saved to " + (folder / "vectors").string());
  const Result help = run(program, {"--help"});
  check_well(help);
  for (const char* option : {"--text", "--min-count", "--negatives", "--nearest"}) CHECK(mentions(help.out, option));
}

TEST_CASE("skip_gram says what is wrong in one line, and leaves no file") {
  const Folder folder;
  const fs::path save = folder / "vectors", text = folder.write("text", two_subjects()), none = folder / "none";
  const auto refused = [&](const fs::path& file, const Words& more, const Words& parts) {
    check_refused(run(program, small(file, save, more)), parts);
    CHECK_FALSE(fs::exists(save));
  };
  refused(none, {}, {"skip_gram: ", none.string()});
  refused(folder.write("empty", ""), {}, {"empty", "no words to learn from"});
  refused(folder.write("blank", " \n . \n"), {}, {"no token in 2 texts"});
  refused(folder.write("rare", "each word but once\n"), {}, {"min_frequency, 5"});
  refused(folder.write("columns", "1\ta text\nno text\n"), {"--column", "1"}, {"columns:2: 1 columns", "column 1"});
  refused(text, {"--nearest", "unicorn"}, {"--nearest", "'unicorn' does not occur 5 times"});
  refused(text, {"--min-count", "0"}, {"--min-count"});
  refused(text, {"--tokenizer", "letters"}, {"--tokenizer"});
  refused(text, {"--negatives", "0"}, {"--negatives"});
  check_refused(run(program, {"--text", text.string(), "--save", save.string(), "--rate", "100"}),
                {"a lower --rate may help"});
  CHECK_FALSE(fs::exists(save));
}

}  // namespace skip_gram_test
