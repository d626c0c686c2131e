// One vector to many words. An essay in one program: numbers that say where which things are become a state, and a
// decoder that begins there says it in a sentence.
//
//   caption train                 learns on scenes that it makes itself, tests on others, saves the model
//   caption describe "large red circle 0.2 0.5; small blue square 0.8 0.4"
//                                 says what is in a scene: size, colour, shape, place from left and from below of each
//                                 thing; without a scene, in each line of the standard input
//
// Each has --help. Of the combinations of things and of what is left of or above what, training sees nine in ten, and
// the scenes that are tested have the others.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>

#include <unroll/io/model_file.hpp>
#include <unroll/layer/encoder_decoder.hpp>
#include <unroll/metric/exact_match.hpp>
#include <unroll/text/text_encoding.hpp>
#include <unroll/train/translate.hpp>
#include <unroll/unroll.hpp>

#include "training.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

// 1. Scenes, as numbers and in words.

const std::array sizes{"small", "large"};
const std::array colours{"red", "green", "blue", "yellow", "black", "white"};
const std::array shapes{"circle", "square", "triangle", "star"};
constexpr std::size_t most = 3;  // things in a scene

struct Thing {
  std::size_t size = 0, colour = 0, shape = 0;
  double x = 0, y = 0;  // from the left and from below, 0 to 1

  std::string name() const { return concat_text("a ", sizes[size], ' ', colours[colour], ' ', shapes[shape]); }
};
using Scene = std::vector<Thing>;

constexpr std::array relations{"left of", "right of", "below", "above"};
std::size_t relation(const Thing& a, const Thing& b) {
  const double x = b.x - a.x, y = b.y - a.y;
  return std::abs(x) > std::abs(y) ? (x > 0 ? 0 : 1) : (y > 0 ? 2 : 3);
}
/// "a small red star above a large blue square and left of a large green circle": where the first is.
std::string in_words(const Scene& scene) {
  std::string text = scene.front().name();
  for (std::size_t k = 1; k < scene.size(); ++k)
    text += concat_text(k > 1 ? " and " : " ", relations[relation(scene.front(), scene[k])], ' ', scene[k].name());
  return text;
}
/// For each thing that there may be: whether it is there, its size, colour and shape, one of each is 1, and its place.
Eigen::MatrixXf as_numbers(const Scene& scene) {
  constexpr std::size_t rows = 1 + sizes.size() + colours.size() + shapes.size() + 2;
  Eigen::MatrixXf x = Eigen::MatrixXf::Zero(most * rows, 1);
  for (std::size_t k = 0; k < scene.size(); ++k) {
    const Thing& thing = scene[k];
    float* at = x.data() + k * rows;
    *at++ = 1;
    at[thing.size] = 1, at += sizes.size();
    at[thing.colour] = 1, at += colours.size();
    at[thing.shape] = 1, at += shapes.size();
    at[0] = static_cast<float>(thing.x), at[1] = static_cast<float>(thing.y);
  }
  return x;
}
/// Whether its combination, whatever the exact places, is one of those that training does not see.
bool is_held_out(const Scene& scene) {
  std::uint64_t number = scene.size();
  for (const Thing& thing : scene)
    for (const std::size_t choice : {thing.size, thing.colour, thing.shape, relation(scene.front(), thing)})
      number = number * 31 + choice;
  return number % 10 == 0;
}
Scene draw(Rng& rng, std::size_t things) {
  Scene scene;
  for (std::size_t left = 1 + rng.below(things); left > 0;) {
    Thing thing{rng.below(sizes.size()), rng.below(colours.size()), rng.below(shapes.size()), rng.uniform(),
                rng.uniform()};
    const Thing& first = scene.empty() ? thing : scene.front();
    const double x = std::abs(thing.x - first.x), y = std::abs(thing.y - first.y);
    if (!scene.empty() && std::abs(x - y) < 0.1) continue;  // who would say which it is?
    scene.push_back(thing), --left;
  }
  return scene;
}
Scene read_scene(const std::string& text) {
  Scene scene;
  std::istringstream things(text);
  for (std::string one; std::getline(things, one, ';');) {
    std::istringstream words(one);
    std::string size, colour, shape, more;
    Thing thing;
    const auto find = [&](const auto& names, const std::string& name) {
      const auto at = std::ranges::find(names, name);
      std::string all;
      for (const char* const each : names) all += concat_text(all.empty() ? "" : ", ", each);
      require(at != names.end(), "'", name, "' is none of ", all);
      return static_cast<std::size_t>(at - names.begin());
    };
    words >> size >> colour >> shape >> thing.x >> thing.y;
    require(words && !(words >> more), "'", one, "' is not like 'large red circle 0.2 0.5'");
    thing.size = find(sizes, size), thing.colour = find(colours, colour), thing.shape = find(shapes, shape);
    scene.push_back(thing);
  }
  require(!scene.empty() && scene.size() <= most, "a scene has 1 to ", most, " things, got ", scene.size());
  return scene;
}

// 2. The data: a vector, which is a sequence of one step, and the words of its sentence.

struct Captions {
  using Batch = Inputs<PackedSequence<>, TokenBatch>;
  SequenceDataset<float> scenes;
  TokenDataset words;  // behind <BOS>; labels are the words that follow, to <EOS>

  Captions(const std::vector<Scene>& all, const TextEncoding& encoding) {
    std::vector<Eigen::MatrixXf> numbers;
    std::vector<std::vector<std::int32_t>> said;
    std::vector<std::vector<Index>> next;
    for (const Scene& scene : all) {
      numbers.push_back(as_numbers(scene));
      const std::vector<std::int32_t> ids = encoding.encode(in_words(scene));
      said.push_back({TextEncoding::bos});
      said.back().insert(said.back().end(), ids.begin(), ids.end());
      next.emplace_back(ids.begin(), ids.end()).push_back(TextEncoding::eos);
    }
    scenes = SequenceDataset<float>(numbers);
    words = TokenDataset(said, next);
  }
  Index size() const { return scenes.size(); }
  Index length(Index k) const { return words.length(k); }
  void fill(std::span<const Index> rows, Batch& batch) const {
    scenes.fill(rows, std::get<0>(batch.all));
    words.fill(rows, std::get<1>(batch.all));
  }
  void fill_targets(std::span<const Index> rows, const Batch& batch, BatchTargets<float>& out) const {
    words.fill_targets(rows, std::get<1>(batch.all).packing, out);
  }
};

// 3. The model. All that the decoder is told of the scene is the state that it begins with.

struct Shape {
  Index numbers = 1, words = 4, units = 128;
  UNROLL_OPTIONS(numbers, words, units)
};

struct Model : EncoderDecoder<Model, float, PackedSequence<>> {
  Shape shape;
  Dense<> look, understand, remember;
  Relu<> relu;
  Tanh<> tanh;
  Embedding<> embed;
  Recurrent<Lstm<>> speak;
  SoftmaxClassifier<> head;
  UNROLL_PARTS(shape, look, understand, remember, relu, tanh, embed, speak, head)

  explicit Model(const Shape& of)
      : shape(of),
        look(of.numbers, 2 * of.units),
        understand(2 * of.units, of.units),
        remember(2 * of.units, of.units),
        embed(of.words, of.units / 2),
        speak(Lstm{of.units / 2, of.units}),
        head(of.units, of.words) {}

  auto encode(Wiring& run, Node<PackedSequence<>> x) const {
    const auto seen = run(relu, run(look, x));
    return initial_state(speak, last_step(run(tanh, run(understand, seen))), last_step(run(remember, seen)));
  }
  auto decode(Wiring& run, const auto& start, Node<TokenBatch> y) const {
    return run(head, run(speak, run(embed, y), from(start)));
  }
};

/// What it says of each scene: the likeliest word every time.
Texts describe(const Model& model, const TextEncoding& encoding, const std::vector<Scene>& scenes) {
  std::vector<Eigen::MatrixXf> numbers;
  for (const Scene& scene : scenes) numbers.push_back(as_numbers(scene));
  Texts said;
  for (const auto& found : translate(model, pack(numbers), {.width = 1, .max_more = 40}))
    said.push_back(encoding.decode(found.front().ids));
  return said;
}

// 4. Training.

struct Options {
  Index scenes = 20'000, epochs = 12, batch = 64, units = 128;
  std::size_t things = most;
  double rate = 4e-3;
  std::uint64_t seed = 1;
  training::Files files{.save = "caption.safetensors"};
};

/// Scenes whose combinations are those of training, or the others.
std::vector<Scene> make_scenes(Index count, const Options& options, Rng rng, bool held_out) {
  std::vector<Scene> all;
  while (std::ssize(all) < count)
    if (Scene scene = draw(rng, options.things); is_held_out(scene) == held_out) all.push_back(std::move(scene));
  return all;
}

void train(const Options& options) {
  const auto make = [&](Index count, std::uint64_t part, bool held_out) {
    return make_scenes(count, options, Rng(options.seed).child(part), held_out);
  };
  const std::vector<Scene> known = make(options.scenes, 0, false), test = make(500, 1, true);
  Texts sentences;
  for (const Scene& scene : known) sentences.push_back(in_words(scene));
  const Vocabulary vocabulary = with_marks(Vocabulary::build(sentences, {.tokenizer = WhitespaceTokenizer{}}));
  const Captions data(known, vocabulary), valid(make(500, 2, false), vocabulary);

  Model model({.numbers = data.scenes.features(), .words = vocabulary.size(), .units = options.units});
  initialize(model, Rng(options.seed));
  summary(model, std::cout);
  std::cout << '\n' << data.size() << " scenes to learn from, " << valid.size() << " to validate on\n\n";

  FitOptions<Captions> how{
      .epochs = options.epochs,
      .batch_size = options.batch,
      .seed = options.seed,
      .validation = valid,
      .clip_norm = 1,
      .callbacks = {training::DownToZero{options.rate, options.rate / 50, training::short_warm_up}},
      .progress = &std::cout};
  options.files.follow(how, 200, "what it has learned so far is kept");
  const History history = fit(model, Adam{.rate = options.rate}, data, how);
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message);

  save(options.files.save, model, vocabulary,
       {.test_input = {.values = as_numbers(known.front()), .more = {{.tokens = {TextEncoding::bos}}}}});
  std::cout << "saved to " << options.files.save.string() << '\n';

  const Texts said = describe(model, vocabulary, test);
  Texts right;
  for (const Scene& scene : test) right.push_back(in_words(scene));
  for (std::size_t k = 0; k < 3; ++k) std::cout << said[k] << (said[k] == right[k] ? "" : "  (wrong)") << '\n';
  std::cout << "exact match " << exact_match(said, right) << " in scenes of other combinations" << std::endl;
}

auto load_captioner(const fs::path& path) {
  return load([](const ModelInfo& info) { return Model(info.options_of<Shape>("shape")); }, path);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns to say what is in a scene.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("caption: ", e.what(), "\n"); });
  int threads = 0;
  Options options;
  fs::path file = options.files.save;
  std::string text;

  CLI::App* const train_command = app.add_subcommand("train", "learn from scenes, save the model, test it");
  train_command->add_option("--scenes", options.scenes, "to learn from")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  train_command->add_option("--things", options.things, "in a scene at most")
      ->check(CLI::Range(std::size_t{1}, most))
      ->capture_default_str();
  train_command->add_option("--units", options.units)->check(CLI::Range(2, 100'000))->capture_default_str();
  train_command->add_option("--epochs", options.epochs)->check(CLI::Range(0, 1'000'000))->capture_default_str();
  train_command->add_option("--batch", options.batch, "scenes a batch")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  train_command->add_option("--rate", options.rate)->check(CLI::Range(1e-9, 10.0))->capture_default_str();
  train_command->add_option("--seed", options.seed)->capture_default_str();
  options.files.add_options(*train_command);
  training::add_threads(*train_command, threads);

  CLI::App* const describe_command = app.add_subcommand("describe", "say what is in a scene");
  describe_command->add_option("--model", file)->capture_default_str();
  describe_command->add_option("scene", text, "'large red circle 0.2 0.5; small blue square 0.8 0.4'");
  training::add_threads(*describe_command, threads);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed()) {
    train(options);
    return 0;
  }
  const auto [model, vocabulary] = load_captioner(file);
  const auto answer = [&](const std::string& scene) {
    std::cout << describe(model, vocabulary, {read_scene(scene)}).front() << std::endl;
  };
  if (!text.empty()) answer(text);
  if (text.empty())
    for (std::string line; std::getline(std::cin, line);) answer(line);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "caption: " << error.what() << '\n';
  return 1;
}
