// The five wirings: each a model of a few lines, trained on a task of a few lines, and asked something.
// region includes
#include <iostream>
#include <string>
#include <vector>

#include <unroll/layer/encoder_decoder.hpp>
#include <unroll/network/model.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/text/text_encoding.hpp>
#include <unroll/train/translate.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

using Ids = std::vector<std::int32_t>;
using Texts = std::vector<std::string>;

/// Points of a square, a sequence of one step each; class 1 where both coordinates have one sign.
SequenceDataset<float> points(Index n, Rng rng) {
  std::vector<Eigen::MatrixXf> all;
  std::vector<std::vector<Index>> classes;
  for (Index k = 0; k < n; ++k) {
    all.emplace_back(2, 1) << static_cast<float>(rng.uniform(-1, 1)), static_cast<float>(rng.uniform(-1, 1));
    classes.push_back({all.back()(0) * all.back()(1) > 0 ? 1 : 0});
  }
  return SequenceDataset<float>(all, classes);
}

/// Reviews of words 10 to 29 with a 2 (good) or a 3 (bad) in each, which a 1 (not) before it turns round.
TokenDataset reviews(Index n, Rng rng) {
  std::vector<Ids> all;
  std::vector<Index> classes;
  for (Index k = 0; k < n; ++k) {
    Ids& words = all.emplace_back(3 + rng.below(8));
    for (auto& word : words) word = static_cast<std::int32_t>(10 + rng.below(20));
    const bool good = rng.below(2) == 1, is_not = rng.below(2) == 1;
    const std::size_t at = 1 + rng.below(words.size() - 1);
    words[at] = good ? 2 : 3;
    if (is_not) words[at - 1] = 1;
    classes.push_back(good != is_not ? 1 : 0);
  }
  return TokenDataset(all, classes);
}

/// Coins, 1 is heads; at every step whether there have been more heads than tails.
TokenDataset coins(Index n, Rng rng) {
  std::vector<Ids> all;
  std::vector<std::vector<Index>> leads;
  for (Index k = 0; k < n; ++k) {
    Ids& thrown = all.emplace_back(5 + rng.below(10));
    auto& lead = leads.emplace_back();
    int ahead = 0;
    for (auto& coin : thrown) {
      coin = static_cast<std::int32_t>(rng.below(2));
      ahead += coin == 1 ? 1 : -1;
      lead.push_back(ahead > 0 ? 1 : 0);
    }
  }
  return TokenDataset(all, leads);
}

/// Words of 2 to 4 letters, and the same from their ends.
struct Words {
  Texts from, to;
  Words(Index n, Rng rng) {
    for (Index k = 0; k < n; ++k) {
      std::string word;
      for (std::uint64_t left = 2 + rng.below(3); left > 0; --left) word += static_cast<char>('a' + rng.below(6));
      from.push_back(word);
      to.emplace_back(word.rbegin(), word.rend());
    }
  }
};

/// What a thermometer and an anemometer show, and how one says it.
struct Weather {
  std::vector<Eigen::MatrixXf> shown;  // (2, 1): degrees / 10, Beaufort / 10
  Texts said;
  Weather(Index n, Rng rng) {
    for (Index k = 0; k < n; ++k) {
      const auto degrees = static_cast<float>(rng.uniform(-10, 30)), wind = static_cast<float>(rng.uniform(0, 10));
      shown.emplace_back(2, 1) << degrees / 10, wind / 10;
      std::string text = degrees < 0 ? "frost" : degrees < 15 ? "cool" : "warm";
      said.push_back(text + (wind < 3 ? " and still" : wind < 7 ? "" : " with a storm"));
    }
  }
};

/// A vector for each text; `PairDataset` is that of tokens for each text.
struct Captions {
  using Batch = Inputs<PackedSequence<>, TokenBatch>;
  SequenceDataset<float> source;
  TokenDataset target;  // the target's labels are the next words

  Captions(const Weather& weather, const TextEncoding& words) : source(weather.shown) {
    std::vector<Ids> said;
    std::vector<std::vector<Index>> next;
    for (const std::string& text : weather.said) {
      Ids ids = words.encode(text);
      next.emplace_back(ids.begin(), ids.end()).push_back(TextEncoding::eos);
      ids.insert(ids.begin(), TextEncoding::bos);
      said.push_back(ids);
    }
    target = TokenDataset(said, next);
  }
  Index size() const { return source.size(); }
  Index length(Index k) const { return target.length(k); }
  void fill(std::span<const Index> rows, Batch& batch) const {
    source.fill(rows, std::get<0>(batch.all));
    target.fill(rows, std::get<1>(batch.all));
  }
  void fill_targets(std::span<const Index> rows, const Batch& batch, BatchTargets<float>& out) const {
    target.fill_targets(rows, std::get<1>(batch.all).packing, out);
  }
};

// region speaker
/// A vector in, a sentence out: the vector is what the decoder begins with.
struct Speaker : EncoderDecoder<Speaker, float, PackedSequence<>> {
  Dense<> hidden{2, 24};
  Tanh<> tanh;
  Embedding<> embed;
  Recurrent<Gru<>> write{Gru{8, 24}};
  SoftmaxClassifier<> head;
  UNROLL_PARTS(hidden, tanh, embed, write, head)

  explicit Speaker(Index words) : embed(words, 8), head(24, words) {}
  auto encode(Wiring& run, Node<PackedSequence<>> x) const {
    return initial_state(write, last_step(run(tanh, run(hidden, x))));
  }
  auto decode(Wiring& run, const auto& start, Node<TokenBatch> y) const {
    return run(head, run(write, run(embed, y), from(start)));
  }
};
// endregion

// region reverser
/// A word in, another out: what was read is in the state that the decoder begins with.
struct Reverser : EncoderDecoder<Reverser> {
  Embedding<> letters, said;
  Recurrent<Gru<>> read{Gru{12, 48}}, write{Gru{12, 48}};
  SoftmaxClassifier<> head;
  UNROLL_PARTS(letters, said, read, write, head)

  explicit Reverser(Index size) : letters(size, 12), said(size, 12), head(48, size) {}
  auto encode(Wiring& run, Node<TokenBatch> x) const { return run(read, run(letters, x)).state; }
  auto decode(Wiring& run, const auto& state, Node<TokenBatch> y) const {
    return run(head, run(write, run(said, y), from(state)));
  }
};
// endregion

int main() {
  {
    const auto training = points(500, Rng(1)), test = points(200, Rng(2));
    std::cout << "// region one_to_one\n";
    // region one_to_one
    Sequential model{Dense{2, 16}, Tanh{}, Dense{16, 2}};
    initialize(model, Rng(1));
    fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, training, {.epochs = 40, .batch_size = 20});
    std::cout << "points above 0.95: " << (evaluate(model, CrossEntropy{}, test).accuracy > 0.95) << "\n";
    // endregion
  }
  {
    const Weather weather(600, Rng(1));
    std::cout << "// endregion\n// region one_to_many\n";
    // region one_to_many
    const TextEncoding words = with_marks(Vocabulary::build(weather.said));
    Speaker model(words.size());
    initialize(model, Rng(1));
    fit(model, Adam{.rate = 1e-2}, Captions(weather, words), {.epochs = 10, .batch_size = 20});
    const PackedSequence<> today = pack(Eigen::MatrixXf{{2.1f}, {0.8f}});  // 21 degrees, 8 Beaufort
    std::cout << words.decode(translate(model, today).front().front().ids) << "\n";
    // endregion
  }
  {
    const auto training = reviews(600, Rng(1)), test = reviews(200, Rng(2));
    std::cout << "// endregion\n// region many_to_one\n";
    // region many_to_one
    Sequential model{Embedding{30, 8}, FinalState{Recurrent{Lstm{8, 16}}}, Dense{16, 1}};
    initialize(model, Rng(1));
    fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, training, {.epochs = 20, .batch_size = 20});
    std::cout << "reviews above 0.95: " << (evaluate(model, BinaryCrossEntropy{}, test).accuracy > 0.95) << "\n";

    stream::AnyModel listening(network_of(model));  // word after word; what it gives is its verdict so far
    float logit = 0;
    for (const std::int32_t word : {12, 1, 2}) listening.process(std::span(&word, 1), std::span(&logit, 1));
    std::cout << ".. not good: " << (logit > 0 ? "good" : "bad") << "\n";
    // endregion
  }
  {
    const Words training(1500, Rng(1));
    std::cout << "// endregion\n// region delayed\n";
    // region delayed
    const TextEncoding letters = with_marks(Vocabulary::build(training.from, {.tokenizer = CharacterTokenizer{}}));
    Reverser model(letters.size());
    initialize(model, Rng(1));
    fit(model, Adam{.rate = 1e-2}, encode_pairs(letters, letters, training.from, training.to),
        {.epochs = 10, .batch_size = 20, .clip_norm = 1});
    const Ids word = letters.encode("feca");
    std::cout << letters.decode(translate(model, std::span(word)).front().ids) << "\n";
    // endregion
  }
  {
    const auto training = coins(600, Rng(1)), test = coins(200, Rng(2));
    std::cout << "// endregion\n// region in_step\n";
    // region in_step
    Sequential model{Embedding{2, 4}, Recurrent{Gru{4, 12}}, Dense{12, 2}};
    initialize(model, Rng(1));
    fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, training, {.epochs = 10, .batch_size = 20});
    std::cout << "steps above 0.95: " << (evaluate(model, CrossEntropy{}, test).accuracy > 0.95) << "\n";

    stream::AnyModel listening(network_of(model));  // the same model, a step at a time
    std::vector<float> logits(2);
    for (const std::int32_t coin : {1, 0, 0, 1, 1}) {
      listening.process(std::span(&coin, 1), logits);
      std::cout << (logits[1] > logits[0] ? "heads lead, " : "no, ");
    }
    std::cout << "\n";
    // endregion
    std::cout << "// endregion\n";
  }
}
