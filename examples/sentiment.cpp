// Is a review good or bad? An essay in one program: an LSTM reads a text word by word, and what it remembers at the end
// is asked for a verdict.
//
//   sentiment train                       trains on the bundled reviews, tests on others, saves the model
//   sentiment evaluate                    how good the saved model is on a file of reviews
//   sentiment predict "a fine film"       its verdict on a text; without a text, on lines of the standard input
//
// Each has --help. The real thing, 25,000 reviews of the IMDB: sentiment train --train train.tsv.gz --test test.tsv.gz
#include <filesystem>
#include <iomanip>
#include <iostream>

#include <CLI/CLI.hpp>

#include <unroll/data/gzip.hpp>
#include <unroll/data/pretrained_embedding.hpp>
#include <unroll/data/word_vector_file.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/ngram_embedding.hpp>
#include <unroll/train/freeze_until.hpp>
#include <unroll/unroll.hpp>

#include "training.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;

// 1. The models. Four plans, and each says everything about itself: the layers, the loss, the optimizer, and how
// training is watched.

/// The table of words of a model, which may begin with vectors that are there already (--vectors), and its path.
struct WordTable {
  Embedding<>& table;
  std::string path;
};

/// Plan one (--architecture lstm, gru or rnn): two recurrent layers with dropout on their inputs and on their
/// recurrent connection, the masks of each gate its own, as Keras draws them. One logit: the log-odds of "good".
template <template <class> class C> struct TwoLayers {
  static auto make(Index words) {
    // Keras's LSTM and SimpleRNN have one bias vector, its GRU two.
    const RecurrentOptions options{.input_dropout = 0.2,
                                   .recurrent_dropout = 0.2,
                                   .per_gate = true,
                                   .bias = std::same_as<C<float>, Gru<float>> ? Bias::dual : Bias::single};
    return Sequential{Embedding{words, 128},                              // words to vectors
                      Recurrent{C<float>(128, 128), options},             // a sequence in, a sequence out
                      FinalState{Recurrent{C<float>(128, 64), options}},  // a sequence in, one vector out
                      Dense{64, 32},
                      Relu{},
                      Dropout{0.3},
                      Dense{32, 1}};
  }
  static WordTable words(auto& model) { return {model.template layer<0>(), "0.*"}; }
  using Loss = BinaryCrossEntropy;
  static Adam optimizer() { return Adam::keras(1e-3); }
  static Scheme scheme() { return Scheme::keras(); }
  static constexpr double clip_norm = 0;
  static std::vector<Callback> callbacks() {
    return {EarlyStopping{.monitor = "val_loss", .patience = 3, .restore_best = true},
            ReduceLROnPlateau{.monitor = "val_loss",
                              .schedule = {.rule = PlateauRule::keras, .factor = 0.5, .patience = 2}}};
  }
};

/// Plan two (--architecture bilstm): every layer reads the text from both ends, dropout between the layers, two logits.
struct Bidirectionals {
  static auto make(Index words) {
    return Sequential{Embedding{words, 128, {.padding = 0}},
                      Dropout{0.3},
                      FinalState{Stack{Bidirectional{Lstm{128, 256}}, Dropout{0.3}, Bidirectional{Lstm{512, 256}}}},
                      Dense{512, 64},
                      Relu{},
                      Dropout{0.3},
                      Dense{64, 2}};
  }
  static WordTable words(auto& model) { return {model.template layer<0>(), "0.*"}; }
  using Loss = CrossEntropy;
  static Adam optimizer() { return {.rate = 1e-3, .weight_decay = 1e-5}; }
  static Scheme scheme() { return Scheme::pytorch(); }
  static constexpr double clip_norm = 1;
  static std::vector<Callback> callbacks() {
    return {ReduceLROnPlateau{.monitor = "val_loss",
                              .schedule = {.rule = PlateauRule::pytorch, .factor = 0.1, .patience = 2}},
            EarlyStopping{.monitor = "val_accuracy", .patience = 1000, .restore_best = true}};  // keeps the best
  }
};

/// Plan three (--architecture attention): read from both ends, and judged by the words that matter. No chain any more,
/// so the model is its forward pass. Half of the words are left out of every review each time that it is read: no
/// verdict rests on a few of them. With small weights (Adam's weight decay) that is what keeps it from learning by
/// heart.
struct Attentive : Composite<Attentive> {
  Embedding<> embed;
  Dropout<> drop_words{0.5, {.whole_steps = true, .scaled = false}}, drop_features{0.3};
  Bidirectional<Lstm<>> read{Lstm{64, 64}};
  AttentionPool<> pool{128, 64};
  Dropout<> drop{0.5};
  Dense<> head{256, 1};
  UNROLL_PARTS(embed, drop_words, drop_features, read, pool, drop, head)

  explicit Attentive(Index words) : embed(words, 64) {}
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto h = run(read, run(drop_features, run(drop_words, run(embed, x))));
    return run(head, run(drop, concat_rows(run(pool, h), max_over_time(h))));
  }
};
struct Attention {
  static auto make(Index words) { return Attentive(words); }
  static WordTable words(Attentive& model) { return {model.embed, "embed.*"}; }
  using Loss = BinaryCrossEntropy;
  static Adam optimizer() { return {.rate = 2e-3, .weight_decay = 1e-4}; }
  static Scheme scheme() { return Scheme::keras(); }
  static constexpr double clip_norm = 1;
  static std::vector<Callback> callbacks() { return {training::DownToZero{optimizer().rate}}; }
};

/// Plan four (--architecture views): two judges. One reads in order, as in plan three; the other one counts what is
/// said, the mean of the vectors of all words and pairs of neighbours (Joulin et al. 2017), where "not good" is another
/// thing than "good". In training each judge is silent half of the time, so each learns to judge alone; in use the
/// verdict is both together. A pair's vector moves only when it is read: most of the 2^18 are rare.
struct TwoViews : Composite<TwoViews> {
  Attentive reader;
  Embedding<> words;
  NgramEmbedding<> pairs{1 << 18, 64};
  Dropout<> drop_words{0.3, {.whole_steps = true, .scaled = false}};
  Dense<> count{64, 1};
  Dropout<> silence{0.5};
  UNROLL_PARTS(reader, words, pairs, drop_words, count, silence)

  explicit TwoViews(Index size) : reader(size), words(size, 64) {}
  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto counted = run(count, mean_over_time(run(drop_words, run(words, x) + run(pairs, x))));
    return run(silence, run(reader, x)) + run(silence, counted);
  }
};
struct Views {
  static auto make(Index words) { return TwoViews(words); }
  static WordTable words(TwoViews& model) { return {model.reader.embed, "reader.embed.*"}; }
  using Loss = BinaryCrossEntropy;
  static Adam optimizer() { return {.rate = 3e-3, .lazy_tables = true}; }
  static Scheme scheme() { return Scheme::keras(); }
  static constexpr double clip_norm = 1;
  static std::vector<Callback> callbacks() { return {training::DownToZero{optimizer().rate}}; }
};

/// Calls f with the plan of that name. The name is in the model file, so `predict` needs no option.
template <class F> auto with_plan(const std::string& architecture, const F& f) {
  if (architecture == "lstm") return f(TwoLayers<Lstm>{});
  if (architecture == "gru") return f(TwoLayers<Gru>{});
  if (architecture == "rnn") return f(TwoLayers<Rnn>{});
  if (architecture == "bilstm") return f(Bidirectionals{});
  if (architecture == "attention") return f(Attention{});
  if (architecture == "views") return f(Views{});
  fail<FormatError>("unknown architecture '", architecture, "', expected lstm, bilstm, attention, views, gru or rnn");
}

// 2. The data.

/// A file of lines `label<TAB>text`, plain or .gz, label 1 = good and 0 = bad; or a folder with pos/ and neg/ in it.
LabelledTexts read_reviews(const fs::path& path, Index limit) {
  const bool folder = fs::is_directory(path);
  return read_labelled_text(
      path, {.limit = limit,
             .label_names = folder ? std::vector<std::string>{"neg", "pos"} : std::vector<std::string>{"0", "1"},
             .read = read_gzip_file});
}

/// What `train` saves beside the weights, and `evaluate` and `predict` read: the model with the one encoder that turned
/// texts to ids in training.
template <class Plan> auto load_with_encoder(const fs::path& path) {
  auto [model, info] = load_model([](const ModelInfo& of) { return Plan::make(of.vocabulary_size()); }, path);
  Encoder encoder = Encoder::from_metadata(*info.vocabulary, info.extra, info.source);
  return std::pair{std::move(model), std::move(encoder)};
}

void print_test(const Evaluation& test) {
  std::cout << std::fixed << std::setprecision(4) << "test accuracy " << test.accuracy << ", test loss " << test.loss
            << std::endl;
  // A model that always says no must not look good.
  if (test.confusion && test.confusion->is_unequal())
    std::cout << "always the most frequent class: " << test.confusion->majority_share() << '\n'
              << test.confusion->str();
}

// 3. Training.

struct TrainOptions {
  fs::path train = UNROLL_EXAMPLE_DATA "/reviews_train.tsv", test = UNROLL_EXAMPLE_DATA "/reviews_test.tsv";
  std::string architecture = "lstm", tokenizer = "article", keep = "first";
  Index epochs = -1, limit = 0, words = 20'000, length = 200, batch = 64;
  double clip = -1;
  std::uint64_t seed = 1;
  fs::path vectors{};
  Index freeze_until = 2;
  training::Files files{.save = "sentiment.safetensors"};
};

template <class Plan> void train(const TrainOptions& options) {
  const Index limit = options.limit > 0 ? options.limit : std::numeric_limits<Index>::max();
  const LabelledTexts reviews = read_reviews(options.train, limit), unseen = read_reviews(options.test, limit);

  // Texts become lists of numbers. The vocabulary is that of the training reviews, the most frequent words first.
  const Tokenizer tokenizer = Tokenizer::from_name(options.tokenizer);
  const Encoder encoder(Vocabulary::build(reviews.texts, {.max_size = options.words, .tokenizer = tokenizer}),
                        {.length = options.length, .keep = options.keep == "last" ? Keep::last : Keep::first});
  const TokenDataset data = encoder(reviews), test = encoder(unseen);
  // Ten epochs of thousands of real reviews; the bundled ones are short and few, so they are gone through more often.
  const Index epochs = options.epochs >= 0 ? options.epochs : options.train == TrainOptions().train ? 20 : 10;
  std::cout << data.size() << " reviews to learn from, the last tenth of them held out for validation; " << test.size()
            << " to be tested on; " << encoder.vocabulary().size() << " words\n";
  if (encode_report(data).mostly_unknown() || encode_report(test).mostly_unknown())
    std::cout << "Most of the words are unknown: are all reviews in one language?\n";
  std::cout << '\n';

  auto model = Plan::make(encoder.vocabulary().size());
  initialize(model, Rng(options.seed), Plan::scheme());
  const WordTable words = Plan::words(model);
  if (!options.vectors.empty())
    std::cout << fill_embedding(words.table, encoder.vocabulary(),
                                read_word_vectors(options.vectors, encoder.vocabulary(), {.read = read_gzip_file}),
                                {.counts = token_counts(data, encoder.vocabulary().size()), .seed = options.seed})
                     .str()
              << '\n';
  summary(model, std::cout);
  std::cout << '\n';

  FitOptions<> how{.epochs = epochs,
                   .batch_size = options.batch,
                   .seed = options.seed,
                   .validation_split = 0.1,
                   .clip_norm = options.clip >= 0 ? options.clip : Plan::clip_norm,
                   .callbacks = Plan::callbacks(),
                   .progress = &std::cout};
  if (!options.vectors.empty()) how.callbacks.emplace_back(FreezeUntil{words.path, options.freeze_until});
  options.files.follow(how, 100, "the best weights so far are kept");

  const typename Plan::Loss loss;
  const History history = fit(model, loss, Plan::optimizer(), data, how);

  // A run that broke down in its first epoch has learned nothing: what was saved before stays.
  if (history.stopped != Stopped::not_finite || !history.epochs.empty()) {
    save(options.files.save, model, encoder.vocabulary(),
         {.architecture = options.architecture, .labels = {"NEGATIVE", "POSITIVE"}, .extra = encoder.metadata()});
    std::cout << "saved to " << options.files.save.string() << '\n';
  }
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message);
  print_test(evaluate(model, loss, test));
}

// 4. Using the model.

/// How much the verdict rests on each step: what the pool of plan three gave in the last forward pass.
template <class Cache> Matrix<> weights_of(Cache& cache, const AttentionPool<>& pool) {
  Matrix<> weights = output_of<PackedSequence<>>(cache, pool.score).values;  // (1, steps)
  weights.array() = (weights.array() - weights.maxCoeff()).exp();
  return weights / weights.sum();
}
/// A verdict, and the words that were read, the more weight the darker.
void add_words(std::vector<page::Word>& to, const Attentive& model, const Encoder& encoder, const std::string& text,
               const std::string& verdict) {
  const TokenBatch x = pack(encoder(text));
  std::vector<std::string> words = encoder.vocabulary().tokenizer().tokenize(text);
  if (encoder.options().keep == Keep::last) words.erase(words.begin(), words.end() - std::ssize(x.ids));
  words.resize(x.ids.size());
  to.push_back({verdict, "#fff", "", words.empty()});
  if (words.empty()) return;
  CacheFor<Attentive, TokenBatch> cache;
  model.forward({.gradients = false}, x, cache);
  const Matrix<> weights = weights_of(cache, model.pool);
  for (std::size_t t = 0; t < words.size(); ++t) {
    const double weight = weights(0, static_cast<Index>(t));
    to.push_back({words[t], page::shade(weight / weights.maxCoeff(), {230, 130, 40}), page::three_digits(weight),
                  t + 1 == words.size()});
  }
}

template <class Plan> void evaluate_file(const fs::path& file, const fs::path& test, Index limit) {
  const auto [model, encoder] = load_with_encoder<Plan>(file);
  const auto reviews = read_reviews(test, limit > 0 ? limit : std::numeric_limits<Index>::max());
  print_test(evaluate(model, typename Plan::Loss{}, encoder(reviews)));
}

template <class Plan>
void predict_texts(const fs::path& file, const std::vector<std::string>& texts, const fs::path& plot) {
  constexpr bool weighs_words = std::same_as<Plan, Attention>;
  require(plot.empty() || weighs_words, "--plot: this model weighs no words, which --architecture attention does");
  const auto [model, encoder] = load_with_encoder<Plan>(file);
  std::vector<page::Word> words;
  const auto answer = [&](const std::string& text) {
    const auto p = predict(model, encoder(text));
    const std::string verdict = p.label() == 1 ? "POSITIVE" : "NEGATIVE";
    std::cout << verdict << ' ' << std::fixed << std::setprecision(1) << std::setw(5) << 100 * p.confidence() << " %  "
              << text << std::endl;
    if constexpr (weighs_words)
      if (!plot.empty()) add_words(words, model, encoder, text, verdict);
  };
  for (const std::string& text : texts) answer(text);
  if (texts.empty())
    for (std::string line; std::getline(std::cin, line);) answer(line);
  if (!plot.empty()) page::write(plot, "What the verdicts rest on", page::picture(words, " ", 90));
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns to tell good reviews from bad ones.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("sentiment: ", e.what(), "\n"); });
  int threads = 0;
  TrainOptions options;
  fs::path model = options.files.save, test = options.test, plot;
  Index limit = 0;
  std::vector<std::string> texts;

  CLI::App* const train_command = app.add_subcommand("train", "train on reviews, save the model, test it on others");
  train_command->add_option("--train", options.train,
                            "file of label<TAB>text lines (.gz too), or folder with pos/, neg/");
  train_command->add_option("--test", options.test, "the same, never looked at in training");
  train_command->add_option("--architecture", options.architecture, "lstm, bilstm, attention, views, gru or rnn")
      ->capture_default_str();
  train_command->add_option("--epochs", options.epochs, "default: 10; 20 for the bundled reviews")
      ->check(CLI::Range(0, 1'000'000'000));
  train_command->add_option("--limit", options.limit, "only the first so many reviews of each; 0: all")
      ->check(CLI::Range(0, 1'000'000'000));
  train_command->add_option("--words", options.words, "size of the vocabulary")
      ->check(CLI::Range(3, 10'000'000))
      ->capture_default_str();
  train_command->add_option("--tokenizer", options.tokenizer, "article: letters a to z; unicode-words: any alphabet")
      ->check(CLI::IsMember({"article", "unicode-words", "whitespace"}))
      ->capture_default_str();
  train_command->add_option("--length", options.length, "words of a review that are read")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  train_command->add_option("--keep", options.keep, "which words of a longer review: first or last")
      ->check(CLI::IsMember({"first", "last"}))
      ->capture_default_str();
  train_command->add_option("--clip", options.clip, "largest norm of the gradient; 0: none (default: the plan's)")
      ->check(CLI::Range(0.0, 1e9));
  CLI::Option* const vectors =
      train_command->add_option("--vectors", options.vectors, "vectors that the words begin with, as skip_gram writes");
  train_command->add_option("--freeze-until", options.freeze_until, "the epoch in which these begin to learn")
      ->needs(vectors)
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  train_command->add_option("--seed", options.seed)->capture_default_str();
  options.files.add_options(*train_command);
  training::add_threads(*train_command, threads);

  CLI::App* const evaluate_command = app.add_subcommand("evaluate", "how good a saved model is");
  evaluate_command->add_option("--model", model)->capture_default_str();
  evaluate_command->add_option("--test", test, "file of label<TAB>text lines (.gz too), or folder with pos/, neg/");
  evaluate_command->add_option("--limit", limit)->check(CLI::Range(0, 1'000'000'000));
  training::add_threads(*evaluate_command, threads);

  CLI::App* const predict_command = app.add_subcommand("predict", "a saved model's verdict on texts");
  predict_command->add_option("--model", model)->capture_default_str();
  predict_command->add_option("--plot", plot,
                              "of attention: the words that a verdict rests on, a page, .html, or a picture, .svg");
  predict_command->add_option("text", texts, "texts; without any, every line of the standard input");
  training::add_threads(*predict_command, threads);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed())
    with_plan(options.architecture, [&]<class Plan>(Plan) { train<Plan>(options); });
  else
    with_plan(read_model_info(model).architecture, [&]<class Plan>(Plan) {
      if (evaluate_command->parsed())
        evaluate_file<Plan>(model, test, limit);
      else
        predict_texts<Plan>(model, texts, plot);
    });
  return 0;
} catch (const std::exception& error) {
  std::cerr << "sentiment: " << error.what() << '\n';
  return 1;
}
