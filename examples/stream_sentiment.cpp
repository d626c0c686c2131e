// A verdict after every word: the model that `sentiment train` has saved, as a stream. Words come from the standard
// input, as a speech recognizer or a chat window would deliver them.
//
//   echo "this film is not bad at all" | stream_sentiment --model sentiment.safetensors
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include <unroll/data/encode.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/activation.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/dropout.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/stream/of_model.hpp>
#include <unroll/stream/stream.hpp>

namespace {

using namespace unroll;

// region plan
/// The plan `lstm` of the sentiment example. It reads a text once, from its first word to its last: so it can stream.
auto make_model(Index words) {
  const RecurrentOptions one_bias{.bias = Bias::single};
  return Sequential{Embedding{words, 128},
                    Recurrent{Lstm{128, 128}, one_bias},
                    FinalState{Recurrent{Lstm{128, 64}, one_bias}},
                    Dense{64, 32},
                    Relu{},
                    Dropout{0.3},
                    Dense{32, 1}};
}
/// The same with its sizes in its type.
using Words = stream::StreamOf<decltype(make_model(1)), 128, 128, 64, 32, 1>;
// endregion

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Prints after every word of the standard input how likely the text is a good review."};
  std::filesystem::path path = "sentiment.safetensors";
  app.add_option("--model", path, "saved by sentiment train --architecture lstm")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    require<FormatError>(read_model_info(path).architecture == "lstm", path.string(), ": architecture '",
                         read_model_info(path).architecture, "', expected lstm");
    // region stream
    const auto [model, info] = load_model([](const ModelInfo& of) { return make_model(of.vocabulary_size()); }, path);
    static stream::Stream<Words> words;
    words.assign(model);  // the embedding's table stays in `model`

    std::vector<std::int32_t> ids;
    for (std::string word; std::cin >> word;) {
      info.vocabulary->encode(word, ids);
      float logit = 0;
      for (const std::int32_t id : ids) logit = words.step(id);
      if (!ids.empty())
        std::cout << std::fixed << std::setprecision(3) << 1 / (1 + std::exp(-logit)) << ' ' << word << '\n';
    }
    // endregion
  } catch (const std::exception& error) {
    std::cerr << "stream_sentiment: " << error.what() << '\n';
    return 1;
  }
}
