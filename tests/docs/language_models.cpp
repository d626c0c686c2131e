// A language model that is regularised in every way of AWD-LSTM.
// region includes
#include <cstdio>
#include <tuple>
#include <vector>

#include <unroll/layer/activation_penalty.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

/// "cat sees dog ..": words in a ring, each followed by one of the next two.
std::vector<std::vector<std::int32_t>> rings(Index n, Index words, Rng rng) {
  std::vector<std::vector<std::int32_t>> texts;
  for (Index k = 0; k < n; ++k) {
    std::vector<std::int32_t> ids{static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(words)))};
    while (ids.size() < 20)
      ids.push_back((ids.back() + 1 + static_cast<std::int32_t>(rng.below(2))) % static_cast<std::int32_t>(words));
    texts.push_back(ids);
  }
  return texts;
}

int main() {
  // region sizes
  const Index words = 50, features = 16, units = 32;  // Penn Treebank: 10000, 400, 1150
  // endregion
  // region model
  const RecurrentOptions dropped{.weight_dropout = 0.5};
  const Dropout words_out{0.1, {.whole_words = true}}, input{0.4, {.locked = true}}, between{0.25, {.locked = true}},
      output{0.4, {.locked = true}};
  Sequential model{Embedding{words, features},
                   words_out,
                   input,
                   Recurrent{Lstm{features, units}, dropped},
                   between,
                   Recurrent{Lstm{units, units}, dropped},
                   between,
                   Recurrent{Lstm{units, features}, dropped},
                   ActivationPenalty{{.temporal = 1}},
                   output,
                   ActivationPenalty{{.activation = 2}},
                   SoftmaxClassifier{features, words, {.tied = true}}};
  // endregion
  const TokenDataset data(rings(200, words, Rng(1)));
  // region fit
  initialize(model, Rng(2));
  fit(model, NextToken{HeadLoss{}}, Adam{.rate = 1e-2}, data, {.epochs = 3, .batch_size = 20, .clip_norm = 0.25});
  // endregion

  const TokenBatch text = pack(std::vector<std::int32_t>{3, 4, 6, 7, 8});
  // region value
  CacheFor<decltype(model), TokenBatch> cache;
  model.forward({.gradients = false}, text, cache);
  const auto& h = std::get<7>(cache.layers).output();  // of the last LSTM
  const double temporal = ActivationPenalty{{.temporal = 1}}.penalty(h);
  // endregion
  std::puts(temporal > 0 ? "the output changes from word to word" : "it does not");
}
