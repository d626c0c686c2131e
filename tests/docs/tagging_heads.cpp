// Names, whose tags are decided together, and telegrams, whose letters have no places.
// region includes
#include <cmath>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <unroll/data/label_sequence_dataset.hpp>
#include <unroll/head/ctc.hpp>
#include <unroll/head/ctc_beam_search.hpp>
#include <unroll/metric/edit_distance.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

const std::vector<std::string> tags{"B-LOC", "B-PER", "I-LOC", "I-PER", "O"};

/// "mr A B walks in C .": the words before a name tell its kind.
TokenDataset sentences(Index n, Rng rng) {
  const std::int32_t mr = 0, in = 1, walks = 2, dot = 3;
  std::vector<std::vector<std::int32_t>> words;
  std::vector<std::vector<Index>> labels;
  for (Index k = 0; k < n; ++k) {
    auto& sentence = words.emplace_back();
    auto& of = labels.emplace_back();
    const auto add = [&](std::int32_t word, Index tag) { sentence.push_back(word), of.push_back(tag); };
    const auto add_name = [&](std::int32_t before, Index first, Index rest) {
      add(before, 4);
      const auto length = 1 + rng.below(3);
      for (std::uint64_t t = 0; t < length; ++t) add(std::int32_t(4 + rng.below(6)), t == 0 ? first : rest);
    };
    add_name(mr, 1, 3), add(walks, 4);
    if (rng.below(2) == 0) add_name(in, 0, 2);
    add(dot, 4);
  }
  return TokenDataset(words, {labels, tags});
}

// region telegraph
const std::string letters = "ETAINM";
const std::vector<std::string> signs{".", "-", ".-", "..", "-.", "--"};

struct Telegrams {
  std::vector<Eigen::MatrixXf> keys;  ///< (1, steps) whether a key is down, with noise
  std::vector<std::string> texts;     ///< what was sent, nobody knows when
};

Telegrams send(Index n, Rng rng) {
  Telegrams all;
  for (Index k = 0; k < n; ++k) {
    std::vector<float> steps;
    const auto hold = [&](float down, std::uint64_t least) {
      for (auto t = least + rng.below(2); t > 0; --t) steps.push_back(down + float(0.1 * rng.normal()));
    };
    std::string& text = all.texts.emplace_back();
    for (auto length = 1 + rng.below(5); length > 0; --length) {
      const auto letter = rng.below(letters.size());
      text += letters[letter];
      for (const char sign : signs[letter]) hold(1, sign == '.' ? 1 : 4), hold(0, 1);
      hold(0, 3);
    }
    all.keys.push_back(Eigen::Map<Eigen::MatrixXf>(steps.data(), 1, Index(steps.size())));
  }
  return all;
}
// endregion

int main() {
  {
    const TokenDataset training = sentences(300, Rng(1)), test = sentences(100, Rng(2));
    // region names
    Sequential model{Embedding{10, 8}, Bidirectional{Gru{8, 8}}, Dense{16, 5},
                     Crf{5, forbidden_by(TagScheme::bio, tags)}};
    initialize(model, Rng(1));
    fit(model, Adam{.rate = 1e-2}, training, {.epochs = 6, .batch_size = 10});
    const Evaluation of = evaluate(model, test, {.metrics = SpanScores{tags}});
    std::cout << "F1 of names above 0.95: " << (of.metrics.at("span_f1") > 0.95) << "\n";
    // endregion
  }
  {
    // region data
    const auto dataset = [](const Telegrams& of) {
      std::vector<std::vector<Index>> labels;
      for (const std::string& text : of.texts) {
        labels.emplace_back();
        for (const char c : text) labels.back().push_back(Index(letters.find(c)) + 1);  // 0 is the blank
      }
      return LabelSequenceDataset{SequenceDataset<float>(of.keys), LabelSequences(labels)};
    };
    const Telegrams sent = send(400, Rng(1)), others = send(100, Rng(2));
    // endregion

    // region ctc
    Sequential model{Bidirectional{Gru{1, 16}}, Dense{32, 7}, Ctc{7}};
    initialize(model, Rng(1));
    fit(model, Adam{.rate = 2e-2}, dataset(sent), {.epochs = 15, .batch_size = 20, .clip_norm = 1});
    std::cout << "telegrams without an error above 0.9: " << (evaluate(model, dataset(others)).accuracy > 0.9) << "\n";
    // endregion

    // region read
    const auto text_of = [](std::span<const Index> labels) {
      std::string text;
      for (const Index label : labels) text += letters[std::size_t(label - 1)];
      return text;
    };
    std::vector<std::string> read;
    for (const auto& labels : predict(model, dataset(others))) read.push_back(text_of(labels));
    std::cout << "errors a letter below 0.05: " << (error_rate(read, others.texts) < 0.05) << "\n";
    // endregion

    // region beam
    const auto no_double = [](std::span<const Index> prefix, Index label) {  // log P of a language, weighted
      return !prefix.empty() && prefix.back() == label ? -3.0 : 0.0;
    };
    const Matrix<float> logits = infer(model, others.keys[0]);
    const auto best = ctc_beam_search(logits, {.width = 8, .best = 3, .score = no_double});
    std::cout << text_of(best[0].labels) << ", sent " << others.texts[0]
              << ", likely: " << (std::exp(best[0].log_probability) > 0.5) << "\n";
    // endregion
  }
}
