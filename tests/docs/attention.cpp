// Attention: notes of keys and values, questions about the keys, and where a model looks for the answer.
// region includes
#include <iostream>

#include <unroll/layer/multi_head_attention.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

// region model
/// Notes `8 key + value`, and keys that are asked for: what is the value of each?
struct Lookup : Composite<Lookup> {
  Embedding<> note{64, 32}, question{8, 32};
  MultiHeadAttention<> attend{32, 32, 32, 4};  // features of queries and keys, units, heads
  Dense<> head{32, 8};
  UNROLL_PARTS(note, question, attend, head)

  auto operator()(Wiring& run, Node<TokenBatch> notes, Node<TokenBatch> questions) const {
    const auto memory = run(note, notes), asked = run(question, questions);
    return run(head, run(attend, asked, memory));
  }
};
// endregion

// region local
/// Each step with what is around it, and with what was before it.
struct Reader : Composite<Reader> {
  Embedding<> embed{50, 16};
  Recurrent<Gru<>> read{Gru{16, 24}};
  GeneralAttention<> near{24, 24, {.window = 3}};
  Dense<> head{72, 5};
  UNROLL_PARTS(embed, read, near, head)

  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto h = run(read, run(embed, x));
    const auto before = scaled_dot_attention(h, h, {.heads = 2, .causal = true, .dropout = 0.1});
    return run(head, concat_rows(h, run(near, h, h), before));
  }
};
// endregion

// region additive
/// Bahdanau's scores for all steps of a decoder that has run already.
struct Translator : Composite<Translator> {
  Embedding<> source{50, 16}, target{40, 16};
  Recurrent<Lstm<>> encoder{Lstm{16, 24}}, decoder{Lstm{16, 32}};
  AdditiveAttention<> attend{32, 24, 20};  // rows of the queries and of the memory, units
  Dense<> head{56, 40};
  UNROLL_PARTS(source, target, encoder, decoder, attend, head)

  auto operator()(Wiring& run, Node<TokenBatch> x, Node<TokenBatch> y) const {
    const auto memory = run(encoder, run(source, x)), h = run(decoder, run(target, y));
    return run(head, concat_rows(h, run(attend, h, memory)));
  }
};
// endregion

namespace {
void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }

struct Questions {
  using Batch = Inputs<TokenBatch, TokenBatch>;
  TokenDataset notes, questions;

  Index size() const { return notes.size(); }
  Index length(Index k) const { return notes.length(k) + questions.length(k); }
  void fill(std::span<const Index> rows, Batch& batch) const {
    notes.fill(rows, std::get<0>(batch.all));
    questions.fill(rows, std::get<1>(batch.all));
  }
  void fill_targets(std::span<const Index> rows, const Batch& batch, BatchTargets<float>& out) const {
    questions.fill_targets(rows, std::get<1>(batch.all).packing, out);
  }
};

/// 2 to 8 notes of different keys, 1 to 4 questions.
Questions questions(Index n, Rng rng) {
  std::vector<std::vector<std::int32_t>> notes, asked;
  std::vector<std::vector<Index>> answers;
  for (Index k = 0; k < n; ++k) {
    std::vector<std::int32_t> keys{0, 1, 2, 3, 4, 5, 6, 7};
    for (std::size_t i = keys.size(); i > 1; --i) std::swap(keys[i - 1], keys[rng.below(i)]);
    keys.resize(2 + rng.below(7));
    auto& of = notes.emplace_back();
    for (const auto key : keys) of.push_back(8 * key + static_cast<std::int32_t>(rng.below(8)));
    asked.emplace_back(), answers.emplace_back();
    for (std::size_t i = 1 + rng.below(4); i > 0; --i) {
      const auto note = of[rng.below(of.size())];
      asked.back().push_back(note / 8);
      answers.back().push_back(note % 8);
    }
  }
  return {TokenDataset(notes), TokenDataset(asked, answers)};
}

}  // namespace

int main() {
  const Questions training = questions(800, Rng(1)), test = questions(200, Rng(2));
  begin("train");
  // region train
  Lookup model;
  initialize(model, Rng(1));
  fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, training, {.epochs = 20, .batch_size = 20});
  std::cout << "answers above 0.95: " << (evaluate(model, CrossEntropy{}, test).accuracy > 0.95) << "\n";
  // endregion
  begin("weights");
  // region weights
  Inputs<TokenBatch, TokenBatch> x;
  test.fill(std::vector<Index>{0, 1, 2}, x);
  CacheFor<Lookup, Inputs<TokenBatch, TokenBatch>> cache;
  model.forward({.gradients = false}, x, cache);
  const auto& asked = output_of<PackedSequence<>>(cache, model.question);
  const auto& memory = output_of<PackedSequence<>>(cache, model.note);
  const Matrix<> first_head = model.attend.weights(asked, memory, 0);  // (steps of the longest memory, questions)
  const Matrix<> mean = model.attend.weights(asked, memory);           // over the heads
  std::cout << first_head.cols() << " questions, weights of " << mean.col(0).sum() << " together\n";
  // endregion
}
