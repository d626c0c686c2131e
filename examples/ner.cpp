// Who, where and which organization? An essay in one program: an LSTM reads a sentence from both ends and marks the
// names in it, on CoNLL-2003 or any file in columns.
//
//   ner --train train.conll.gz --valid valid.conll.gz --test test.conll.gz --head crf       or --head softmax
//
// The two heads decide differently: the softmax word by word, the CRF for the sentence as a whole. What counts is told
// in spans: a name is right where both ends and the kind are, and F1 is conlleval's.
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>

#include <unroll/data/conll.hpp>
#include <unroll/data/gzip.hpp>
#include <unroll/unroll.hpp>

namespace {

using namespace unroll;
namespace fs = std::filesystem;

// 1. The data: a word a line, its tag in the last column, an empty line between sentences.

/// With tags of any scheme as BIO.
TaggedSentences read_columns(const fs::path& path) {
  TaggedSentences corpus = read_conll(path, {.read = read_gzip_file});
  for (auto& tags : corpus.tags) tags = as_bio(tags);
  return corpus;
}

/// "Xx" for Berlin, "X" for USA, "x" for walked, "0" for 1997, "Xx0" and so on: what a rare word looks like, and its
/// end.
std::string shape_of(const std::string& word) {
  std::string shape;
  for (const char c : word) {
    const char kind = c >= 'A' && c <= 'Z' ? 'X' : c >= 'a' && c <= 'z' ? 'x' : c >= '0' && c <= '9' ? '0' : '.';
    if (shape.empty() || shape.back() != kind) shape += kind;
  }
  return concat_text("<", shape, " ..", word.substr(word.size() - std::min<std::size_t>(2, word.size())), ">");
}

/// Words and tags as numbers. A word that the training sentences have less than twice is its shape.
class Numbers {
 public:
  explicit Numbers(const TaggedSentences& training) {
    std::map<std::string, Index> counts;
    for (const auto& sentence : training.words)
      for (const std::string& word : sentence) ++counts[word];
    for (const auto& [word, count] : counts)
      if (count > 1)
        add(word);
      else
        add(shape_of(word));
    tags_ = training.tag_names();
  }
  Index words() const { return static_cast<Index>(ids_.size()) + 1; }  // 0 is for shapes that were never seen
  const std::vector<std::string>& tags() const { return tags_; }

  TokenDataset operator()(const TaggedSentences& corpus) const {
    std::vector<std::vector<std::int32_t>> ids;
    std::vector<std::vector<Index>> labels;
    for (std::size_t k = 0; k < corpus.words.size(); ++k) {
      auto& sentence = ids.emplace_back();
      for (const std::string& word : corpus.words[k]) sentence.push_back(id(word));
      labels.push_back(labels_from_strings(corpus.tags[k], tags_).labels);
    }
    return TokenDataset(ids, {labels, tags_});
  }

 private:
  void add(const std::string& word) { ids_.emplace(word, static_cast<std::int32_t>(ids_.size()) + 1); }
  std::int32_t id(const std::string& word) const {
    auto found = ids_.find(word);
    if (found == ids_.end()) found = ids_.find(shape_of(word));
    return found == ids_.end() ? 0 : found->second;
  }
  std::map<std::string, std::int32_t> ids_;
  std::vector<std::string> tags_;
};

// 2. The model, up to its head.

struct Options {
  fs::path train, valid, test;
  std::string head = "crf";
  Index epochs = 20, batch = 16;
  double rate = 2e-3;
  std::uint64_t seed = 1;
};

/// A sentence read from both ends; then a score for each tag and word, and the head that decides.
template <class... Last> auto make_model(Index words, const Last&... last) {
  return Sequential{Embedding{words, 100}, Dropout{0.5}, Bidirectional{Lstm{100, 100}}, Dropout{0.5}, last...};
}

// 3. Training, and what came of it.

/// Tags that the model gives the sentences of a corpus, beside those that are there.
template <class M> SpanScores score(const M& model, const TaggedSentences& corpus, const Numbers& numbers) {
  SpanScores scores;
  const auto all = predict(model, numbers(corpus));
  for (std::size_t k = 0; k < all.size(); ++k) {
    std::vector<std::string> tags;
    for (const Index label : all[k]) tags.push_back(numbers.tags()[static_cast<std::size_t>(label)]);
    scores.add(corpus.tags[k], tags);
  }
  return scores;
}

/// Keeps the weights of the epoch whose names were best.
template <class M> void run(const Options& options, const TaggedSentences& training, const Numbers& numbers, M model) {
  const TaggedSentences valid = read_columns(options.valid), test = read_columns(options.test);
  initialize(model, Rng(options.seed), Scheme::pytorch());
  std::cout << model.describe() << "\n";
  auto best = model;
  double best_f1 = -1;
  const auto look = [&](Run&) {
    const double f1 = score(model, valid, numbers).all().f1();
    std::cout << "F1 on validation " << std::fixed << std::setprecision(2) << 100 * f1 << std::endl;
    if (f1 > best_f1) best = model, best_f1 = f1;
  };
  struct AtEpochEnd {
    decltype(look)* f;
    void on_epoch_end(Run& of) const { (*f)(of); }
  };
  fit(model, Adam{.rate = options.rate}, numbers(training),
      {.epochs = options.epochs,
       .batch_size = options.batch,
       .seed = options.seed,
       .clip_norm = 5,
       .callbacks = AtEpochEnd{&look},
       .progress = &std::cout});
  std::cout << score(best, test, numbers).str() << "test F1 " << std::fixed << std::setprecision(2)
            << 100 * score(best, test, numbers).all().f1() << ", validation F1 " << 100 * best_f1 << std::endl;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Marks names in sentences.");
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("ner: ", e.what(), "\n"); });
  Options options;
  int threads = 0;
  app.add_option("--train", options.train, "file in columns: word first, tag last; .gz too")->required();
  app.add_option("--valid", options.valid, "the same, to choose the epoch by")->required();
  app.add_option("--test", options.test, "the same, never looked at in training")->required();
  app.add_option("--head", options.head)->check(CLI::IsMember({"crf", "softmax"}))->capture_default_str();
  app.add_option("--epochs", options.epochs)->check(CLI::Range(0, 1'000'000))->capture_default_str();
  app.add_option("--batch", options.batch)->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_option("--rate", options.rate)->check(CLI::Range(0.0, 1.0))->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_option("--threads", threads, "0: one for each core; results do not depend on it")->check(CLI::Range(0, 1024));
  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  const TaggedSentences training = read_columns(options.train);
  const Numbers numbers(training);
  std::cout << training.words.size() << " sentences, " << numbers.words() << " words and shapes, "
            << numbers.tags().size() << " tags\n";
  const auto K = static_cast<Index>(numbers.tags().size());
  if (options.head == "crf")
    run(options, training, numbers,
        make_model(numbers.words(), Dense(200, K), Crf(K, forbidden_by(TagScheme::bio, numbers.tags()))));
  else
    run(options, training, numbers, make_model(numbers.words(), SoftmaxClassifier(200, K)));
} catch (const std::exception& e) {
  std::cerr << "ner: " << e.what() << '\n';
  return 1;
}
