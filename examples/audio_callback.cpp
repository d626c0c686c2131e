// A model in an audio callback, without any framework: what a plug-in does, in its smallest form. A thread stands for
// the audio device and asks for a block of 64 samples every 1.3 ms; the main thread loads models and swaps them while
// the audio runs.
//
//   audio_callback amp.nam other.json --seconds 2
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include <unroll/format/load_network.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/stream/compiled_units.hpp>
#include <unroll/stream/handover.hpp>

namespace {

using namespace unroll;

// region processor
class Processor {
 public:
  /// The main thread. Reads, checks, allocates, lets the model settle: all that takes time.
  void load(const std::filesystem::path& path) {
    auto model = std::make_unique<stream::AnyModel>(load_network(path), stream::CompiledUnits<16, 20, 40>());
    require(model->inputs() == 1 && model->outputs() == 1, path.string(), ": not a model of one input and one output");
    model->non_finite = stream::NonFinite::replace;
    model->prewarm(2048);
    models_.offer(std::move(model));
  }
  /// The main thread, now and then.
  void collect() { models_.collect(); }

  /// The audio thread: no lock, no allocation, no exception.
  void process(std::span<float> block) noexcept {
    if (stream::AnyModel* model = models_.get()) model->process(block, block);
  }

 private:
  stream::Handover<stream::AnyModel> models_;
};
// endregion

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs models in a simulated audio callback and swaps them while it runs."};
  std::vector<std::string> files;
  double seconds = 1;
  app.add_option("models", files, "safetensors, RTNeural, AIDA-X or GuitarML JSON, .nam")->required();
  app.add_option("--seconds", seconds)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    using Clock = std::chrono::steady_clock;
    Processor processor;
    processor.load(files.front());
    std::atomic<bool> running = true, finite = true;
    long blocks = 0;
    double longest = 0;
    std::thread audio([&] {
      std::vector<float> block(64);
      auto due = Clock::now();
      for (double phase = 0; running; ++blocks) {
        for (float& x : block) x = 0.5f * static_cast<float>(std::sin(phase += 0.03));
        const auto start = Clock::now();
        processor.process(block);
        longest = std::max(longest, std::chrono::duration<double, std::micro>(Clock::now() - start).count());
        for (const float y : block)
          if (!std::isfinite(y)) finite = false;
        std::this_thread::sleep_until(due += std::chrono::microseconds(1333));
      }
    });
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    long swaps = 0;
    try {
      for (; Clock::now() < end; ++swaps) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        processor.load(files[static_cast<std::size_t>(swaps + 1) % files.size()]);
      }
    } catch (...) {
      running = false;
      audio.join();
      throw;
    }
    running = false;
    audio.join();
    std::cout << blocks << " blocks of 64 samples, " << swaps << " swaps, longest block " << longest << " us\n";
    require(finite, "an output was not finite");
  } catch (const std::exception& error) {
    std::cerr << "audio_callback: " << error.what() << '\n';
    return 1;
  }
}
