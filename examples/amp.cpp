// How does this amplifier sound? An LSTM listens to what goes into it and to what comes out, and learns to do the same.
//
//   amp train --minutes 5                                     a built-in amplifier and a built-in guitar
//   amp train --input dry.wav --target wet.wav                a real one: two recordings of the same length
//   amp run --model amp.json --input dry.wav --output out.wav plays through any model that the library reads
//
// Each has --help. `train` writes the model three times: amp.safetensors, amp.json as RTNeural and AIDA-X have it, and
// amp.nam for Neural Amp Modeler.
//
// How well it learned is told by the error-to-signal ratio on the last tenth, which was not learned from: the energy of
// the difference over the energy of the target. 1 is silence, 0.01 hard to hear.
#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <numbers>
#include <sndfile.h>

#include <CLI/CLI.hpp>

#include <unroll/data/contiguous_batches.hpp>
#include <unroll/file/replace_file.hpp>
#include <unroll/format/load_network.hpp>
#include <unroll/format/nam.hpp>
#include <unroll/format/network_writer.hpp>
#include <unroll/format/rtneural.hpp>
#include <unroll/network/model.hpp>
#include <unroll/optim/adam.hpp>
#include <unroll/optim/clip.hpp>
#include <unroll/optim/optimizer.hpp>
#include <unroll/optim/schedule.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/compiled_units.hpp>

#include "sound.hpp"

namespace {

using namespace unroll;
using sound::read_wav;
using sound::Sound;
using Sizes = stream::CompiledUnits<16, 20, 40>;  // models of these sizes run fastest
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// ---- 1. Sound ----

/// libsndfile writes into memory, and the file is replaced as a whole.
class WavBytes {
 public:
  const std::vector<std::byte>& bytes() const { return bytes_; }
  static SF_VIRTUAL_IO calls() {
    return {.get_filelen = [](void* self) { return of(self).size(); },
            .seek = [](sf_count_t to, int whence, void* self) { return of(self).seek(to, whence); },
            .read = [](void*, sf_count_t, void*) { return sf_count_t(0); },
            .write = [](const void* from, sf_count_t count, void* self) { return of(self).write(from, count); },
            .tell = [](void* self) { return of(self).at_; }};
  }

 private:
  static WavBytes& of(void* self) { return *static_cast<WavBytes*>(self); }
  sf_count_t size() const { return static_cast<sf_count_t>(bytes_.size()); }
  sf_count_t seek(sf_count_t to, int whence) {
    return at_ = to + (whence == SEEK_CUR ? at_ : whence == SEEK_END ? size() : 0);
  }
  sf_count_t write(const void* from, sf_count_t count) {
    bytes_.resize(static_cast<std::size_t>(std::max(size(), at_ + count)));
    std::memcpy(bytes_.data() + at_, from, static_cast<std::size_t>(count));
    at_ += count;
    return count;
  }

  std::vector<std::byte> bytes_;
  sf_count_t at_ = 0;
};
void write_wav(const fs::path& path, const Sound& sound) {
  SF_INFO info{};
  info.samplerate = sound.rate;
  info.channels = 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
  WavBytes wav;
  SF_VIRTUAL_IO calls = WavBytes::calls();
  {
    const std::unique_ptr<SNDFILE, decltype(&sf_close)> file(sf_open_virtual(&calls, SFM_WRITE, &info, &wav),
                                                             &sf_close);
    require<FormatError>(file != nullptr, path.string(), ": cannot write: ", sf_strerror(nullptr));
    const auto frames = static_cast<sf_count_t>(sound.samples.size());
    require<FormatError>(sf_writef_float(file.get(), sound.samples.data(), frames) == frames, path.string(),
                         ": cannot write: ", sf_strerror(file.get()));
  }
  replace_file(path, wav.bytes());
}

/// Plucked strings: noise in a delay line that loses its treble as it goes round (Karplus and Strong 1983). Some notes
/// soft, some loud, some on top of each other, so that the amplifier is heard at every level.
Sound play_guitar(double seconds, std::uint64_t seed) {
  Sound sound{std::vector<float>(static_cast<std::size_t>(48000 * seconds)), 48000};
  Rng rng(seed);
  for (std::size_t begin = 0; begin < sound.samples.size(); begin += 4000 + rng.below(12000)) {
    const double pitch = 82.4 * std::exp2(static_cast<double>(rng.below(37)) / 12);
    const double loud = 0.5 * std::pow(10, -rng.uniform(0, 1.5));
    std::vector<double> string(static_cast<std::size_t>(48000 / pitch));
    for (double& x : string) x = loud * rng.uniform(-1, 1);
    const std::size_t end = std::min(sound.samples.size(), begin + 30000 + rng.below(30000));
    for (std::size_t n = begin, k = 0; n < end; ++n, k = (k + 1) % string.size()) {
      sound.samples[n] += static_cast<float>(string[k]);
      string[k] = 0.498 * (string[k] + string[(k + 1) % string.size()]);
    }
  }
  return sound;
}

/// First-order low-pass: y += a (x - y).
struct LowPass {
  double a, y = 0;
  LowPass(double hertz, double rate) : a(1 - std::exp(-2 * std::numbers::pi * hertz / rate)) {}
  double operator()(double x) { return y += a * (x - y); }
};
/// An amplifier: less bass, a tube that clips one half of the wave sooner than the other, a cabinet without treble.
Sound amplify(const Sound& dry) {
  Sound wet = dry;
  LowPass bass(120, dry.rate), cabinet(5000, dry.rate), direct(20, dry.rate);
  for (float& sample : wet.samples) {
    const double x = 8 * (sample - 0.7 * bass(sample)) + 0.2;
    const double clipped = x > 0 ? std::tanh(x) : 0.6 * std::tanh(x / 0.6);
    const double y = cabinet(clipped);
    sample = static_cast<float>(0.7 * (y - direct(y)));
  }
  return wet;
}

// ---- 2. The loss ----

/// Wright et al. 2019: the error-to-signal ratio after the filter 1 - 0.85 z^-1, which gives the treble the weight that
/// ears do, and the same of the means. Column t * B + b of a window is step t of stream b.
class EmphasizedLoss {
 public:
  explicit EmphasizedLoss(Index streams) : before_(static_cast<std::size_t>(streams), 0.0), target_before_(before_) {}

  /// The loss and its gradient; the last step of each stream is kept for the first of the next window.
  double operator()(const Matrix<float>& y, const Matrix<float>& target, Matrix<float>& dy) {
    const auto B = static_cast<Index>(before_.size());
    double error = 0, signal = 1e-5, mean = 0;
    Matrix<double> filtered(1, y.cols());
    for (Index n = 0; n < y.cols(); ++n) {
      const auto b = static_cast<std::size_t>(n % B);
      const double e = double(y(0, n)) - double(target(0, n));
      filtered(0, n) = e - emphasis * std::exchange(before_[b], e);
      const double t = target(0, n), filtered_target = t - emphasis * std::exchange(target_before_[b], t);
      error += filtered(0, n) * filtered(0, n);
      signal += filtered_target * filtered_target;
      mean += e;
    }
    const auto count = static_cast<double>(y.cols());
    mean /= count;
    const double power = target.squaredNorm() / count + 1e-5;
    dy.resize(1, y.cols());
    for (Index n = 0; n < y.cols(); ++n) {
      const double after = n + B < y.cols() ? filtered(0, n + B) : 0;
      dy(0, n) = static_cast<float>(2 * (filtered(0, n) - emphasis * after) / signal + 2 * mean / (count * power));
    }
    return error / signal + mean * mean / power;
  }

 private:
  static constexpr double emphasis = 0.85;
  std::vector<double> before_, target_before_;
};

double error_to_signal(std::span<const float> y, std::span<const float> target) {
  double error = 0, signal = 1e-12;
  for (std::size_t n = 0; n < target.size(); ++n) {
    error += (double(y[n]) - double(target[n])) * (double(y[n]) - double(target[n]));
    signal += double(target[n]) * double(target[n]);
  }
  return error / signal;
}

// ---- 3. Training: truncated backpropagation through time ----

struct TrainOptions {
  fs::path input, target, save = "amp";
  double minutes = 5, seconds = 60, rate = 5e-3;
  int epochs = 1000;
  Index units = 16, streams = 32, window = 512;
  std::uint64_t seed = 1;
};

auto make_model(Index units) { return Sequential{Recurrent{Lstm{1, units}}, Dense{units, 1}}; }
using Model = decltype(make_model(1));

/// The model as others run it: with the skip, the rate, and how loud it is.
Network to_network(const Model& model, int rate) {
  Network network = network_of(model);
  network.skip = true;
  network.sample_rate = rate;
  network.metadata = {{"name", "amp"}, {"modeled_by", "unroll"}};
  return network;
}
std::vector<float> play(const Network& network, std::span<const float> dry) {
  stream::AnyModel player(network, Sizes());
  std::vector<float> wet(dry.size());
  player.process(dry, wet);
  return wet;
}

void train(const TrainOptions& options) {
  const bool built_in = options.input.empty();
  require(built_in == options.target.empty(), "--input and --target belong together");
  const Sound dry = built_in ? play_guitar(options.seconds, options.seed) : read_wav(options.input);
  const Sound wet = built_in ? amplify(dry) : read_wav(options.target);
  require<FormatError>(dry.samples.size() == wet.samples.size() && dry.rate == wet.rate, options.target.string(), ": ",
                       wet.samples.size(), " samples at ", wet.rate, " Hz, expected ", dry.samples.size(), " at ",
                       dry.rate);
  const std::size_t known = dry.samples.size() / 10 * 9;
  const auto row = [&](const Sound& sound) {
    Matrix<float> m(1, static_cast<Index>(known));
    std::copy_n(sound.samples.begin(), known, m.data());
    return m;
  };

  // The recording is cut into 32 streams, which are heard side by side, 512 samples at a time. In the next window each
  // stream goes on where it was; its gradient does not.
  const SequenceStreams<float> audio(row(dry), row(wet), {.streams = options.streams, .window = options.window});
  Model model = make_model(options.units);
  initialize(model, Rng(options.seed));
  Model gradient = zeros_like(model);
  Optimizer optimizer(model, Adam{.rate = options.rate});
  CacheFor<Model, PackedSequence<float>> cache;
  Model::State state;
  PackedSequence<float> x, d_output;
  Matrix<float> target, y;
  const std::span<const float> unheard(dry.samples.begin() + std::ptrdiff_t(known), dry.samples.end());
  const std::span<const float> expected(wet.samples.begin() + std::ptrdiff_t(known), wet.samples.end());
  Model best = model;
  double least = std::numeric_limits<double>::infinity();
  const auto begin = Clock::now();
  const auto done = [&](int epoch) {
    const std::chrono::duration<double> spent = Clock::now() - begin;
    return std::max(spent.count() / (60 * options.minutes), double(epoch) / options.epochs);
  };
  for (int epoch = 0; done(epoch) < 1; ++epoch) {
    EmphasizedLoss loss(options.streams);
    double sum = 0;
    for (Index window = 0; window < audio.count(); ++window) {
      audio.fill(window, x, target);
      const auto& out = model.forward({.training = true}, x, cache, {window > 0 ? &state : nullptr, &state});
      y = out.values + x.values;  // the skip: the model learns what the amplifier adds
      d_output.packing = out.packing;
      sum += loss(y, target, d_output.values);
      // The first window starts from silence in every stream, where the recording does not: it only warms up.
      if (window == 0) continue;
      model.backward(x, d_output, cache, gradient);
      clip_by_global_norm(gradient, 1);
      optimizer.set_rate(CosineDecay{.steps = 1000, .minimum = options.rate / 100}.rate(
          options.rate, static_cast<std::int64_t>(1000 * std::min(1.0, done(epoch)))));
      optimizer.step(model, gradient);
      set_zero(gradient);
    }
    const double test = error_to_signal(play(to_network(model, dry.rate), unheard), expected);
    if (test < least) least = test, best = model;
    std::cout << "epoch " << epoch + 1 << ", loss " << sum / double(audio.count()) << ", error to signal " << test
              << std::endl;
  }

  const Network network = to_network(best, dry.rate);
  const auto named = [&](const char* ending) { return fs::path(options.save).concat(ending); };
  save_network(named(".safetensors"), network);
  save_rtneural(named(".json"), network);
  save_nam(named(".nam"), fold_skip(network));  // which has no skip: one more unit carries the input
  std::cout << "error to signal " << least << " (" << 10 * std::log10(least) << " dB); saved "
            << named(".safetensors").string() << ", " << named(".json").string() << ", " << named(".nam").string()
            << std::endl;
}

// ---- 4. Playing ----

struct RunOptions {
  fs::path model, input, output = "out.wav", target;
  std::vector<float> knobs;
  std::size_t block = 64;
};

void run(const RunOptions& options) {
  const Network network = load_network(options.model);
  const auto inputs = static_cast<std::size_t>(network.inputs());
  require<FormatError>(network.outputs() == 1 && inputs == 1 + options.knobs.size(), options.model.string(), ": ",
                       inputs, " inputs and ", network.outputs(), " outputs, expected the sound and ",
                       options.knobs.size(), " knobs (--knobs), and one output");
  const Sound dry = options.input.empty() ? play_guitar(10, 2) : read_wav(options.input);
  if (network.sample_rate && *network.sample_rate != dry.rate)
    std::cerr << "the model is for " << *network.sample_rate << " Hz, the input has " << dry.rate << '\n';
  stream::AnyModel player(network, Sizes());
  Sound wet{std::vector<float>(dry.samples.size()), dry.rate};
  std::vector<double> times;  // of a sample, block by block
  times.reserve(dry.samples.size() / options.block + 1);
  std::vector<float> interleaved;  // the sound and the knobs, step by step
  for (const float sample : dry.samples) {
    interleaved.push_back(sample);
    interleaved.insert(interleaved.end(), options.knobs.begin(), options.knobs.end());
  }
  const std::span<const float> in(interleaved);
  const std::span<float> out(wet.samples);
  for (std::size_t n = 0; n < out.size(); n += options.block) {
    const std::size_t count = std::min(options.block, out.size() - n);
    const auto begin = Clock::now();
    player.process(in.subspan(n * inputs, count * inputs), out.subspan(n, count));
    times.push_back(std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / double(count));
  }
  write_wav(options.output, wet);
  double sum = 0;
  for (const double time : times) sum += time;
  const double mean = sum / double(times.size());
  const auto slow = times.begin() + static_cast<std::ptrdiff_t>(0.999 * double(times.size() - 1));
  std::ranges::nth_element(times, slow);
  std::cout << options.output.string() << ": " << double(wet.samples.size()) / wet.rate << " s, "
            << 1e9 / (mean * wet.rate) << " times real time\n"
            << "a step takes " << mean << " ns, 99.9 % of the blocks of " << options.block << " at most " << *slow
            << " ns a step\n";
  if (options.target.empty()) return;
  const Sound target = read_wav(options.target);
  require<FormatError>(target.samples.size() == wet.samples.size(), options.target.string(), ": another length");
  std::cout << "error to signal " << error_to_signal(wet.samples, target.samples) << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"An LSTM that learns an amplifier"};
  app.require_subcommand(1);
  TrainOptions t;
  CLI::App& training = *app.add_subcommand("train", "learn an amplifier from two recordings, or the built-in one");
  training.add_option("--input", t.input, "what goes into the amplifier, WAV with one channel")
      ->check(CLI::ExistingFile);
  training.add_option("--target", t.target, "what comes out of it")->check(CLI::ExistingFile);
  training.add_option("--save", t.save, "name of the models, without .nam, .json, .safetensors")->capture_default_str();
  training.add_option("--minutes", t.minutes, "at most so long")->check(CLI::PositiveNumber)->capture_default_str();
  training.add_option("--epochs", t.epochs, "at most so often")->check(CLI::PositiveNumber)->capture_default_str();
  training.add_option("--units", t.units, "of the LSTM")->check(CLI::Range(1, 1024))->capture_default_str();
  training.add_option("--rate", t.rate, "of Adam")->check(CLI::PositiveNumber)->capture_default_str();
  training.add_option("--streams", t.streams, "heard side by side")->check(CLI::Range(1, 4096))->capture_default_str();
  training.add_option("--window", t.window, "samples of a backward pass")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  training.add_option("--seconds", t.seconds, "of the built-in guitar")
      ->check(CLI::Range(2.0, 3600.0))
      ->capture_default_str();
  training.add_option("--seed", t.seed)->capture_default_str();
  RunOptions r;
  CLI::App& running = *app.add_subcommand("run", "play a WAV file through a model");
  running.add_option("--model", r.model, ".nam, RTNeural, AIDA-X or GuitarML JSON, .safetensors")
      ->required()
      ->check(CLI::ExistingFile);
  running.add_option("--input", r.input, "WAV with one channel; without it a built-in guitar")
      ->check(CLI::ExistingFile);
  running.add_option("--output", r.output)->capture_default_str();
  running.add_option("--target", r.target, "what should come out, to compare with")->check(CLI::ExistingFile);
  running.add_option("--knobs", r.knobs, "what else the model listens to, 0 to 1 each");
  running.add_option("--block", r.block, "samples at a time")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  try {
    app.parse(argc, argv);
    if (training.parsed()) train(t);
    if (running.parsed()) run(r);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::cerr << "amp: " << error.what() << '\n';
    return 1;
  }
}
