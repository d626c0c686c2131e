// Snippets of docs/guide.md: the model that training.cpp saved, in a program of its own.
#include <iostream>

#include <unroll/cell/gru.hpp>
#include <unroll/cell/lstm.hpp>
#include <unroll/data/encode.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/layer/dense.hpp>
#include <unroll/layer/embedding.hpp>
#include <unroll/layer/final_state.hpp>
#include <unroll/layer/recurrent.hpp>
#include <unroll/layer/sequential.hpp>
#include <unroll/train/predict.hpp>

using namespace unroll;

namespace {
void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }

// region make
auto make_model(const ModelInfo& file) {
  const Index V = file.size("0.weight", 0), D = file.size("0.weight", 1), H = file.size("1.weight_hh_l0", 1);
  return Sequential{Embedding{V, D, {.padding = Vocabulary::pad}}, FinalState{Recurrent{Gru{D, H}}}, Dense{H, 2}};
}
// endregion

}  // namespace

int main() {
  begin("load");
  // region load
  const auto [model, info] = load_model(make_model, "moods.safetensors");
  const Encoder encoder = Encoder::from_metadata(info.vocabulary.value(), info.extra, info.source);
  for (const char* text : {"So merry at all!", "Not glad today."}) {
    const Prediction<float> p = predict(model, encoder(text));
    const std::string& name = info.labels[static_cast<std::size_t>(p.label())];
    std::cout << text << ' ' << name << (p.confidence() > 0.9f ? ", surely\n" : ", perhaps\n");
  }
  // endregion

  begin("errors");
  // region errors
  try {
    load_model(
        [](const ModelInfo&) { return Sequential{Embedding{7, 8}, FinalState{Recurrent{Lstm{8, 12}}}, Dense{12, 2}}; },
        "moods.safetensors");
  } catch (const FormatError& error) {
    std::cout << error.what() << '\n';
  }
  try {
    predict(model, std::vector<std::int32_t>{3, 999});
  } catch (const std::invalid_argument& error) {
    std::cout << error.what() << '\n';
  }
  // endregion
}
