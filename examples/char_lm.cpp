// What comes next? An essay in one program: an LSTM reads a text character by character and learns to say, after each,
// how probable every character is as the next one. Asked again and again, it writes.
//
//   char_lm train --text FILE --minutes 15    learns from the first nine tenths of a text, is tested on the last tenth
//   char_lm sample --start "And God"          writes on from there
//   char_lm evaluate --text FILE              how well the saved model predicts a text
//
// Each has --help. Without --text it is the bundled one, Genesis 1 to 28 in the King James version.
//
// How good a model is, is told in nats per character: the mean of -log p(the character that came). A model that knows
// nothing needs log V, 4.2 for 65 characters; 1.6 means that it is as unsure as between five characters on average.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <optional>

#include <CLI/CLI.hpp>

#include <unroll/data/gzip.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/train/dynamic_evaluation.hpp>
#include <unroll/train/generate.hpp>
#include <unroll/train/summary.hpp>
#include <unroll/unroll.hpp>

#include "page.hpp"
#include "training.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;

// ---- 1. The model ----

using Model = AnySequential<>;

/// Characters to vectors, LSTM layers on top of each other with dropout above each, or of recurrent weights as Merity
/// et al. 2017 have it, and for every step one logit per character. How many layers is asked for at run time, so they
/// are no part of the model's type.
struct Sizes {
  Index characters, features, units, layers;
  double dropout = 0, weight_dropout = 0;
};
Model make_model(const Sizes& s) {
  AnyStack<> stack;
  for (Index k = 0; k < s.layers; ++k) {
    if (k > 0) stack.add(Dropout{s.dropout});
    stack.add(Recurrent{Lstm{k == 0 ? s.features : s.units, s.units}, {.weight_dropout = s.weight_dropout}});
  }
  Model model;
  model.add(Embedding{s.characters, s.features}).add(stack).add(Dropout{s.dropout}).add(Dense{s.units, s.characters});
  return model;
}

// ---- 2. The data ----

/// The first nine tenths of a text and the last one. No character is cut in two: in UTF-8 all bytes of a character but
/// its first are 10xxxxxx.
std::pair<std::string, std::string> split_text(const fs::path& path) {
  const std::string text = read_gzip_file(path);
  std::size_t at = text.size() / 10 * 9 + text.size() % 10 * 9 / 10;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u) ++at;
  return {text.substr(0, at), text.substr(at)};
}

/// The mean over a text of -log p(next character), read in its order.
void print_test(const Model& model, const Vocabulary& vocabulary, const std::string& text, const fs::path& path) {
  const auto ids = vocabulary.encode(text);
  require<FormatError>(ids.size() >= 2, path.string(), ": ", ids.size(), " characters to test on, expected at least 2");
  require<FormatError>(std::ranges::any_of(ids, [](auto id) { return id != Vocabulary::oov; }), path.string(),
                       ": no character of it is in the vocabulary");
  std::cout << "test " << std::fixed << std::setprecision(4) << std::log(perplexity(model, ids))
            << " nats per character" << std::endl;
}

// ---- 3. Training: truncated backpropagation through time ----

constexpr double unlimited = 1e100;

struct TrainOptions {
  fs::path text = UNROLL_EXAMPLE_DATA "/lm.txt";
  double minutes = unlimited;
  Index epochs = -1;
  Index features = 64, units = 256, streams = 32, window = 64;
  Index layers = 2;
  double rate = 3e-3, dropout = 0.2, weight_dropout = 0, clip = 1, held_out = 0;
  std::uint64_t seed = 1;
  training::Files files{.save = "char_lm.safetensors"};
};

/// A run that ends by the clock or after its epochs. The rate warms up in 50 steps; over the whole run it falls along
/// half a cosine to a fiftieth.
class Clock {
 public:
  Clock(double minutes, double largest_rate) : most_seconds_(60 * minutes), rate_(largest_rate) {}
  void on_train_begin(Run& run) {
    start_ = Now::now();
    run.set_rate(rate_at(0, 0));
  }
  void on_batch_end(Run& run) {
    const auto steps = static_cast<double>(run.step());
    const double seconds = this->seconds();
    run.set_rate(
        rate_at(std::max(seconds / most_seconds_, steps / static_cast<double>(run.epochs() * run.batches())), steps));
    if (seconds >= most_seconds_) run.stop("the time is over");
  }
  // A run that is resumed has been under way for so long already.
  void save(Record& record) const { record.set("seconds", seconds()); }
  void load(const Record& record) { before_ = record.number("seconds"); }

 private:
  using Now = std::chrono::steady_clock;
  double seconds() const { return before_ + std::chrono::duration<double>(Now::now() - start_).count(); }
  double rate_at(double done, double step) const {
    constexpr double warm_up = 50, parts = 1e6;
    const CosineDecay decay{.steps = static_cast<std::int64_t>(parts), .minimum = rate_ / 50};
    return std::min(1.0, (step + 1) / warm_up) *
           decay.rate(rate_, static_cast<std::int64_t>(parts * std::min(done, 1.0)));
  }
  double most_seconds_, rate_, before_ = 0;
  Now::time_point start_ = Now::now();
};

/// A line an epoch, but not more than one in three seconds.
struct Report {
  double seconds = 3;
  void on_epoch_end(Run& run) {
    seconds += run.log().seconds;
    if (seconds < 3 && run.epoch() < run.epochs()) return;
    std::cout << "epoch " << run.epoch() << ": " << run.log() << std::endl;
    seconds = 0;
  }
};

void train(const TrainOptions& options) {
  auto [known, unseen] = split_text(options.text);
  require<FormatError>(!known.empty(), options.text.string(), ": no characters to learn from");
  const Vocabulary vocabulary = Vocabulary::build({known}, {.tokenizer = CharacterTokenizer{}});
  auto ids = vocabulary.encode(known);
  // The first of what is known can be held out, to choose by it. Not the last: the test goes on from there, and a model
  // that has not read the beginning of its play predicts the rest of it much worse.
  const auto held_out = static_cast<std::ptrdiff_t>(options.held_out * static_cast<double>(ids.size()));
  const std::vector<std::int32_t> held(ids.begin(), ids.begin() + held_out);
  ids.erase(ids.begin(), ids.begin() + held_out);
  require<FormatError>(std::ssize(ids) > options.streams, options.text.string(), ": ", ids.size(),
                       " characters to learn from, expected more than the ", options.streams, " streams");
  std::cout << ids.size() << " characters to learn from, " << vocabulary.size() << " different ones\n\n";

  // The text is cut into 32 streams, which are read side by side, a window of 64 characters at a time. In the next
  // window each stream goes on where it was: what the model remembers at the end of a window is what it starts the next
  // one with. The gradient of a window stops at its beginning, and this is all that "truncated" means.
  const TokenStreams text(ids, {.streams = options.streams, .window = options.window});

  Model model = make_model(
      {vocabulary.size(), options.features, options.units, options.layers, options.dropout, options.weight_dropout});
  // The vectors of the characters start large, from N(0, 1): from small ones the layers above take long to learn.
  initialize(model, Rng(options.seed), {.embedding = Initializer::normal});
  summary(model, std::cout);
  std::cout << std::endl;

  FitOptions<TokenStreams> how{.epochs = options.epochs >= 0 ? options.epochs : 1'000'000,
                               .seed = options.seed,
                               .clip_norm = options.clip,
                               .callbacks = {Clock(options.minutes, options.rate), Report{}}};
  if (held.size() > 1) {
    how.validation = TokenStreams(held, {.streams = 1, .window = 256});
    how.callbacks.emplace_back(EarlyStopping{.monitor = "val_loss", .patience = 1'000'000, .restore_best = true});
  }
  options.files.follow(how, 500, "what has been learned is kept");
  const History history = fit(model, CrossEntropy{}, Adam{.rate = options.rate}, text, how);
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message,
                              "; a lower --rate may help. Nothing is saved");
  if (training::interrupted != 0) std::cout << history.message << '\n';

  // The vocabulary goes into the file with the weights; how many layers and units there are can be seen from them.
  save(options.files.save, model, vocabulary, {.architecture = "char_lm"});
  std::cout << "saved to " << options.files.save.string() << '\n';
  print_test(model, vocabulary, unseen, options.text);
}

// ---- 4. Using the model ----

LoadedTextModel<Model> load_char_lm(const fs::path& path) {
  const auto make = [](const ModelInfo& of) {
    require<FormatError>(of.architecture == "char_lm", of.source, ": architecture '", of.architecture,
                         "', expected char_lm");
    Index layers = 1;
    while (of.has(concat_text("1.weight_hh_l", layers))) ++layers;
    return make_model({of.vocabulary_size(), of.size("0.weight", 1), of.size("1.weight_hh_l0", 1), layers});
  };
  return load(make, path);
}

/// Learning on from the text itself, window after window, relative to how much each weight moved in what was learned
/// from (Krause et al. 2018).
void print_dynamic(const Model& model, const Vocabulary& vocabulary, const std::string& known, const std::string& text,
                   const DynamicEvaluationOptions& options) {
  const TokenStreams learned(vocabulary.encode(known), {.streams = 32, .window = 64});
  DynamicEvaluation learner(model, options, std::optional(mean_squared_gradient(model, learned)));
  std::cout << "dynamic " << std::fixed << std::setprecision(4) << learner.read(vocabulary.encode(text)).loss
            << " nats per character" << std::endl;
}

struct SampleOptions {
  std::string start = "\n";
  double temperature = 0.8;
  Index length = 500;
  std::uint64_t seed = 1;
};

/// The model reads the start, then what it has written itself. Never `<PAD>` or `<OOV>`, which are no characters.
void sample(const Model& model, const Vocabulary& vocabulary, const SampleOptions& options) {
  const auto start = vocabulary.encode(options.start);
  require(!start.empty(), "--start is empty, expected at least one character");
  std::cout << options.start;
  generate(model, start,
           {.max_tokens = options.length,
            .sampling = {.temperature = options.temperature, .forbidden = {Vocabulary::pad, Vocabulary::oov}},
            .seed = options.seed},
           [&](std::int32_t id) { std::cout << vocabulary.token(id) << std::flush; });
  std::cout << std::endl;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns to write from a text.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("char_lm: ", e.what(), "\n"); });
  int threads = 0;
  TrainOptions options;
  SampleOptions how;
  fs::path model = options.files.save, text = options.text;
  bool all = false, dynamic = false;
  DynamicEvaluationOptions learning{.window = 20};
  fs::path plot;
  const auto add_threads = [&](CLI::App* to) {
    to->add_option("--threads", threads, "0: one for each core")->check(CLI::Range(0, 1024));
  };

  CLI::App* const train_command = app.add_subcommand("train", "learn from a text, save the model, test it");
  train_command->add_option("--text", options.text, "any text file, UTF-8 (.gz too)")->capture_default_str();
  train_command->add_option("--minutes", options.minutes, "how long to learn; 1 if --epochs is not given either")
      ->check(CLI::Range(0.001, 1e6));
  train_command->add_option("--epochs", options.epochs, "how often to read the text, whichever limit comes first")
      ->check(CLI::Range(0, 1'000'000));
  train_command->add_option("--features", options.features, "numbers that stand for a character")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  train_command->add_option("--units", options.units)->check(CLI::Range(1, 100'000))->capture_default_str();
  train_command->add_option("--layers", options.layers)->check(CLI::Range(1, 100))->capture_default_str();
  train_command->add_option("--streams", options.streams, "places of the text that are read at once")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  train_command->add_option("--window", options.window, "characters that the gradient goes back at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  train_command->add_option("--rate", options.rate, "largest learning rate")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  train_command->add_option("--dropout", options.dropout)->check(CLI::Range(0.0, 0.95))->capture_default_str();
  train_command->add_option("--weight-dropout", options.weight_dropout, "share of the recurrent weights left out")
      ->check(CLI::Range(0.0, 0.95))
      ->capture_default_str();
  train_command->add_option("--clip", options.clip, "largest norm of the gradient; 0: none")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str();
  train_command
      ->add_option("--held-out", options.held_out,
                   "share of what is learned from that is validated on; the best epoch is kept")
      ->check(CLI::Range(0.0, 0.9));
  train_command->add_option("--seed", options.seed)->capture_default_str();
  options.files.add_options(*train_command);
  add_threads(train_command);

  CLI::App* const sample_command = app.add_subcommand("sample", "let a saved model write");
  sample_command->add_option("--model", model)->capture_default_str();
  sample_command->add_option("--temperature", how.temperature, "1: as it believes; less: bolder; 0: the likeliest")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  sample_command->add_option("--length", how.length, "characters")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  sample_command->add_option("--seed", how.seed)->capture_default_str();
  sample_command->add_option("--start", how.start, "what it goes on from; a new line by default");
  add_threads(sample_command);

  CLI::App* const evaluate_command = app.add_subcommand("evaluate", "how well a saved model predicts a text");
  evaluate_command->add_option("--model", model)->capture_default_str();
  evaluate_command->add_option("--text", text, "its last tenth, which `train` does not learn from");
  evaluate_command->add_flag("--all", all, "all of it");
  evaluate_command->add_flag("--dynamic", dynamic, "and how well if it learns on from it");
  evaluate_command->add_option("--window", learning.window, "characters that are predicted, then learned from")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  evaluate_command->add_option("--rate", learning.rate)->check(CLI::Range(0.0, 100.0))->capture_default_str();
  evaluate_command->add_option("--decay", learning.decay, "back to the trained weights")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  evaluate_command->add_option(
      "--plot", plot, "the text, each character coloured by its probability: a page, .html, or a picture, .svg");
  add_threads(evaluate_command);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed()) {
    if (options.minutes == unlimited && options.epochs < 0) options.minutes = 1;
    train(options);
  } else if (sample_command->parsed()) {
    const auto [network, vocabulary] = load_char_lm(model);
    sample(network, vocabulary, how);
  } else {
    const auto [network, vocabulary] = load_char_lm(model);
    const auto [first, last] = split_text(text);
    const std::string tested = all ? first + last : last;
    print_test(network, vocabulary, tested, text);
    if (!plot.empty()) {
      const auto ids = vocabulary.encode(tested);
      page::write_text(plot, vocabulary, ids, log_probabilities(network, ids), "\n", "");
    }
    if (dynamic) print_dynamic(network, vocabulary, first, tested, learning);
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "char_lm: " << error.what() << '\n';
  return 1;
}
