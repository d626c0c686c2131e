// The program of docs/word_vectors.md.
#include <fstream>

// region includes
#include <iostream>

#include <unroll/data/nearest_words.hpp>
#include <unroll/data/pretrained_embedding.hpp>
#include <unroll/data/word_vector_file.hpp>
#include <unroll/layer/composite.hpp>
#include <unroll/layer/ngram_embedding.hpp>
#include <unroll/train/freeze_until.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

namespace {
void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }

/// n texts like "The meal was superb ."
LabelledTexts meals(Index n, const std::vector<std::string>& bad, const std::vector<std::string>& good) {
  LabelledTexts data{{}, {}, {"bad", "good"}};
  Rng rng(1);
  for (Index k = 0; k < n; ++k) {
    const auto& words = k % 2 == 0 ? bad : good;
    data.texts.push_back((rng.below(2) == 0 ? "The soup was " : "the Kimchi was ") + words[rng.below(words.size())]);
    data.labels.push_back(k % 2);
  }
  return data;
}

/// n texts like "the rice was good and not bad", which differ in their order alone.
LabelledTexts turns(Index n) {
  LabelledTexts data{{}, {}, {"bad", "good"}};
  Rng rng(2);
  for (Index k = 0; k < n; ++k) {
    const std::string of = rng.below(2) == 0 ? "the soup was " : "the rice was ";
    data.texts.push_back(of + (k % 2 == 0 ? "bad and not good" : "good and not bad"));
    data.labels.push_back(k % 2);
  }
  return data;
}

// region bag
/// What words and pairs of words say, added up.
struct Bag : Composite<Bag> {
  Embedding<> words;
  NgramEmbedding<> pairs;
  Dense<> verdict{8, 1};
  UNROLL_PARTS(words, pairs, verdict)

  explicit Bag(Index vocabulary) : words(vocabulary, 8), pairs(1000, 8) {}
  auto operator()(Wiring& run, Node<TokenBatch> text) const {
    return run(verdict, mean_over_time(run(words, text) + run(pairs, text)));
  }
};
// endregion

void show_pairs() {
  begin("pairs");
  const LabelledTexts orders = turns(100);
  const Vocabulary vocabulary = Vocabulary::build(orders.texts);
  const TokenDataset data = encode(vocabulary, orders);
  // region pairs
  Bag model(vocabulary.size());
  initialize(model, Rng(1));
  fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-2, .lazy_tables = true}, data, {.epochs = 10, .batch_size = 10});
  // endregion
  std::cout << "accuracy " << evaluate(model, BinaryCrossEntropy{}, data).accuracy << '\n';
}
}  // namespace

int main() {
  std::ofstream("vectors.txt") << "the 0.1 0 0.2\nwas -0.1 0 0.2\nsoup 0 0.1 1\nrice 0.1 0 0.9\n"
                                  "good 0.9 0.5 0.1\nfine 0.8 0.6 0\nsuperb 1 0.5 0\n"
                                  "bad -0.9 0.5 0.1\nawful -0.8 0.6 0\ndreadful -1 0.5 0\n";
  const LabelledTexts training = meals(100, {"bad", "awful"}, {"good", "fine"}),
                      test = meals(50, {"dreadful"}, {"superb"});
  std::vector<std::string> texts = training.texts;
  texts.insert(texts.end(), test.texts.begin(), test.texts.end());

  begin("read");
  // region read
  const Vocabulary vocabulary = Vocabulary::build(texts, {.tokenizer = WhitespaceTokenizer{}});
  const WordVectors vectors = read_word_vectors("vectors.txt", vocabulary);
  std::cout << vectors.size() << " words of " << vectors.width() << " numbers\n";
  // endregion

  begin("fill");
  // region fill
  const TokenDataset data = encode(vocabulary, training), unseen = encode(vocabulary, test);
  Sequential model{Embedding{vocabulary.size(), vectors.width(), {.padding = Vocabulary::pad}},
                   FinalState{Recurrent{Gru{vectors.width(), 8}}}, Dense{8, 2}};
  initialize(model, Rng(1));
  const WordCoverage coverage =
      fill_embedding(model.layer<0>(), vocabulary, vectors, {.counts = token_counts(data, vocabulary.size())});
  std::cout << coverage.str();
  // endregion

  begin("train");
  auto drawn = model;
  initialize(drawn, Rng(1));
  fit(drawn, CrossEntropy{}, Adam{.rate = 1e-2}, data, {.epochs = 8, .batch_size = 10});
  // region train
  Optimizer optimizer(model, Adam{.rate = 1e-2});
  optimizer.group("0.*", {.rate_scale = 0.1});  // of the embedding, once it is thawed
  fit(model, CrossEntropy{}, optimizer, data, {.epochs = 8, .batch_size = 10, .callbacks = FreezeUntil{"0.*", 5}});
  // endregion
  std::cout << "accuracy on words that training never saw: " << evaluate(model, CrossEntropy{}, unseen).accuracy
            << ", without their vectors " << evaluate(drawn, CrossEntropy{}, unseen).accuracy << '\n';

  begin("nearest");
  // region nearest
  const WordVectors all = read_word_vectors("vectors.txt");
  for (const Neighbor& near : nearest_words(all, "good", 2)) std::cout << near.word << ' ' << near.cosine << '\n';
  std::cout << "good is to bad as fine is to " << analogy(all, "good", "bad", "fine", 1)[0].word << '\n';
  // endregion

  begin("write");
  // region write
  const WordVectors trained(vocabulary.tokens(), model.layer<0>().weight);
  save_word_vectors("trained.bin", trained, WordVectorFormat::word2vec_binary);
  std::cout << (read_word_vectors("trained.bin").vectors() == trained.vectors() ? "the same bits\n" : "others\n");
  // endregion

  show_pairs();
}
