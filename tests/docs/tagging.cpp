// A tag for every word: verb or noun, which only the neighbors tell.
#include <cstdio>
#include <string>
#include <vector>

#include <unroll/unroll.hpp>

using namespace unroll;

struct Corpus {
  std::vector<std::vector<std::string>> words, tags;  // sentence by sentence
};

/// "they watch the run", "a walk can end": the same words as nouns and as verbs.
Corpus sentences(Index n, Rng rng) {
  const std::vector<std::string> both{"run", "walk", "watch", "guess", "stop", "end"};
  const auto one_of = [&](const std::vector<std::string>& words) { return words[rng.below(words.size())]; };
  Corpus corpus;
  for (Index k = 0; k < n; ++k) {
    auto &words = corpus.words.emplace_back(), &tags = corpus.tags.emplace_back();
    const auto add = [&](const std::string& word, const std::string& tag) {
      words.push_back(word);
      tags.push_back(tag);
    };
    const auto noun_phrase = [&] {
      add(one_of({"the", "a", "this"}), "determiner");
      add(one_of(both), "noun");
    };
    if (rng.below(2) == 0)
      add(one_of({"they", "we", "you"}), "pronoun");
    else
      noun_phrase();
    if (rng.below(2) == 0) add("can", "auxiliary");
    add(one_of(both), "verb");
    if (rng.below(2) == 0) noun_phrase();
  }
  return corpus;
}

int main() {
  const Corpus training = sentences(500, Rng(1)), test = sentences(200, Rng(2));
  // region data
  std::vector<std::string> all_words, all_tags;
  for (const auto& words : training.words) all_words.insert(all_words.end(), words.begin(), words.end());
  for (const auto& tags : training.tags) all_tags.insert(all_tags.end(), tags.begin(), tags.end());
  const auto vocabulary = Vocabulary::build(all_words, {.tokenizer = WhitespaceTokenizer{}});
  const std::vector<std::string> names = labels_from_strings(all_tags).names;
  const auto dataset = [&](const Corpus& corpus) {
    std::vector<std::vector<std::int32_t>> ids;  // a number for each word ..
    std::vector<std::vector<Index>> tags;        // .. and for each tag
    for (std::size_t k = 0; k < corpus.words.size(); ++k) {
      auto& sentence = ids.emplace_back();
      for (const std::string& word : corpus.words[k]) sentence.push_back(vocabulary.id(word));
      tags.push_back(labels_from_strings(corpus.tags[k], names).labels);
    }
    return TokenDataset(ids, {tags, names});
  };
  // endregion

  // region model
  Sequential model{Embedding{vocabulary.size(), 8}, Bidirectional{Gru{8, 8}},
                   Dense{16, static_cast<Index>(names.size())}};
  initialize(model, Rng(1));
  fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, dataset(training), {.epochs = 8, .batch_size = 16, .clip_norm = 1});
  const Evaluation of = evaluate(model, CrossEntropy{}, dataset(test));
  std::printf("accuracy %.2f over %td words\n", of.accuracy, of.count);

  const Matrix<float> p = predict(model, vocabulary.encode("the watch can stop"));  // (tags, words): a column a word
  for (Index t = 0; t < p.cols(); ++t) {
    Index tag;
    p.col(t).maxCoeff(&tag);
    std::printf("%s ", names[static_cast<std::size_t>(tag)].c_str());
  }
  std::printf("\n");
  // endregion
}
