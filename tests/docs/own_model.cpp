// Models that are no chain: attention, a residual, a source and a target.
// region includes
#include <iostream>

#include <unroll/io/model_file.hpp>
#include <unroll/network/graph_of.hpp>
#include <unroll/stream/any_model.hpp>
#include <unroll/testing/check_gradient.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;
// endregion

// region attentive
struct Attentive : Composite<Attentive> {
  Embedding<> embed{50, 16};
  Bidirectional<Lstm<>> read{Lstm{16, 12}};
  AttentionPool<> pool{24, 8};
  Dense<> head{48, 2};
  UNROLL_PARTS(embed, read, pool, head)

  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto h = run(read, run(embed, x));
    return run(head, concat_rows(run(pool, h), final_output(h)));
  }
};
// endregion

// region residual
template <class T = float> struct Deep : Composite<Deep<T>, T> {
  Dense<T> in, out;
  std::vector<Recurrent<Gru<T>>> layers;
  UNROLL_PARTS(in, layers, out)

  Deep(Index inputs, Index units, std::size_t depth)
      : in(inputs, units), out(units, 1), layers(depth, Recurrent{Gru<T>{units, units}}) {}

  auto operator()(Wiring& run, Node<PackedSequence<T>> x) const {
    auto h = run(in, x);
    for (const auto& layer : layers) h = h + run(layer, h);
    return run(out, h);
  }
};
// endregion

// region tower
struct Shape {
  Index units = 8;
  int depth = 2;
  UNROLL_OPTIONS(units, depth)
};
struct Tower : Composite<Tower> {
  Shape shape;
  Dense<> in, out;
  std::vector<Recurrent<Gru<>>> layers;
  UNROLL_PARTS(shape, in, layers, out)

  explicit Tower(const Shape& of = {})
      : shape(of),
        in(3, of.units),
        out(of.units, 1),
        layers(static_cast<std::size_t>(of.depth), Recurrent{Gru{of.units, of.units}}) {}

  auto operator()(Wiring& run, Node<PackedSequence<>> x) const {
    auto h = run(in, x);
    for (const auto& layer : layers) h = h + run(layer, h);
    return run(out, h);
  }
};
// endregion

// region translator
struct Translator : Composite<Translator> {
  Embedding<> source{50, 16}, target{40, 16};
  Recurrent<Lstm<>> encoder{Lstm{16, 24}}, decoder{Lstm{16, 24}};
  Dense<> head{48, 40};
  UNROLL_PARTS(source, target, encoder, decoder, head)

  auto operator()(Wiring& run, Node<TokenBatch> x, Node<TokenBatch> y) const {
    const auto read = run(encoder, run(source, x));
    const auto h = run(decoder, run(target, y), from(read.state));  // starts where the encoder ended
    return run(head, concat_rows(h, dot_attention(h, read)));
  }
};
// endregion

// region pairs
/// Which word follows the last one of the source: the target shifted by one, as a data set of two inputs.
struct Pairs {
  using Batch = Inputs<TokenBatch, TokenBatch>;
  TokenDataset source, target;  // the target's labels are the next words

  Index size() const { return source.size(); }
  Index length(Index k) const { return source.length(k) + target.length(k); }
  void fill(std::span<const Index> rows, Batch& batch) const {
    source.fill(rows, std::get<0>(batch.all));
    target.fill(rows, std::get<1>(batch.all));
  }
  void fill_targets(std::span<const Index> rows, const Batch& batch, BatchTargets<float>& out) const {
    target.fill_targets(rows, std::get<1>(batch.all).packing, out);
  }
};
// endregion

// region listener
struct Listener : Composite<Listener> {
  Embedding<> embed{50, 16};
  Recurrent<Gru<>> read{Gru{16, 12}};
  AttentionPool<> pool{12, 8};
  Dense<> head{24, 2};
  UNROLL_PARTS(embed, read, pool, head)

  auto operator()(Wiring& run, Node<TokenBatch> x) const {
    const auto h = run(read, run(embed, x));
    return run(head, concat_rows(run(pool, h), max_over_time(h)));
  }
};
// endregion

/// Sequences of words; class 1 where word 7 comes somewhere before word 9.
TokenDataset reviews(Index n, Rng rng) {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<Index> labels;
  for (Index k = 0; k < n; ++k) {
    auto& words = ids.emplace_back(4 + rng.below(8));
    for (auto& word : words) word = static_cast<std::int32_t>(10 + rng.below(40));
    const std::size_t a = rng.below(words.size() - 1);
    const bool first = rng.below(2) == 1;
    words[a] = first ? 7 : 9;
    words.back() = first ? 9 : 7;
    labels.push_back(first ? 1 : 0);
  }
  return TokenDataset(ids, labels);
}

/// Words to be read backwards, each 10 less; word 0 begins a target and 1 ends it.
Pairs sentences(Index n, Rng rng) {
  std::vector<std::vector<std::int32_t>> source, target;
  std::vector<std::vector<Index>> next;
  for (Index k = 0; k < n; ++k) {
    auto& words = source.emplace_back(2 + rng.below(3));
    auto& answer = target.emplace_back(1, 0);
    auto& labels = next.emplace_back();
    for (auto& word : words) word = static_cast<std::int32_t>(12 + rng.below(10));
    for (std::size_t t = words.size(); t-- > 0;) {
      labels.push_back(words[t] - 10);
      answer.push_back(words[t] - 10);
    }
    labels.push_back(1);
  }
  return {TokenDataset(source), TokenDataset(target, next)};
}

int main() {
  {
    const TokenDataset training = reviews(400, Rng(1)), test = reviews(200, Rng(2));
    // region train
    Attentive model;
    initialize(model, Rng(1));
    fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, training, {.epochs = 6, .batch_size = 20});
    std::cout << "accuracy above 0.95: " << (evaluate(model, CrossEntropy{}, test).accuracy > 0.95) << "\n";

    save("attentive.safetensors", model);  // with an input and what the model gives for it, as a test
    const auto [loaded, info] = load_model([](const ModelInfo&) { return Attentive{}; }, "attentive.safetensors");
    std::cout << "class " << predict(loaded, std::vector<std::int32_t>{7, 20, 9}).label() << "\n";
    // endregion
    // region scores
    ConfusionMatrix scores(2, {"no", "yes"});
    scores.add_logits(infer(model, test), test.targets().labels);
    std::cout << "F1 of yes above 0.95: " << (scores.f1(1) > 0.95) << "\n";  // scores.str() is all of it, as a table
    // endregion
    // region parts
    freeze(model, "embed.*");
    std::cout << model.describe() << "\n";
    visit([](const Path& path, const auto&) { std::cout << path.str() << " "; }, model.pool);
    std::cout << "\n";
    // endregion
  }
  {
    const TokenDataset training = reviews(400, Rng(1));
    std::cout << "// region listen\n";
    // region listen
    Listener model;
    initialize(model, Rng(1));
    fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, training, {.epochs = 6, .batch_size = 20});

    stream::AnyModel listening(graph_of(model));
    std::vector<float> logits(2);
    std::cout << "after each word:";
    for (const std::int32_t word : {20, 7, 30, 9}) {
      listening.process(std::span(&word, 1), logits);  // no allocation, no lock
      std::cout << (logits[1] > logits[0] ? " yes" : " no");
    }
    std::cout << "\n";
    // endregion
    std::cout << "// endregion\n";
  }
  {
    // region check
    Deep<double> model(3, 4, 2);
    randomize(model, Rng(1));
    const std::vector<Eigen::MatrixXd> series{Eigen::MatrixXd::Random(3, 5), Eigen::MatrixXd::Random(3, 1)};
    std::cout << "gradient: " << check_gradient(model, pack(series)).passed() << "\n";
    // endregion
  }
  {
    // region shape
    save("tower.safetensors", Tower({.units = 6, .depth = 3}));
    const auto of_its_shape = [](const ModelInfo& file) { return Tower(file.options_of<Shape>("shape")); };
    const auto [tower, info] = load_model(of_its_shape, "tower.safetensors");
    std::cout << tower.layers.size() << " layers, " << tower.shape.describe() << "\n";
    // endregion
  }
  {
    const Pairs training = sentences(600, Rng(3)), test = sentences(200, Rng(4));
    // region translate
    Translator model;
    initialize(model, Rng(1));
    fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, training, {.epochs = 20, .batch_size = 20});
    std::cout << "words above 0.9: " << (evaluate(model, CrossEntropy{}, test).accuracy > 0.9) << "\n";
    // endregion
  }
}
