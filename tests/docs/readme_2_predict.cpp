#include <iostream>

#include <unroll/io/model_file.hpp>
#include <unroll/unroll.hpp>

// region load
auto make_model(const unroll::ModelInfo& file) {
  return unroll::Sequential{unroll::Embedding{file.vocabulary_size(), 64}, unroll::Recurrent{unroll::Lstm{64, 64}},
                            unroll::FinalState{unroll::Recurrent{unroll::Lstm{64, 32}}}, unroll::Dense{32, 1}};
}

int main() {
  const auto [model, vocab] = unroll::load(make_model, "model.safetensors");
  for (const char* text : {"The soup was superb.", "I would not call the soup superb."}) {
    const float p = unroll::predict(model, vocab.encode(text));
    std::cout << (p > 0.5f ? "good" : "bad ") << "  " << text << '\n';
  }
}
// endregion load
