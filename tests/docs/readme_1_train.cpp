#include <iostream>

#include <unroll/io/model_file.hpp>
#include <unroll/unroll.hpp>

int main() {
  const auto data = unroll::read_labelled_text("reviews.tsv");  // lines of label<TAB>text
  const auto vocab = unroll::Vocabulary::build(data.texts, {.max_size = 20'000});

  unroll::Sequential model{
      unroll::Embedding{vocab.size(), 64},
      unroll::Recurrent{unroll::Lstm{64, 64}, {.input_dropout = 0.1, .recurrent_dropout = 0.1}},  // sequence in and out
      unroll::FinalState{unroll::Recurrent{unroll::Lstm{64, 32}}},  // sequence in, vector out
      unroll::Dense{32, 1}};
  unroll::initialize(model, unroll::Rng{42});

  const auto history =
      unroll::fit(model, unroll::BinaryCrossEntropy{}, unroll::Adam{.rate = 3e-3}, unroll::encode(vocab, data),
                  {.epochs = 6, .seed = 1, .validation_split = 0.1, .clip_norm = 1});
  std::cout << history;
  unroll::save("model.safetensors", model, vocab);
}
