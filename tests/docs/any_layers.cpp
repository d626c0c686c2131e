#include <iostream>

#include <unroll/format/plan_json.hpp>
#include <unroll/io/model_file.hpp>
#include <unroll/network/make_layer.hpp>
#include <unroll/train/load_any.hpp>
#include <unroll/unroll.hpp>

// region make
/// As many layers of a kind as somebody asks for, with dropout between them.
unroll::AnySequential<unroll::Matrix<>> make_model(unroll::Index words, std::string_view kind, int depth) {
  unroll::AnySequential<unroll::Matrix<>> model;  // a vector for every sequence; AnySequential<>: for every step
  model.add(unroll::Embedding{words, 8});
  for (int k = 0; k < depth; ++k) {
    if (k > 0) model.add(unroll::Dropout{0.2});
    model.add(unroll::make_layer(kind, 8, 8, {.recurrent = {.recurrent_dropout = 0.1}, .final_state = k + 1 == depth}));
  }
  model.add(unroll::Dense{8, 1});
  return model;
}
// endregion

int main() {
  std::cout << "// region json\n";
  // region json
  const auto planned = unroll::model_of_plan<unroll::Matrix<>>(R"([
    {"type": "embedding", "inputs": 20, "outputs": 8},
    {"type": "gru", "outputs": 16, "recurrent_dropout": 0.1, "final_state": true},
    {"type": "dropout", "rate": 0.2},
    {"type": "dense", "outputs": 1}])");
  std::cout << planned.describe() << '\n';
  // endregion
  std::cout << "// endregion\n// region use\n";
  // region use
  const std::vector<std::string> texts{"a fine film", "a dull film", "fine", "dull and long"};
  const std::vector<int> labels{1, 0, 1, 0};
  const auto vocabulary = unroll::Vocabulary::build(texts);
  const unroll::TokenDataset data(vocabulary.encode(texts), labels);

  auto model = make_model(vocabulary.size(), "bidirectional gru", 2);
  unroll::initialize(model, unroll::Rng{1});
  unroll::fit(model, unroll::BinaryCrossEntropy{}, unroll::Adam{.rate = 1e-2}, data, {.epochs = 40});
  unroll::save("any.safetensors", model, vocabulary, {.labels = {"bad", "good"}});

  const unroll::LoadedAny loaded = unroll::load_any("any.safetensors");  // knows nothing of the above
  const float good = loaded.predict("a fine film")(0, 0);
  std::cout << loaded.info.description << '\n' << loaded.info.labels[good > 0.5f ? 1 : 0] << '\n';
  // endregion
  std::cout << "// endregion\n";
}
