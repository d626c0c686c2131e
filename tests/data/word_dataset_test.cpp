// Sentences as words and as the characters of their words.
#include <doctest/doctest.h>

#include <unroll/data/word_dataset.hpp>

namespace word_dataset_test {

using namespace unroll;
using Ids = std::vector<std::int32_t>;

const TaggedSentences tagged{{{"we", "run"}, {"run", "on", "we"}, {}}, {{"P", "V"}, {"V", "A", "P"}, {}}};
const std::vector<std::string> names{"A", "P", "V"};

WordDataset make_dataset() { return encode_words(WordEncoding::build(tagged.words), tagged, names); }

TEST_CASE("a batch of sentences has their words, their characters, and a label for each word") {
  const WordEncoding encoding = WordEncoding::build(tagged.words);
  const WordDataset data = make_dataset();
  CHECK(data.size() == 3);
  CHECK(data.length(1) == 3);
  CHECK(data.has_targets());
  CHECK(data.label_names() == names);
  const std::vector<Index> rows{2, 0, 1};
  WordDataset::Batch batch;
  data.fill(rows, batch);
  const auto& [words, characters] = batch.all;
  CHECK(words.packing == Packing::from_lengths(std::vector<Index>{0, 2, 3}, 3));
  CHECK(characters.packing == Packing::from_lengths(std::vector<Index>{0, 7, 10}, 10));
  const auto ids_of = [](const TokenBatch& x, Index row) {
    Ids ids;
    for (std::size_t n = 0; n < x.ids.size(); ++n)
      if (x.packing.sequence_of(Index(n)) == row) ids.push_back(x.ids[n]);
    return ids;
  };
  for (const Index row : {0, 1, 2}) {
    const auto& sentence = tagged.words[static_cast<std::size_t>(rows[static_cast<std::size_t>(row)])];
    CHECK(ids_of(words, row) == encoding.word_ids(sentence));
    CHECK(ids_of(characters, row) == encoding.character_ids(sentence));
  }
  BatchTargets<float> of;
  data.fill_targets(rows, batch, of);
  CHECK(of.labels == std::vector<Index>{2, 1, 0, 2, 1});  // the longest sentence first, time by time
  const WordDataset one = data.select(std::vector<Index>{1});
  one.fill(std::vector<Index>{0}, batch);
  CHECK(words.ids == encoding.word_ids(tagged.words[1]));
  CHECK(characters.ids == encoding.character_ids(tagged.words[1]));
}

TEST_CASE("sentences without tags can be read, not learned from") {
  const WordDataset data(WordEncoding::build(tagged.words), tagged.words);
  CHECK(data.size() == 3);
  CHECK_FALSE(data.has_targets());
}

TEST_CASE("tags that do not fit are named with their sentence") {
  const WordEncoding encoding = WordEncoding::build(tagged.words);
  TaggedSentences wrong = tagged;
  wrong.tags[1][2] = "X";
  CHECK_THROWS_WITH_AS(encode_words(encoding, wrong, names),
                       "encode_words: word 2 of sentence 1 has the tag 'X', which is none of the 3 names",
                       std::invalid_argument);
  wrong.tags[1].pop_back();
  CHECK_THROWS_WITH_AS(encode_words(encoding, wrong, names), "encode_words: sentence 1 has 3 words and 2 tags",
                       std::invalid_argument);
  wrong.tags.pop_back();
  CHECK_THROWS_WITH_AS(encode_words(encoding, wrong, names),
                       "encode_words: 3 sentences and 2 of tags, expected as many", std::invalid_argument);
}

}  // namespace word_dataset_test
