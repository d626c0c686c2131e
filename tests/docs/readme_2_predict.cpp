#include <iostream>

#include <unroll/format/load_typed.hpp>
#include <unroll/unroll.hpp>

// region load
using namespace unroll;
using Reviewer = Sequential<Embedding<>, Recurrent<Lstm<>>, FinalState<Recurrent<Lstm<>>>, Dense<>>;

int main() {
  const auto [model, vocab] = load<Reviewer>("model.safetensors");
  for (const char* text : {"The soup was superb.", "I would not call the soup superb."}) {
    const float p = predict(model, vocab.encode(text));
    std::cout << (p > 0.5f ? "good" : "bad ") << "  " << text << '\n';
  }
}
// endregion load
