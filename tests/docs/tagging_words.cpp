// Words that nobody has seen, known by their letters.
// region includes
#include <iostream>
#include <string>
#include <vector>

#include <unroll/data/word_dataset.hpp>
#include <unroll/layer/character_embedding.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

/// "the blorp vanded a trelly dask .": stems that a word shares with no other, endings that say what it is.
TaggedSentences sentences(Index n, Rng rng) {
  TaggedSentences all;
  const auto stem = [&] {
    std::string letters;
    for (const char* from : {"bdfgklmnprstv", "aeiou", "bdgklmnprstv", "aeiou", "bdgklmnprt"})
      letters += from[rng.below(std::string(from).size())];
    return letters;
  };
  for (Index k = 0; k < n; ++k) {
    auto &words = all.words.emplace_back(), &tags = all.tags.emplace_back();
    const auto add = [&](const std::string& word, const char* tag) { words.push_back(word), tags.push_back(tag); };
    const auto noun_phrase = [&] {
      add(rng.below(2) == 0 ? "the" : "a", "DET");
      if (rng.below(2) == 0) add(stem() + "y", "ADJ");
      add(stem() + (rng.below(2) == 0 ? "er" : "ion"), "NOUN");
    };
    noun_phrase();
    if (rng.below(2) == 0) add(stem() + "ly", "ADV");
    add(stem() + (rng.below(2) == 0 ? "ed" : "s"), "VERB");
    noun_phrase();
    add(".", "PUNCT");
  }
  return all;
}

// region model
struct Tagger : Composite<Tagger> {
  Embedding<> words;
  CharacterEmbedding<Gru<>> characters;
  Bidirectional<Gru<>> read;
  Dense<> score;
  UNROLL_PARTS(words, characters, read, score)

  Tagger(const WordEncoding& of, Index tags)
      : words(of.words.size(), 8),
        characters(of.characters.size(), Gru{8, 8}),  // 2 x 8 features: a word is read from both ends
        read(Gru{8 + 16, 8}),
        score(16, tags) {}
  auto operator()(Wiring& run, Node<TokenBatch> word, Node<TokenBatch> letters) const {
    return run(score, run(read, concat_rows(run(words, word), run(characters, letters))));
  }
};
// endregion

int main() {
  const TaggedSentences training = sentences(300, Rng(1)), test = sentences(200, Rng(2));
  // region train
  const WordEncoding encoding = WordEncoding::build(training.words);  // words that are there twice have an id
  const std::vector<std::string> tags = training.tag_names();
  Tagger model(encoding, static_cast<Index>(tags.size()));
  initialize(model, Rng(1));
  fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, encode_words(encoding, training, tags),
      {.epochs = 6, .batch_size = 16, .clip_norm = 1});

  Index unknown = 0, all = 0;
  for (const auto& sentence : test.words)
    for (const std::int32_t id : encoding.word_ids(sentence)) unknown += id == Vocabulary::oov ? 1 : 0, ++all;
  const Evaluation of = evaluate(model, CrossEntropy{}, encode_words(encoding, test, tags));
  std::cout << unknown << " of " << all << " words unknown, " << (of.accuracy > 0.98 ? "more" : "less")
            << " than 0.98 of the tags right\n";
  // endregion
}
