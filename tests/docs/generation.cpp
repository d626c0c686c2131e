// A language model of a few sentences: what it writes, what it finds likeliest, and how likely it finds a text.
// region includes
#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/train/beam_search.hpp>
#include <unroll/train/generate.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

/// "the cat sees the dog .", "the old man walks .", ..: who, and what they do.
std::vector<std::string> sentences(Index n, Rng rng) {
  const std::vector<std::string> who{"cat", "dog", "man", "child"}, sees{"sees", "likes"}, walks{"walks", "sleeps"};
  const auto one_of = [&](const std::vector<std::string>& words) { return words[rng.below(words.size())]; };
  const auto name = [&] {
    const std::string the = rng.below(3) == 0 ? "the old " : "the ";
    return the + one_of(who);
  };
  std::vector<std::string> all;
  for (Index k = 0; k < n; ++k) {
    std::string text = ". " + name() + " ";
    if (rng.below(2) == 0) {
      text += one_of(sees) + " ";
      text += name();
    } else {
      text += one_of(walks);
    }
    all.push_back(text + " .");
  }
  return all;
}

int main() {
  const auto texts = sentences(600, Rng(1));
  // region train
  const Vocabulary vocabulary = Vocabulary::build(texts, {.tokenizer = WhitespaceTokenizer{}});
  Sequential model{Embedding{vocabulary.size(), 16}, Recurrent{Lstm{16, 32}}, Dense{32, vocabulary.size()}};
  initialize(model, Rng(2));
  fit(model, NextToken{CrossEntropy{}}, Adam{.rate = 1e-2}, TokenDataset(vocabulary.encode(texts)),
      {.epochs = 8, .batch_size = 20});
  // endregion

  std::cout << "// region draw\n";
  // region draw
  const std::vector<std::int32_t> start = vocabulary.encode(".");
  GenerateOptions options{.max_tokens = 12, .stop = start};
  options.sampling.temperature = 0.7;
  options.sampling.forbidden = {Vocabulary::pad, Vocabulary::oov};
  for (options.seed = 1; options.seed <= 3; ++options.seed) {
    generate(model, start, options, [&](std::int32_t id) { std::cout << vocabulary.token(id) << " "; });
    std::cout << "\n";
  }
  // endregion

  std::cout << "// endregion\n// region several\n";
  // region several
  const std::vector<std::vector<std::int32_t>> starts{start, vocabulary.encode(". the old"), start};
  for (const GeneratedTokens& text : generate(model, starts, options)) std::cout << vocabulary.decode(text.ids) << "\n";
  // endregion

  std::cout << "// endregion\n// region beam\n" << std::flush;
  // region beam
  const auto begin = vocabulary.encode(". the old");
  for (const Hypothesis& text : beam_search(model, begin, {.width = 8, .n_best = 3, .stop = start}))
    std::printf("%.2f  the old %s\n", std::exp(text.log_probability), vocabulary.decode(text.ids).c_str());
  // endregion

  std::fflush(stdout);
  std::cout << "// endregion\n// region score\n";
  // region score
  for (const std::string_view text : {". the cat sees the dog .", ". dog the sees cat the ."})
    std::cout << text << (perplexity(model, vocabulary.encode(text)) < 4 ? "  likely" : "  unlikely") << "\n";
  // endregion
  std::cout << "// endregion\n";
}
