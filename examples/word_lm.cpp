// Which word comes next? An essay in one program: two LSTM layers read a text word by word and say, after each, how
// probable every word of the vocabulary is as the next one.
//
//   word_lm train                          learns from the bundled text, saves the model that predicts the validation
//                                          part best, and tests it
//   word_lm evaluate --text FILE           the perplexity of a text; with --dynamic the model goes on learning from it
//   word_lm write --start "And God said"   writes on from there
//
// Each has --help. The real thing, the Penn Treebank: word_lm train --train ptb.train.txt --valid ptb.valid.txt
// --test ptb.test.txt. A text has a sentence in each line, its words between spaces.
//
// How good a model is, is told by its perplexity, exp of the mean of -log p(the word that came): as unsure as between
// so many words. A model that knows nothing has that of the vocabulary's size.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>

#include <CLI/CLI.hpp>

#include <unroll/data/gzip.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/train/dynamic_evaluation.hpp>
#include <unroll/train/generate.hpp>
#include <unroll/unroll.hpp>

#include "page.hpp"
#include "training.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

// 1. The models. Two plans, and each says everything about itself.

/// --plan small: as in Zaremba et al. 2014, where nothing is dropped out. Their loss is a sum over the 20 steps of a
/// window and ours is the mean, so their rate 1 is 20 here and their clip at 5 is 0.25.
struct Small {
  static auto make(Index words) {
    return Sequential{Embedding{words, 200}, Stack{Recurrent{Lstm{200, 200}}, Recurrent{Lstm{200, 200}}},
                      SoftmaxClassifier{200, words}};
  }
  static Sgd optimizer() { return {.rate = 20}; }
  static Scheme scheme() { return Scheme::uniform(0.1); }
  static constexpr StreamOptions streams{.streams = 20, .window = 20};
  static constexpr Index epochs = 13;
  static constexpr double clip_norm = 0.25;
  static std::vector<Callback> callbacks() {
    return {[](Run& run) {
      if (run.epoch() >= 4) run.set_rate(run.rate() / 2);
    }};
  }
};

/// --plan tied: larger, and its output layer is its table of words (Press and Wolf 2017), which halves what is learned
/// by heart; dropout before, between and behind the layers; Adam, whose rate falls by half a cosine.
struct Tied {
  static auto make(Index words) {
    return Sequential{Embedding{words, 512}, Dropout{0.4},
                      Stack{Recurrent{Lstm{512, 512}}, Dropout{0.4}, Recurrent{Lstm{512, 512}}}, Dropout{0.4},
                      SoftmaxClassifier{512, words, {.tied = true}}};
  }
  static Adam optimizer() { return {.rate = 3e-3}; }
  static Scheme scheme() { return {.embedding = Initializer::uniform_within(0.1)}; }
  static constexpr StreamOptions streams{.streams = 20, .window = 35};
  static constexpr Index epochs = 11;
  static constexpr double clip_norm = 1;
  static std::vector<Callback> callbacks() {
    const double rate = optimizer().rate;
    return {training::DownToZero{rate, rate / 50, [](Index) { return Index(200); }}};
  }
};

/// Calls f with the plan of that name. The name is in the model file, so `evaluate` and `write` need no option.
template <class F> auto with_plan(const std::string& name, const F& f) {
  if (name == "small") return f(Small{});
  if (name == "tied") return f(Tied{});
  fail<FormatError>("unknown plan '", name, "', expected small or tied");
}

// 2. The data.

constexpr std::string_view end_of_line = "<eos>";

/// The lines of a file, each with a word more that ends it.
std::vector<std::string> read_lines(const fs::path& path) {
  std::vector<std::string> all;
  std::istringstream text(read_gzip_file(path));
  for (std::string line; std::getline(text, line);) all.push_back(line + ' ' + std::string(end_of_line));
  require<FormatError>(!all.empty(), path.string(), ": an empty text");
  return all;
}
/// The ids of all lines, which are `path`'s and not all of unknown words.
Ids encode_all(const Vocabulary& vocabulary, std::span<const std::string> lines, const fs::path& path) {
  const std::int32_t end = vocabulary.id(end_of_line);
  Ids all;
  for (const Ids& ids : vocabulary.encode(lines)) all.insert(all.end(), ids.begin(), ids.end());
  require<FormatError>(std::ranges::any_of(all, [&](auto id) { return id != Vocabulary::oov && id != end; }),
                       path.string(), ": no word of it is in the vocabulary");
  return all;
}

struct Texts {
  std::vector<std::string> train, valid, test;
};
/// Where there is one text alone, its last tenth is the test and the tenth before that the validation.
Texts read_texts(const fs::path& train, const fs::path& valid, const fs::path& test) {
  require(valid.empty() == test.empty(), "--valid and --test are given both or neither");
  Texts texts{read_lines(train), {}, {}};
  if (!valid.empty()) return {texts.train, read_lines(valid), read_lines(test)};
  const auto n = static_cast<std::ptrdiff_t>(texts.train.size()), tenth = n / 10;
  require<FormatError>(tenth > 0, train.string(), ": ", n, " lines, expected at least 10 to hold some out of them");
  const auto end = texts.train.end();
  texts.test.assign(end - tenth, end);
  texts.valid.assign(end - 2 * tenth, end - tenth);
  texts.train.erase(end - 2 * tenth, end);
  return texts;
}

void print_perplexity(const char* of, double perplexity) {
  std::cout << of << " perplexity " << std::fixed << std::setprecision(2) << perplexity << std::endl;
}

// 3. Training: truncated backpropagation through time, which `fit` does with a text that is cut into streams.

struct TrainOptions {
  fs::path train = UNROLL_EXAMPLE_DATA "/lm.txt", valid, test;
  std::string plan = "small";
  Index epochs = -1, words = 50'000;
  std::uint64_t seed = 1;
  training::Files files{.save = "word_lm.safetensors"};
};

template <class Plan> void train(const TrainOptions& options) {
  const Texts texts = read_texts(options.train, options.valid, options.test);
  const Vocabulary vocabulary = Vocabulary::build(
      texts.train, {.max_size = options.words, .tokenizer = WhitespaceTokenizer{}, .unknown = "<unk>"});
  const fs::path& train = options.train;
  const Ids known = encode_all(vocabulary, texts.train, train),
            held_out = encode_all(vocabulary, texts.valid, options.valid.empty() ? train : options.valid),
            unseen = encode_all(vocabulary, texts.test, options.test.empty() ? train : options.test);
  const TokenStreams data(known, Plan::streams), valid(held_out, {.streams = 1, .window = 256});
  std::cout << known.size() << " words to learn from, " << vocabulary.size() << " different ones; " << unseen.size()
            << " to be tested on\n\n";

  auto model = Plan::make(vocabulary.size());
  initialize(model, Rng(options.seed), Plan::scheme());
  summary(model, std::cout);
  std::cout << '\n';

  FitOptions<TokenStreams> how{.epochs = options.epochs >= 0 ? options.epochs : Plan::epochs,
                               .seed = options.seed,
                               .validation = valid,
                               .clip_norm = Plan::clip_norm,
                               .callbacks = Plan::callbacks(),
                               .progress = &std::cout};
  // What is kept is the model that predicted the validation part best.
  how.callbacks.emplace_back(EarlyStopping{.monitor = "val_loss", .patience = 1000, .restore_best = true});
  options.files.follow(how, 500, "the best weights so far are kept");
  const History history = fit(model, Plan::optimizer(), data, how);
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message);

  save(options.files.save, model, vocabulary, {.architecture = options.plan});
  std::cout << "saved to " << options.files.save.string() << '\n';
  print_perplexity("validation", std::exp(evaluate(model, valid).loss));
  print_perplexity("test", perplexity(model, unseen));
}

// 4. Using the model.

template <class Plan> auto load_word_lm(const fs::path& path) {
  return load([](const ModelInfo& of) { return Plan::make(of.vocabulary_size()); }, path);
}

struct MeasureOptions {
  fs::path text, learned_from, plot;
  bool dynamic = false;
  DynamicEvaluationOptions how;
};

/// With --learned-from, the text of training, the steps of --dynamic are relative to how much each weight moved there.
template <class Plan> void evaluate_text(const fs::path& file, const MeasureOptions& options) {
  const auto [model, vocabulary] = load_word_lm<Plan>(file);
  const Ids ids = encode_all(vocabulary, read_lines(options.text), options.text);
  print_perplexity("", perplexity(model, ids));
  if (!options.plot.empty()) page::write_text(options.plot, vocabulary, ids, log_probabilities(model, ids));
  if (!options.dynamic) return;
  std::optional<std::remove_const_t<decltype(model)>> mean_squares;
  if (!options.learned_from.empty())
    mean_squares = mean_squared_gradient(
        model,
        TokenStreams(encode_all(vocabulary, read_lines(options.learned_from), options.learned_from), Plan::streams));
  DynamicEvaluation learner(model, options.how, mean_squares);
  print_perplexity("dynamic", std::exp(learner.read(ids).loss));
}

struct WriteOptions {
  std::string start;
  Index words = 100;
  double temperature = 0.8;
  std::uint64_t seed = 1;
};

/// The model reads the start, then what it has written itself.
template <class Plan> void write(const fs::path& file, const WriteOptions& options) {
  const auto [model, vocabulary] = load_word_lm<Plan>(file);
  const Ids start = vocabulary.encode(std::string(end_of_line) + ' ' + options.start);
  const std::int32_t end = vocabulary.id(end_of_line);
  std::cout << options.start << (options.start.empty() ? "" : " ");
  generate(model, start,
           {.max_tokens = options.words,
            .sampling = {.temperature = options.temperature, .forbidden = {Vocabulary::pad, Vocabulary::oov}},
            .seed = options.seed},
           [&](std::int32_t id) {
             if (id == end)
               std::cout << std::endl;
             else
               std::cout << vocabulary.token(id) << ' ' << std::flush;
           });
  std::cout << std::endl;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns to predict the words of a text.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("word_lm: ", e.what(), "\n"); });
  int threads = 0;
  TrainOptions options;
  MeasureOptions of;
  WriteOptions how;
  fs::path model = options.files.save;

  CLI::App* const train_command = app.add_subcommand("train", "learn from a text, save the model, test it");
  train_command->add_option("--train", options.train, "a sentence a line, words between spaces (.gz too)");
  train_command->add_option("--valid", options.valid, "what decides which epoch's model is kept");
  train_command->add_option("--test", options.test, "never looked at in training");
  train_command->add_option("--plan", options.plan, "small (Zaremba et al. 2014) or tied (better, longer)")
      ->check(CLI::IsMember({"small", "tied"}))
      ->capture_default_str();
  train_command->add_option("--epochs", options.epochs, "default: the plan's")->check(CLI::Range(0, 1'000'000));
  train_command->add_option("--words", options.words, "size of the vocabulary at most")
      ->check(CLI::Range(3, 10'000'000))
      ->capture_default_str();
  train_command->add_option("--seed", options.seed)->capture_default_str();
  options.files.add_options(*train_command);
  training::add_threads(*train_command, threads);

  CLI::App* const evaluate_command = app.add_subcommand("evaluate", "how well a saved model predicts a text");
  evaluate_command->add_option("--model", model)->capture_default_str();
  evaluate_command->add_option("--text", of.text)->required();
  evaluate_command->add_flag("--dynamic", of.dynamic, "and how well if it learns on from it");
  evaluate_command->add_option("--learned-from", of.learned_from, "the text of training, for --dynamic");
  evaluate_command->add_option("--window", of.how.window, "words that are predicted, then learned from")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  evaluate_command->add_option("--rate", of.how.rate)->check(CLI::Range(0.0, 100.0))->capture_default_str();
  evaluate_command->add_option("--decay", of.how.decay, "back to the trained weights")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  evaluate_command->add_option("--plot", of.plot,
                               "the text, each word coloured by its probability: a page, .html, or a picture, .svg");
  training::add_threads(*evaluate_command, threads);

  CLI::App* const write_command = app.add_subcommand("write", "let a saved model write");
  write_command->add_option("--model", model)->capture_default_str();
  write_command->add_option("--start", how.start, "what it goes on from; a new line by default");
  write_command->add_option("--words", how.words)->check(CLI::Range(0, 1'000'000))->capture_default_str();
  write_command->add_option("--temperature", how.temperature, "1: as it believes; less: bolder; 0: the likeliest")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  write_command->add_option("--seed", how.seed)->capture_default_str();
  training::add_threads(*write_command, threads);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  const std::string plan = train_command->parsed() ? options.plan : read_model_info(model).architecture;
  with_plan(plan, [&]<class Plan>(Plan) {
    if (train_command->parsed())
      train<Plan>(options);
    else if (evaluate_command->parsed())
      evaluate_text<Plan>(model, of);
    else
      write<Plan>(model, how);
  });
  return 0;
} catch (const std::exception& error) {
  std::cerr << "word_lm: " << error.what() << '\n';
  return 1;
}
