// Which word was that? An essay in one program: a stream of sound, ten words to be spotted in it as soon as they are
// said, and all else to be left alone.
//
//   sh examples/keyword_audio.sh DIR                   makes spoken words (espeak-ng)
//   keyword train --data DIR --save keyword.safetensors
//   keyword listen sound.wav                           what is said in it, and when
//
// Each has --help. DIR/train, DIR/valid and DIR/test have a folder of WAV files for each word, and `other`, whose words
// are not to be spotted. Out of them streams are put together: words and noise, louder and softer. For a short while
// after the end of a word the answer is this word, at all other times it is nothing; two GRUs learn that frame by
// frame. They never look ahead, so a stream of fixed size, without heap, gives the same answers while the sound comes
// in.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <unsupported/Eigen/FFT>

#include <unroll/data/scaler.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/stream/of_model.hpp>
#include <unroll/stream/stream.hpp>
#include <unroll/unroll.hpp>

#include "sound.hpp"
#include "training.hpp"

namespace {

using namespace unroll;
using sound::Sound;
namespace fs = std::filesystem;

// 1. Sound to features.

constexpr double window_seconds = 0.025, hop_seconds = 0.01;

/// Mel-frequency cepstrum (Davis and Mermelstein 1980): how loud a frame is in bands as wide as ears hear them, and the
/// shape of that over the bands.
class Mfcc {
 public:
  static constexpr Index count = 16, bands = 32;
  static constexpr int least_rate = 4000;  // Hz: below there is no speech

  explicit Mfcc(int rate)
      : window(Index(window_seconds * rate)),
        hop(Index(hop_seconds * rate)),
        hann_(window),
        filters_(Eigen::MatrixXf::Zero(bands, bins(window))),
        cosines_(count, bands) {
    for (Index n = 0; n < window; ++n) hann_[n] = float(0.5 - 0.5 * std::cos(turn * double(n) / double(window)));
    const auto mel = [](double hertz) { return 1127 * std::log1p(hertz / 700); };
    const double low = mel(60), high = mel(std::min(7600.0, rate / 2.0)), width = (high - low) / (bands + 1);
    for (Index k = 0; k < filters_.cols(); ++k)
      for (Index b = 0; b < bands; ++b) {
        const double off = mel(double(k) * rate / double(size(window))) - (low + double(b + 1) * width);
        filters_(b, k) = float(std::max(0.0, 1 - std::abs(off) / width));
      }
    for (Index c = 0; c < count; ++c)
      for (Index b = 0; b < bands; ++b)
        cosines_(c, b) = float(std::cos(turn / 2 * double(c) * (double(b) + 0.5) / bands) * std::sqrt(2.0 / bands));
  }

  /// (count), of `window` samples.
  Eigen::VectorXf operator()(const float* samples) {
    frame_.setZero(size(window));
    frame_.head(window) = hann_.cwiseProduct(Eigen::Map<const Eigen::VectorXf>(samples, window));
    fft_.fwd(spectrum_, frame_);
    return cosines_ * ((filters_ * spectrum_.head(filters_.cols()).cwiseAbs2()).array() + 1e-5f).log().matrix();
  }
  /// (count, frames), of a whole sound.
  Eigen::MatrixXf operator()(const Sound& sound) {
    const Index samples = std::ssize(sound.samples), frames = samples < window ? 0 : (samples - window) / hop + 1;
    Eigen::MatrixXf features(count, frames);
    for (Index t = 0; t < frames; ++t) features.col(t) = (*this)(sound.samples.data() + t * hop);
    return features;
  }

  const Index window, hop;  // samples

 private:
  static constexpr double turn = 2 * std::numbers::pi;
  static Index size(Index window) {
    Index n = 1;
    while (n < window) n *= 2;
    return n;
  }
  static Index bins(Index window) { return size(window) / 2 + 1; }

  Eigen::VectorXf hann_, frame_;
  Eigen::MatrixXf filters_, cosines_;
  Eigen::VectorXcf spectrum_;
  Eigen::FFT<float> fft_;
};
/// When frame t has been heard to its end, in seconds.
double heard(Index t) { return double(t) * hop_seconds + window_seconds; }

// 2. The data.

struct Word {
  Index label;  // from 1 on; 0: none to be spotted
  Sound sound;  // without the silence before and behind
};
struct Corpus {
  std::vector<std::string> names{"-"};  // of the labels
  int rate = 0;
  std::vector<Word> train{}, valid{}, test{};
};

Sound without_silence(Sound sound) {
  float peak = 0;
  for (const float x : sound.samples) peak = std::max(peak, std::abs(x));
  const auto loud = [&](float x) { return std::abs(x) > 0.02f * peak; };
  const auto end = std::find_if(sound.samples.rbegin(), sound.samples.rend(), loud).base();
  sound.samples = std::vector<float>(std::find_if(sound.samples.begin(), end, loud), end);
  return sound;
}
std::vector<fs::path> sorted(const fs::path& folder) {
  require<FormatError>(fs::is_directory(folder), folder.string(), ": no such folder");
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(folder)) all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}
Corpus read_corpus(const fs::path& data) {
  Corpus corpus;
  for (const fs::path& folder : sorted(data / "train"))
    if (folder.filename() != "other") corpus.names.push_back(folder.filename().string());
  require<FormatError>(corpus.names.size() > 1, (data / "train").string(), ": no folders with the names of words");
  for (const auto& [part, words] :
       {std::pair("train", &corpus.train), {"valid", &corpus.valid}, {"test", &corpus.test}}) {
    for (const fs::path& folder : sorted(data / part)) {
      const auto name = std::ranges::find(corpus.names, folder.filename().string());
      require<FormatError>(name != corpus.names.end() || folder.filename() == "other", folder.string(),
                           ": a word that training does not have");
      const Index label = name != corpus.names.end() ? name - corpus.names.begin() : 0;
      for (const fs::path& file : sorted(folder)) {
        words->push_back({label, without_silence(sound::read_wav(file))});
        const Sound& word = words->back().sound;
        require<FormatError>(word.samples.size() > 1, file.string(), ": nothing to be heard");
        if (corpus.rate == 0) corpus.rate = word.rate;
        require<FormatError>(word.rate == corpus.rate && word.rate >= Mfcc::least_rate, file.string(), ": ", word.rate,
                             " Hz, expected ", std::max(corpus.rate, Mfcc::least_rate));
      }
    }
    require<FormatError>(!words->empty(), (data / part).string(), ": no words");
  }
  return corpus;
}

/// The same said by somebody else: smaller or larger, faster or slower, which is read at another speed (Ko et al.
/// 2015), into another microphone, brighter or duller.
std::vector<float> by_another(const std::vector<float>& samples, Rng& rng) {
  const double speed = std::pow(1.3, rng.uniform(-1, 1)), tilt = rng.uniform(-0.7, 0.7);
  std::vector<float> heard(std::size_t(double(samples.size() - 1) / speed));
  double before = 0;
  for (std::size_t n = 0; n < heard.size(); ++n) {
    const double at = double(n) * speed, whole = std::floor(at);
    const auto k = std::size_t(whole);
    const double x = double(samples[k]) + (at - whole) * (double(samples[k + 1]) - double(samples[k]));
    heard[n] = float(x + tilt * std::exchange(before, x));
  }
  return heard;
}

/// Noise of one colour, from white to a rumble, with or without a hum.
void add_noise(Sound& sound, double loudness, Rng& rng) {
  const double pole = rng.uniform(0, 0.98), hum = rng.uniform(-1, 1), hertz = rng.uniform(45, 300);
  const double scale = loudness * std::sqrt(1 - pole * pole);
  double noise = 0;
  for (std::size_t n = 0; n < sound.samples.size(); ++n) {
    noise = pole * noise + rng.normal();
    const double angle = 2 * std::numbers::pi * hertz * double(n) / sound.rate;
    sound.samples[n] += float(scale * noise + (hum > 0 ? hum * loudness * std::sin(angle) : 0));
  }
}

/// Words one after the other, with pauses, in noise; and where each ends.
struct Scene {
  struct Said {
    Index label;
    double begin, end;  // seconds
  };
  Sound sound;
  std::vector<Said> said{};
};
Scene make_scene(const std::vector<const Word*>& words, int rate, bool vary, Rng& rng) {
  Scene scene{{{}, rate}};
  auto& samples = scene.sound.samples;
  const auto pause = [&](double least, double most) {
    samples.resize(samples.size() + std::size_t(rate * rng.uniform(least, most)));
  };
  const double level = 0.1 * std::pow(10, rng.uniform(-0.75, 0.25));  // 20 dB from soft to loud
  pause(0.2, 0.8);
  for (const Word* word : words) {
    const std::vector<float> of = vary ? by_another(word->sound.samples, rng) : word->sound.samples;
    double energy = 1e-9;
    for (const float x : of) energy += double(x) * double(x);
    const double gain = level / std::sqrt(energy / double(of.size())) * std::pow(10, rng.uniform(-0.15, 0.15));
    const double begin = double(samples.size()) / rate;
    for (const float x : of) samples.push_back(float(gain * x));
    scene.said.push_back({word->label, begin, double(samples.size()) / rate});
    pause(0.25, 1);
  }
  add_noise(scene.sound, level * std::pow(10, -rng.uniform(5, 30) / 20), rng);  // 5 to 30 dB below the words
  return scene;
}
/// Calls f with scenes of all words in a random order, so many in each.
void for_each_scene(const std::vector<Word>& words, Index each, int rate, bool vary, Rng rng, const auto& f) {
  std::vector<const Word*> order;
  for (const Word& word : words) order.push_back(&word);
  for (std::size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[rng.below(k)]);
  for (std::size_t k = 0; k < order.size(); k += std::size_t(each)) {
    const auto begin = order.begin() + std::ptrdiff_t(k);
    f(make_scene({begin, begin + std::min<std::ptrdiff_t>(each, order.end() - begin)}, rate, vary, rng));
  }
}

/// For 150 ms from shortly before its end on, the answer is the word.
std::vector<Index> answers(const Scene& scene, Index frames) {
  std::vector<Index> labels(static_cast<std::size_t>(frames), 0);
  for (const Scene::Said& word : scene.said)
    for (Index t = 0; t < frames; ++t)
      if (heard(t) > word.end - 0.03 && heard(t) < word.end + 0.12) labels[std::size_t(t)] = word.label;
  return labels;
}

// 3. The model.

constexpr Index units = 96, most_words = 10;

auto make_model() {
  return Sequential{Recurrent{Gru{Mfcc::count, units}}, Dropout{0.3}, Recurrent{Gru{units, units}}, Dropout{0.3},
                    Dense{units, most_words + 1}};
}
using Model = decltype(make_model());
/// The same with its sizes in its type.
using Ear = stream::Stream<stream::StreamOf<Model, Mfcc::count, units, units, most_words + 1>>;

/// Hears frame after frame, and says a word once it is sure: when the mean of its probability over three frames is over
/// the threshold, and half a second has passed since the last word.
class Spotter {
 public:
  /// Of so many labels, the first of which is no word; a model may have room for more.
  Spotter(const Model& model, Scaler scaler, std::size_t labels, double threshold)
      : scaler_(std::move(scaler)), threshold_(threshold), recent_(Eigen::ArrayXXf::Zero(Index(labels), 3)) {
    ear_.assign(model);
  }
  /// The label of the word that was just spotted.
  std::optional<Index> operator()(const Eigen::VectorXf& features) {
    const Matrix<float> x = scaler_.scale(features);
    const auto scores = ear_.step(std::span<const float, Mfcc::count>(x.data(), Mfcc::count));
    Eigen::ArrayXf p = Eigen::Map<const Eigen::ArrayXf>(scores.data(), recent_.rows());
    p = (p - p.maxCoeff()).exp();
    recent_.col(frame_++ % 3) = p / p.sum();
    Index best = 0;
    const float mean = recent_.rowwise().mean().maxCoeff(&best);
    if (best == 0 || mean < float(threshold_) || frame_ < silent_until_) return std::nullopt;
    silent_until_ = frame_ + Index(0.5 / hop_seconds);
    return best;
  }
  void reset() { ear_.reset(), recent_.setZero(), frame_ = silent_until_ = 0; }

 private:
  Scaler scaler_;
  double threshold_;
  Eigen::ArrayXXf recent_;  // (labels, 3): the probabilities of the last frames
  Ear ear_;
  Index frame_ = 0, silent_until_ = 0;
};

struct Spotted {
  Index label;
  double at;  // seconds
};
std::vector<Spotted> spot(Spotter& spotter, const Sound& sound) {
  Mfcc mfcc(sound.rate);
  spotter.reset();
  std::vector<Spotted> all;
  for (Index t = 0; t * mfcc.hop + mfcc.window <= std::ssize(sound.samples); ++t)
    if (const auto label = spotter(mfcc(sound.samples.data() + t * mfcc.hop))) all.push_back({*label, heard(t)});
  return all;
}

// 4. Training, and what came of it.

struct Options {
  fs::path data;
  Index epochs = 10, batch = 16, copies = 4;
  double rate = 4e-3, threshold = 0.6, hours = 1;
  std::uint64_t seed = 1;
  training::Files files{.save = "keyword.safetensors"};
};

struct Scores {
  Index words = 0, spotted = 0, false_alarms = 0;
  double delay = 0, seconds = 0;

  void add(const Scene& scene, const std::vector<Spotted>& spotted_words) {
    seconds += double(scene.sound.samples.size()) / scene.sound.rate;
    std::vector<bool> found(scene.said.size());
    for (const Spotted& of : spotted_words) {
      std::size_t k = 0;
      while (k < found.size() && (found[k] || scene.said[k].label != of.label || of.at < scene.said[k].begin ||
                                  of.at > scene.said[k].end + 0.2))
        ++k;
      if (k == found.size()) {
        ++false_alarms;
        continue;
      }
      found[k] = true;
      delay += of.at - scene.said[k].end;
    }
    for (const Scene::Said& word : scene.said) words += word.label > 0 ? 1 : 0;
    spotted += std::ranges::count(found, true);
  }
};

void print_scores(Spotter& spotter, const Corpus& corpus, const Options& options) {
  Rng rng = Rng(options.seed).child(3);
  Scores speech, noise;
  for_each_scene(corpus.test, 10, corpus.rate, false, rng.child(1),
                 [&](const Scene& scene) { speech.add(scene, spot(spotter, scene.sound)); });
  for (int minute = 0; minute < 60 * options.hours; ++minute) {
    Scene scene{{std::vector<float>(std::size_t(60 * corpus.rate)), corpus.rate}};
    add_noise(scene.sound, 0.1 * std::pow(10, rng.uniform(-1.5, 0.5)), rng);
    noise.add(scene, spot(spotter, scene.sound));
  }
  std::cout << std::fixed << std::setprecision(1) << speech.seconds / 60 << " minutes of words and others, "
            << speech.false_alarms << " false alarms; " << noise.seconds / 3600 << " hours of noise, "
            << double(noise.false_alarms) / std::max(noise.seconds / 3600, 1e-9) << " an hour\n"
            << "spotted within 200 ms of their end: " << std::setprecision(4)
            << double(speech.spotted) / double(std::max<Index>(1, speech.words)) << " of " << speech.words
            << " words, on average " << std::setprecision(0)
            << 1000 * speech.delay / double(std::max<Index>(1, speech.spotted)) << " ms after it" << std::endl;
}

struct Frames {
  std::vector<Eigen::MatrixXf> features;  // (Mfcc::count, T) each
  std::vector<std::vector<Index>> labels;
};
/// Every word so many times, each time in other noise; `vary`: and said by somebody else.
Frames make_frames(const std::vector<Word>& words, Index copies, int rate, bool vary, const Rng& rng) {
  Mfcc mfcc(rate);
  Frames all;
  for (Index copy = 0; copy < copies; ++copy)
    for_each_scene(words, 4, rate, vary, rng.child(std::uint64_t(copy)), [&](const Scene& scene) {
      all.features.push_back(mfcc(scene.sound));
      all.labels.push_back(answers(scene, all.features.back().cols()));
    });
  return all;
}
SequenceDataset<> scaled(Frames of, const Scaler& scaler) {
  for (Eigen::MatrixXf& x : of.features) x = scaler.scale(x);
  return SequenceDataset<>(of.features, Targets(of.labels));
}

void train(const Options& options) {
  const Corpus corpus = read_corpus(options.data);
  require(std::ssize(corpus.names) <= most_words + 1, options.data.string(), ": ", corpus.names.size() - 1,
          " words, at most ", most_words, " can be spotted");
  const Rng rng(options.seed);
  Frames frames = make_frames(corpus.train, options.copies, corpus.rate, true, rng.child(1));
  const Scaler scaler = Scaler::standard(SequenceDataset<>(frames.features).values());
  const SequenceDataset<> data = scaled(std::move(frames), scaler);
  const SequenceDataset<> valid = scaled(make_frames(corpus.valid, 1, corpus.rate, false, rng.child(2)), scaler);
  std::cout << corpus.names.size() - 1 << " words; " << data.size() << " scenes to learn from, " << data.steps()
            << " frames; " << valid.size() << " to validate on\n\n";

  Model model = make_model();
  initialize(model, Rng(options.seed), Scheme::keras());
  FitOptions<SequenceDataset<>> how{.epochs = options.epochs,
                                    .batch_size = options.batch,
                                    .seed = options.seed,
                                    .similar_length = true,
                                    .validation = valid,
                                    .clip_norm = 1,
                                    .callbacks = {training::DownToZero{options.rate}},
                                    .progress = &std::cout};
  options.files.follow(how, 100, "what it has learned so far is kept");
  const History history = fit(model, CrossEntropy{}, Adam{.rate = options.rate}, data, how);
  require<std::runtime_error>(history.stopped != Stopped::not_finite, history.message);
  save(options.files.save, model,
       {.labels = corpus.names, .extra = {{"scaler", scaler.text()}, {"rate", std::to_string(corpus.rate)}}});
  std::cout << "saved to " << options.files.save.string() << '\n';
  Spotter spotter(model, scaler, corpus.names.size(), options.threshold);
  print_scores(spotter, corpus, options);
}

// 5. Using it.

struct Loaded {
  Spotter spotter;
  std::vector<std::string> names;
  std::string rate;
};
Loaded load_spotter(const fs::path& path, double threshold) {
  const auto [model, info] = load_model([](const ModelInfo&) { return make_model(); }, path);
  require<FormatError>(info.labels.size() > 1 && info.labels.size() <= most_words + 1, path.string(), ": ",
                       info.labels.size(), " labels, expected 2 to ", most_words + 1);
  const Scaler scaler = Scaler::from_text(info.value("scaler"));
  require<FormatError>(scaler.middle().size() == Mfcc::count, path.string(), ": a scale of ", scaler.middle().size(),
                       " features, expected ", Mfcc::count);
  return {Spotter(model, scaler, info.labels.size(), threshold), info.labels, info.value("rate")};
}
/// Throws for a sound that the model did not learn to hear.
void check_rate(const Loaded& of, int rate, const fs::path& path) {
  require<FormatError>(std::to_string(rate) == of.rate && rate >= Mfcc::least_rate, path.string(), ": ", rate,
                       " Hz, the model hears ", of.rate);
}

void listen(Loaded& of, const fs::path& path) {
  const Sound sound = sound::read_wav(path);
  check_rate(of, sound.rate, path);
  for (const Spotted& word : spot(of.spotter, sound))
    std::cout << std::fixed << std::setprecision(2) << std::setw(7) << word.at << " s  "
              << of.names[std::size_t(word.label)] << std::endl;
}
void evaluate_spotter(Loaded& of, const Options& options) {
  const Corpus corpus = read_corpus(options.data);
  require<FormatError>(corpus.names == of.names, options.data.string(), ": other words than those of the model");
  check_rate(of, corpus.rate, options.data);
  print_scores(of.spotter, corpus, options);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Spots words in a stream of sound.");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& e) { return concat_text("keyword: ", e.what(), "\n"); });
  Options options;
  int threads = 0;
  fs::path file = options.files.save, input;
  const auto add_common = [&](CLI::App* command) {
    command->add_option("--threshold", options.threshold, "how sure it has to be")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    training::add_threads(*command, threads);
  };
  const auto add_data = [&](CLI::App* command) {
    command->add_option("--data", options.data, "a folder with train/, valid/ and test/, see keyword_audio.sh")
        ->required();
    command->add_option("--hours", options.hours, "of noise in the test")
        ->check(CLI::Range(0.0, 1000.0))
        ->capture_default_str();
    command->add_option("--seed", options.seed)->capture_default_str();
    add_common(command);
  };

  CLI::App* const train_command = app.add_subcommand("train", "learn the words, save the model, test it");
  add_data(train_command);
  train_command->add_option("--copies", options.copies, "how often each word is heard, in other noise")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  train_command->add_option("--epochs", options.epochs)->check(CLI::Range(0, 1'000'000))->capture_default_str();
  train_command->add_option("--batch", options.batch, "scenes a batch")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  train_command->add_option("--rate", options.rate)->check(CLI::Range(0.0, 1.0))->capture_default_str();
  options.files.add_options(*train_command);

  CLI::App* const evaluate_command = app.add_subcommand("evaluate", "test a saved model");
  evaluate_command->add_option("--model", file)->capture_default_str();
  add_data(evaluate_command);

  CLI::App* const listen_command = app.add_subcommand("listen", "what is said in a WAV file, and when");
  listen_command->add_option("--model", file)->capture_default_str();
  listen_command->add_option("input", input, "WAV with one channel")->required();
  add_common(listen_command);

  CLI11_PARSE(app, argc, argv);
  set_threads(threads);
  if (train_command->parsed()) {
    train(options);
    return 0;
  }
  Loaded loaded = load_spotter(file, options.threshold);
  if (evaluate_command->parsed())
    evaluate_spotter(loaded, options);
  else
    listen(loaded, input);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "keyword: " << error.what() << '\n';
  return 1;
}
