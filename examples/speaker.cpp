// Who is speaking? An essay in one program: a series of vectors, of any length, is one of several classes.
//
//   speaker train --train ae.train --test ae.test     Japanese Vowels of the UCI: nine men say "ae", 12 numbers (LPC
//                                                      cepstrum) a frame
//   speaker tell ae.test                               who speaks in each series of a file
//
// Each has --help. There are 30 series of each speaker to learn from, so what matters is not to learn them by heart:
// their frames are seen with noise, and with some of the numbers left out.
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>

#include <unroll/data/byte_source.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/metric/confusion_matrix.hpp>
#include <unroll/unroll.hpp>

#include "training.hpp"

namespace {

using namespace unroll;
namespace fs = std::filesystem;

// 1. The data: a frame a line, and a line of ones behind each series.

constexpr Index features = 12;

std::vector<Eigen::MatrixXf> read_series(const fs::path& path) {
  std::istringstream text(read_plain_file(path));
  std::vector<Eigen::MatrixXf> all;
  std::vector<float> frames;
  Index number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    std::istringstream words(line);
    const auto before = std::ssize(frames);
    for (float x; words >> x;) frames.push_back(x);
    const auto count = std::ssize(frames) - before;
    require<FormatError>(words.eof() && (count == 0 || count == features), path.string(), ':', number, ": expected ",
                         features, " numbers");
    if (count == 0 || !std::all_of(frames.end() - features, frames.end(), [](float x) { return x == 1; })) continue;
    frames.resize(frames.size() - features);
    all.push_back(Eigen::Map<Eigen::MatrixXf>(frames.data(), features, std::ssize(frames) / features));
    frames.clear();
  }
  require<FormatError>(!all.empty() && frames.empty(), path.string(),
                       ": expected series of frames, a line of ones behind each");
  return all;
}
/// So many series of each speaker, one speaker after the other.
std::vector<Index> speakers_of(const std::vector<Index>& counts, std::size_t series, const fs::path& path) {
  std::vector<Index> speakers;
  for (std::size_t k = 0; k < counts.size(); ++k) speakers.insert(speakers.end(), std::size_t(counts[k]), Index(k));
  require(speakers.size() == series, path.string(), ": ", series, " series, and the speakers have ", speakers.size(),
          " together");
  return speakers;
}

// 2. The model: every frame read with what is before and behind it, and the mean of what was read, and its greatest.

struct Listener : Composite<Listener> {
  Dropout<> drop{0.3}, drop_more{0.5};
  Bidirectional<Gru<>> read;
  Dense<> score;
  UNROLL_PARTS(drop, drop_more, read, score)

  Listener(Index units, Index speakers) : read(Gru{features, units}), score(4 * units, speakers) {}
  auto operator()(Wiring& run, Node<PackedSequence<>> x) const {
    const auto h = run(read, run(drop, x));
    return run(score, run(drop_more, concat_rows(mean_over_time(h), max_over_time(h))));
  }
};

// 3. Training.

struct Options {
  fs::path train, test, confusion;
  std::vector<Index> of_train = std::vector<Index>(9, 30), of_test{31, 35, 88, 44, 29, 24, 40, 50, 29};
  Index epochs = 100, batch = 32, units = 128;
  double rate = 3e-3, noise = 0.1;
  std::uint64_t seed = 1;
  training::Files files{.save = "speaker.safetensors"};
};

/// A row for each speaker, as shares of what he said.
page::Map map_of(const ConfusionMatrix& counts) {
  page::Map map{counts.names(), counts.names(), Matrix<float>::Zero(counts.classes(), counts.classes())};
  for (Index truth = 0; truth < counts.classes(); ++truth)
    for (Index said = 0; said < counts.classes(); ++said)
      map.weights(said, truth) = float(counts.count(truth, said)) / float(std::max<Index>(1, counts.of(truth).there));
  return map;
}

void train(const Options& options) {
  const auto known = read_series(options.train), others = read_series(options.test);
  const auto of_known = speakers_of(options.of_train, known.size(), options.train),
             of_others = speakers_of(options.of_test, others.size(), options.test);
  std::vector<std::string> names;
  for (std::size_t k = 1; k <= options.of_train.size(); ++k) names.push_back(std::to_string(k));
  const SequenceDataset<> all(known, Targets(of_known, names)), test(others, Targets(of_others, names));
  std::vector<Index> learned, held_out;  // every sixth
  for (Index k = 0; k < all.size(); ++k) (k % 6 == 5 ? held_out : learned).push_back(k);
  const SequenceDataset<> data = all.select(learned), valid = all.select(held_out);
  std::cout << data.size() << " series to learn from, " << valid.size() << " to validate on, " << test.size()
            << " to be tested on\n\n";

  Listener model(options.units, std::ssize(names));
  initialize(model, Rng(options.seed), Scheme::pytorch());
  summary(model, std::cout);
  std::cout << '\n';

  FitOptions<SequenceDataset<>> how{.epochs = options.epochs,
                                    .batch_size = options.batch,
                                    .seed = options.seed,
                                    .validation = valid,
                                    .clip_norm = 1,
                                    .callbacks = {training::DownToZero{options.rate}},
                                    .progress = &std::cout};
  how.on_batch = [&](const Context& context, PackedSequence<>& batch) {
    Rng rng = Rng(options.seed).child(1).child(std::uint64_t(context.step));
    for (Index k = 0; k < batch.values.size(); ++k) batch.values.data()[k] += float(options.noise * rng.normal());
  };
  options.files.follow(how, 100, "what it has learned so far is kept");
  const History history = fit(model, CrossEntropy{}, Adam{.rate = options.rate}, data, how);
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message);
  save(options.files.save, model, {.labels = names});
  std::cout << "saved to " << options.files.save.string() << '\n';

  const Evaluation of = evaluate(model, CrossEntropy{}, test);
  std::cout << of.confusion->str() << std::fixed << std::setprecision(4) << "test accuracy " << of.accuracy
            << ", test loss " << of.loss << std::endl;
  if (!options.confusion.empty())
    page::write(options.confusion, "Who was taken for whom", page::picture(std::vector{map_of(*of.confusion)}));
}

// 4. Using it.

void tell(const fs::path& file, const fs::path& series) {
  const auto [model, info] = load_model(
      [](const ModelInfo& of) { return Listener(of.size("read.weight_hh_l0", 1), std::ssize(of.labels)); }, file);
  Index number = 0;
  for (const Eigen::MatrixXf& x : read_series(series)) {
    const Prediction<> p = predict(model, x);
    std::cout << "series " << ++number << ": speaker " << info.labels[std::size_t(p.label())] << ", " << std::fixed
              << std::setprecision(1) << 100 * p.confidence() << " %" << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Learns who is speaking.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("speaker: ", e.what(), "\n"); });
  Options options;
  int threads = 0;
  fs::path file = options.files.save, series;

  CLI::App* const train_command = app.add_subcommand("train", "learn from series, save the model, test it");
  train_command->add_option("--train", options.train, "12 numbers a line, a line of ones behind each series")
      ->required();
  train_command->add_option("--test", options.test, "the same, never looked at in training")->required();
  train_command->add_option("--of-train", options.of_train, "how many series each speaker has, one after the other")
      ->delimiter(',')
      ->capture_default_str();
  train_command->add_option("--of-test", options.of_test)->delimiter(',')->capture_default_str();
  train_command->add_option("--units", options.units)->check(CLI::Range(1, 100'000))->capture_default_str();
  train_command->add_option("--epochs", options.epochs)->check(CLI::Range(0, 1'000'000))->capture_default_str();
  train_command->add_option("--batch", options.batch, "series a batch")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  train_command->add_option("--rate", options.rate)->check(CLI::Range(0.0, 1.0))->capture_default_str();
  train_command->add_option("--noise", options.noise, "its deviation, on every number in training")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  train_command->add_option("--seed", options.seed)->capture_default_str();
  train_command->add_option("--confusion", options.confusion,
                            "who was taken for whom: a page, .html, or a picture, .svg");
  options.files.add_options(*train_command);
  training::add_threads(*train_command, threads);

  CLI::App* const tell_command = app.add_subcommand("tell", "who speaks in each series of a file");
  tell_command->add_option("--model", file)->capture_default_str();
  tell_command->add_option("series", series, "12 numbers a line, a line of ones behind each series")->required();
  training::add_threads(*tell_command, threads);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed())
    train(options);
  else
    tell(file, series);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "speaker: " << error.what() << '\n';
  return 1;
}
