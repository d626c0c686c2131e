// Which words are alike? An essay in one program: vectors of words, learned from a text alone, for a language or a
// trade that nobody has trained vectors for. Skip-gram with negative sampling (Mikolov et al. 2013, "Distributed
// Representations of Words and Phrases and their Compositionality").
//
//   skip_gram --text FILE --save vectors.txt --nearest good
//
// Like words stand beside the same words. So each word w has two vectors, v_w for where it is the word in question and
// u_w for where it is one beside it. Of a word c that the text has near w, and of words n_1 .. n_K that are drawn at
// random, the vectors learn to tell which one is real:
//   loss = -log s(u_c . v_w) - sum_k log s(-u_nk . v_w),   s(x) = 1 / (1 + exp(-x))
// The vectors v are the result. The file is read by `read_word_vectors` and by most other programs.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <limits>

#include <CLI/CLI.hpp>

#include <unroll/core/random.hpp>
#include <unroll/data/gzip.hpp>
#include <unroll/data/nearest_words.hpp>
#include <unroll/data/word_vector_file.hpp>

namespace {

using namespace unroll;
namespace fs = std::filesystem;
using Sentence = std::vector<std::int32_t>;

struct SkipGramOptions {
  Index width = 100, window = 5, negatives = 5;
  double subsample = 1e-3, rate = 0.025;
  Index epochs = 5;
  std::uint64_t seed = 1;
};

// ---- 1. The data ----

/// Cuts the part up to the next `end` off the front of a text.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t size = std::min(text.find(end), text.size());
  const std::string_view part = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return part;
}

/// The lines of a text, of which no window crosses the end; of a file of columns between tabs one column.
std::vector<std::string_view> read_sentences(std::string_view text, Index column, const fs::path& path) {
  std::vector<std::string_view> sentences;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const auto tabs = std::ranges::count(line, '\t');
    require<FormatError>(tabs >= column, path.string(), ":", sentences.size() + 1, ": ", tabs + 1,
                         " columns, expected the text in column ", column, ", where the first is 0");
    for (Index k = 0; k < column; ++k) take_until(line, '\t');
    sentences.push_back(column >= 0 ? take_until(line, '\t') : line);
  }
  return sentences;
}

/// How often each word occurs. Of rare words, which are unknown here, nothing can be learned: they are taken out, so
/// that those around them stand together.
std::vector<double> drop_rare_words(std::vector<Sentence>& sentences, Index words) {
  std::vector<double> counts(static_cast<std::size_t>(words));
  for (Sentence& sentence : sentences) {
    std::erase(sentence, Vocabulary::oov);
    for (const std::int32_t word : sentence) ++counts[static_cast<std::size_t>(word)];
  }
  return counts;
}

/// Every word in proportion to count^(3/4): between all alike and as often as in the text. To draw one is to look up.
Sentence noise_words(const std::vector<double>& counts) {
  constexpr double places = 1 << 20;
  double sum = 0, whole = 0;
  for (const double count : counts) whole += std::pow(count, 0.75);
  Sentence noise;
  for (std::size_t word = 0; word < counts.size(); ++word) {
    sum += std::pow(counts[word], 0.75);
    noise.resize(static_cast<std::size_t>(std::lround(places * sum / whole)), static_cast<std::int32_t>(word));
  }
  return noise;
}

// ---- 2. The model, and a step of gradient descent ----

struct SkipGram {
  Matrix<float> v, u;  // (D, V)
  Matrix<float> dv;    // (D, 1)

  SkipGram(Index width, Index words, Rng& rng)
      : v(width, words), u(Matrix<float>::Zero(width, words)), dv(Matrix<float>::Zero(width, 1)) {
    for (Index k = 0; k < v.size(); ++k)
      v.data()[k] = static_cast<float>(rng.uniform(-0.5, 0.5) / static_cast<double>(width));
  }
  /// Word w and a word beside it, real or drawn. Returns the loss; moves u, and adds up what is to move v.
  float tell(std::int32_t w, std::int32_t other, bool real, float rate) {
    const float x = u.col(other).dot(v.col(w)), right = real ? x : -x;
    const float slope = rate / (1 + std::exp(right));  // -d loss / d right = 1 - s(right)
    dv += (real ? slope : -slope) * u.col(other);
    u.col(other) += (real ? slope : -slope) * v.col(w);
    return std::log1p(std::exp(-right));
  }
  void move(std::int32_t w) {
    v.col(w) += dv;
    dv.setZero();
  }
};

// ---- 3. Training ----

/// The vectors v, (D, V).
Matrix<float> train(const std::vector<Sentence>& sentences, const std::vector<double>& counts,
                    const SkipGramOptions& options) {
  double tokens = 0;
  for (const double count : counts) tokens += count;
  // Of a word that is more than its share of the text, most occurrences say nothing new and are left out.
  std::vector<double> keep;
  for (const double count : counts)
    keep.push_back(options.subsample > 0 ? std::sqrt(options.subsample * tokens / count) : 1);
  const Sentence noise = noise_words(counts);

  Rng rng(options.seed);
  SkipGram model(options.width, std::ssize(counts), rng);
  const double whole = static_cast<double>(options.epochs) * tokens;
  double seen = 0, reported = 0, loss = 0, pairs = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto report = [&] {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    require<std::runtime_error>(std::isfinite(loss), "the loss is no finite number; a lower --rate may help");
    std::cout << std::fixed << std::setprecision(0) << std::setw(5) << seconds << " s, epoch " << std::setprecision(2)
              << seen / tokens << ", loss " << std::setprecision(4) << loss / std::max(pairs, 1.0) << std::endl;
    reported = seen, loss = pairs = 0;
  };
  Sentence kept;
  for (Index epoch = 0; epoch < options.epochs; ++epoch)
    for (const Sentence& sentence : sentences) {
      kept.clear();
      for (const std::int32_t word : sentence)
        if (rng.uniform() < keep[static_cast<std::size_t>(word)]) kept.push_back(word);
      const auto rate = static_cast<float>(options.rate * std::max(1e-4, 1 - seen / whole));
      for (Index i = 0; i < std::ssize(kept); ++i) {
        // A window of random size: what is nearer is in more of them, and so counts more.
        const Index reach = 1 + static_cast<Index>(rng.below(static_cast<std::uint64_t>(options.window)));
        for (Index j = std::max<Index>(0, i - reach); j <= std::min(i + reach, std::ssize(kept) - 1); ++j) {
          if (j == i) continue;
          const std::int32_t w = kept[static_cast<std::size_t>(i)], c = kept[static_cast<std::size_t>(j)];
          loss += model.tell(w, c, true, rate);
          for (Index k = 0; k < options.negatives; ++k)
            if (const std::int32_t n = noise[rng.below(noise.size())]; n != c) loss += model.tell(w, n, false, rate);
          model.move(w);
          ++pairs;
        }
      }
      seen += static_cast<double>(sentence.size());
      if (seen >= reported + whole / 20) report();
    }
  if (seen > reported) report();
  return model.v;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns vectors of words from a text.");
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("skip_gram: ", e.what(), "\n"); });
  fs::path text = UNROLL_EXAMPLE_DATA "/lm.txt", save = "vectors.txt";
  std::string tokenizer = "article";
  Index column = -1, min_count = 5;
  SkipGramOptions options;
  std::vector<std::string> nearest;
  app.add_option("--text", text, "any text file (.gz too); no window crosses the end of a line")->capture_default_str();
  app.add_option("--column", column, "of a file of columns between tabs the one that is the text, the first is 0")
      ->check(CLI::Range(0, 1000));
  app.add_option("--tokenizer", tokenizer, "that of the model that is to use the vectors")
      ->check(CLI::IsMember({"article", "whitespace", "unicode-words"}))
      ->capture_default_str();
  app.add_option("--min-count", min_count, "rarer words are left out")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--width", options.width, "numbers of a vector")->check(CLI::Range(1, 10'000))->capture_default_str();
  app.add_option("--window", options.window, "words on either side at most")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--negatives", options.negatives, "words drawn for each real one")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--subsample", options.subsample, "words of a larger share of the text are thinned out; 0: none")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "learning rate at the start; it falls to 0 along a line")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--epochs", options.epochs)->check(CLI::Range(1, 100'000))->capture_default_str();
  app.add_option("--seed", options.seed, "the same one gives the same vectors")->capture_default_str();
  app.add_option("--save", save, "where the vectors go")->capture_default_str();
  app.add_option("--nearest", nearest, "words whose neighbours are shown at the end");
  CLI11_PARSE(app, argc, argv);

  const std::string bytes = read_gzip_file(text, std::numeric_limits<std::uint64_t>::max());
  require<FormatError>(!bytes.empty(), text.string(), ": no words to learn from");
  auto [vocabulary, sentences] = Vocabulary::build_and_encode(
      read_sentences(bytes, column, text), {.min_frequency = min_count, .tokenizer = Tokenizer::from_name(tokenizer)});
  for (const std::string& word : nearest)
    require(vocabulary.contains(word), "--nearest: '", word, "' does not occur ", min_count, " times");
  const auto counts = drop_rare_words(sentences, vocabulary.size());
  constexpr Index special = Vocabulary::oov + 1;
  std::cout << vocabulary.size() - special << " words that occur " << min_count << " times or more\n";

  const auto tokens = vocabulary.tokens();
  const WordVectors vectors({tokens.begin() + special, tokens.end()},
                            train(sentences, counts, options).rightCols(vocabulary.size() - special));
  save_word_vectors(save, vectors);
  std::cout << "saved to " << save.string() << '\n';
  for (const std::string& word : nearest) {
    std::cout << word << ':';
    for (const Neighbor& near : nearest_words(vectors, word))
      std::cout << ' ' << near.word << ' ' << std::setprecision(2) << near.cosine;
    std::cout << '\n';
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "skip_gram: " << error.what() << '\n';
  return 1;
}
