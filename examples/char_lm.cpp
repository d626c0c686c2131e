// What comes next? An essay in one program: an LSTM reads a text character by character and learns to say, after each,
// how probable every character is as the next one. Asked again and again, it writes.
//
//   char_lm train --text FILE --minutes 15    learns from the first nine tenths of a text, is tested on the last tenth
//   char_lm sample --start "And God"          writes on from there
//   char_lm evaluate --text FILE              how well the saved model foresees a text
//
// Each has --help. Without --text it is the bundled one, Genesis 1 to 28 in the King James version.
//
// How good a model is, is told in nats per character: the mean of -log p(the character that came). A model that knows
// nothing needs log V, 4.2 for 65 characters; 1.6 means that it is as unsure as between five characters on average.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iomanip>
#include <iostream>

#include <CLI/CLI.hpp>

#include <unroll/data/gzip.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/train/generate.hpp>
#include <unroll/train/summary.hpp>
#include <unroll/train/train_step.hpp>
#include <unroll/unroll.hpp>

namespace {

using namespace unroll;
namespace fs = std::filesystem;

// ---- 1. The model ----

using Model = AnySequential<>;

/// Characters to vectors, LSTM layers on top of each other with dropout above each, and for every step one logit per
/// character. How many layers is asked for at run time, so they are no part of the model's type.
struct Sizes {
  Index characters, features, units, layers;
  double dropout = 0;
};
Model make_model(const Sizes& s) {
  AnyStack<> stack;
  for (Index k = 0; k < s.layers; ++k) {
    if (k > 0) stack.add(Dropout{s.dropout});
    stack.add(Recurrent{Lstm{k == 0 ? s.features : s.units, s.units}});
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

/// The mean over ids of -log p(next id). They are read as up to 16 streams side by side, because that is faster; each
/// starts without a memory, which costs it a little at its first few dozen characters.
double nats_per_character(const Model& model, const std::vector<std::int32_t>& ids) {
  const TokenStreams text(ids, {.streams = std::clamp<Index>(std::ssize(ids) / 2000, 1, 16), .window = 100});
  CacheFor<Model, TokenBatch> cache;
  Model::State state;
  TokenBatch x;
  std::vector<Index> next;
  double sum = 0, count = 0;
  for (Index window = 0; window < text.count(); ++window) {
    text.fill(window, x, next);
    const auto& logits = model.forward({.gradients = false}, x, cache, {window > 0 ? &state : nullptr, &state});
    const LossResult mean = compute_loss(CrossEntropy{}, logits, next);
    sum += mean.loss * mean.weight;
    count += mean.weight;
  }
  return sum / count;
}

void print_test(const Model& model, const Vocabulary& vocabulary, const std::string& text, const fs::path& path) {
  const auto ids = vocabulary.encode(text);
  require<FormatError>(ids.size() >= 2, path.string(), ": ", ids.size(), " characters to test on, expected at least 2");
  std::cout << "test " << std::fixed << std::setprecision(4) << nats_per_character(model, ids) << " nats per character"
            << std::endl;
}

// ---- 3. Training: truncated backpropagation through time ----

constexpr double unlimited = 1e100;

struct TrainOptions {
  fs::path text = UNROLL_EXAMPLE_DATA "/lm.txt";
  double minutes = unlimited, epochs = unlimited;
  Index features = 64, units = 256, streams = 32, window = 64;
  Index layers = 2;
  double rate = 3e-3, dropout = 0.2, clip = 1;
  std::uint64_t seed = 1;
  fs::path save = "char_lm.safetensors";
};

/// How far a run has come, by the clock or by the steps, whichever is further: from 0 to 1, where it ends.
class RunLength {
 public:
  RunLength(double minutes, double steps) : most_seconds_(60 * minutes), most_steps_(steps) {}
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  double done(double steps) const { return std::max(seconds() / most_seconds_, steps / most_steps_); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  double most_seconds_, most_steps_;
};

/// The rate warms up in 50 steps; over the whole run it falls along half a cosine to a fiftieth.
double rate_at(double largest, double done, double step) {
  constexpr double warm_up = 50, parts = 1e6;
  const CosineDecay decay{.steps = static_cast<std::int64_t>(parts), .minimum = largest / 50};
  return std::min(1.0, (step + 1) / warm_up) * decay.rate(largest, static_cast<std::int64_t>(parts * done));
}

volatile std::sig_atomic_t interrupted = 0;

void train(const TrainOptions& options) {
  const auto [known, unseen] = split_text(options.text);
  require<FormatError>(!known.empty(), options.text.string(), ": no characters to learn from");
  const Vocabulary vocabulary = Vocabulary::build({known}, {.tokenizer = CharacterTokenizer{}});
  const auto ids = vocabulary.encode(known);
  require<FormatError>(std::ssize(ids) > options.streams, options.text.string(), ": ", ids.size(),
                       " characters to learn from, expected more than the ", options.streams, " streams");
  std::cout << ids.size() << " characters to learn from, " << vocabulary.size() << " different ones\n\n";

  // The text is cut into 32 streams, which are read side by side, a window of 64 characters at a time. In the next
  // window each stream goes on where it was.
  const TokenStreams text(ids, {.streams = options.streams, .window = options.window});
  const auto windows = static_cast<double>(text.count()),
             characters = static_cast<double>(text.streams() * text.stream_length());

  Model model = make_model({vocabulary.size(), options.features, options.units, options.layers, options.dropout});
  // The vectors of the characters start large, from N(0, 1): from small ones the layers above take long to learn.
  initialize(model, Rng(options.seed), {.embedding = Initializer::normal});
  summary(model, std::cout);
  std::cout << std::endl;

  // fit shuffles samples that have nothing to do with each other. Here each window goes on from the one before, so this
  // is a loop of our own, of the pieces that fit is made of: a workspace, an optimizer, train_step.
  Workspace<Model, TokenBatch> work(model);
  Optimizer optimizer(model, Adam{.rate = options.rate});
  Model::State state;
  TokenBatch x;
  std::vector<Index> next;

  const RunLength length(options.minutes, options.epochs * windows);
  double loss = 0, weight = 0, reported = 0;
  for (std::uint64_t step = 0; interrupted == 0; ++step) {
    const auto steps = static_cast<double>(step);
    const double done = length.done(steps);
    if (weight > 0 && (done >= reported + 0.05 || done >= 1)) {
      std::cout << std::fixed << std::setprecision(0) << std::setw(5) << length.seconds() << " s, epoch "
                << std::setprecision(2) << std::setw(5) << steps / windows << ", rate " << std::setprecision(5)
                << optimizer.rate() << ", training loss " << std::setprecision(4) << loss / weight
                << std::setprecision(0) << ", " << steps / windows * characters / length.seconds() << " characters/s"
                << std::endl;
      loss = weight = 0;
      reported = done;
    }
    if (done >= 1) break;

    const Index window = static_cast<Index>(step) % text.count();
    text.fill(window, x, next);
    optimizer.set_rate(rate_at(options.rate, done, steps));
    // This is all that "truncated" means. The state at the end of a window is a value; the next window starts from it,
    // so what the model remembers goes on. The gradient of a window stops at its beginning: none is carried back.
    const StepResult result = train_step(model, CrossEntropy{}, optimizer, x, next, work,
                                         {.training = true, .seed = options.seed, .step = step}, {.norm = options.clip},
                                         {window > 0 ? &state : nullptr, &state});
    require<std::runtime_error>(result.finite, "step ", step + 1,
                                ": loss or gradient is no finite number; a lower --rate may help. Nothing is saved");
    loss += result.loss * result.weight;
    weight += result.weight;
  }
  if (interrupted != 0) std::cout << "interrupted; what has been learned is kept\n";

  // The vocabulary goes into the file with the weights; how many layers and units there are can be seen from them.
  save(options.save, model, vocabulary, {.architecture = "char_lm"});
  std::cout << "saved to " << options.save.string() << '\n';
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
  fs::path model = options.save, text = options.text;
  bool all = false;
  const auto add_threads = [&](CLI::App* to) {
    to->add_option("--threads", threads, "0: one for each core")->check(CLI::Range(0, 1024));
  };

  CLI::App* const train_command = app.add_subcommand("train", "learn from a text, save the model, test it");
  train_command->add_option("--text", options.text, "any text file, UTF-8 (.gz too)")->capture_default_str();
  train_command->add_option("--minutes", options.minutes, "how long to learn; 1 if --epochs is not given either")
      ->check(CLI::Range(0.001, 1e6));
  train_command->add_option("--epochs", options.epochs, "how often to read the text, whichever limit comes first")
      ->check(CLI::Range(0.001, 1e6));
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
  train_command->add_option("--clip", options.clip, "largest norm of the gradient; 0: none")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str();
  train_command->add_option("--seed", options.seed)->capture_default_str();
  train_command->add_option("--save", options.save, "where the model goes")->capture_default_str();
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

  CLI::App* const evaluate_command = app.add_subcommand("evaluate", "how well a saved model foresees a text");
  evaluate_command->add_option("--model", model)->capture_default_str();
  evaluate_command->add_option("--text", text, "its last tenth, which `train` does not learn from");
  evaluate_command->add_flag("--all", all, "all of it");
  add_threads(evaluate_command);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed()) {
    if (options.minutes == unlimited && options.epochs == unlimited) options.minutes = 1;
    // Ctrl-C ends training after the present window. The second one ends the program.
    std::signal(SIGINT, [](int) { interrupted = 1, std::signal(SIGINT, SIG_DFL); });
    train(options);
  } else if (sample_command->parsed()) {
    const auto [network, vocabulary] = load_char_lm(model);
    sample(network, vocabulary, how);
  } else {
    const auto [network, vocabulary] = load_char_lm(model);
    print_test(network, vocabulary, all ? read_gzip_file(text) : split_text(text).second, text);
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "char_lm: " << error.what() << '\n';
  return 1;
}
