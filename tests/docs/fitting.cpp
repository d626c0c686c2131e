// What training and evaluation can do beyond the basics: metrics, several machines. See docs/guide.md.
#include <cmath>
#include <iostream>

#include <unroll/metric/bleu.hpp>
#include <unroll/metric/exact_match.hpp>
#include <unroll/unroll.hpp>

using namespace unroll;

namespace {

void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }

/// One sequence in 20 has a 9 in it, which makes it a yes.
TokenDataset rare(std::int32_t n) {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<Index> labels;
  for (std::int32_t k = 0; k < n; ++k) {
    labels.push_back(k % 20 == 7 ? 1 : 0);
    ids.push_back({k % 7, labels.back() == 1 ? 9 : k % 8, (k + 3) % 7});
  }
  return TokenDataset(ids, {labels, {"no", "yes"}});
}

// region own_metric
/// The mean of the larger probability of a classifier with one output: how sure it is.
struct MeanConfidence {
  double sum = 0;
  Index count = 0;
  void add(const MetricBatch<float>& batch) {
    for (Index n = 0; n < batch.outputs.cols(); ++n) sum += 1 / (1 + std::exp(-std::abs(double(batch.outputs(0, n)))));
    count += batch.outputs.cols();
  }
  MetricValues values() const { return {{"confidence", sum / double(count)}}; }
};
// endregion

/// The sum over one machine.
struct Machines {
  template <class T> void sum(std::span<T>) {}
};

}  // namespace

int main() {
  const TokenDataset training = rare(400), test = rare(200);
  Sequential model{Embedding{10, 4}, FinalState{Recurrent{Gru{4, 6}}}, Dense{6, 1}};

  std::cout << "// region no\n";
  // region no
  auto always_no = model;                          // all weights are 0
  always_no.layer<2>().bias.setConstant(-2.944f);  // the probability of yes is 0.05, whatever it reads
  std::cout << evaluate(always_no, BinaryCrossEntropy{}, test);
  // endregion

  begin("metrics");
  // region metrics
  initialize(model, Rng(1));
  const auto untrained = model;
  fit(model, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, training,
      {.epochs = 30,
       .validation = test,
       .metrics = {Ranking(), Perplexity(), MeanConfidence()},
       .callbacks = {EarlyStopping{.monitor = "val_f1", .patience = 5, .skip_epochs = 5},
                     CsvLog{.path = "fitting.csv", .metrics = {"val_recall_yes"}}}});

  const Evaluation of = evaluate(model, BinaryCrossEntropy{}, test, {.metrics = Ranking()});
  std::cout << "F1 of yes above 0.9: " << (of.find("f1_yes") > 0.9)
            << ", area under the curve above 0.9: " << (of.metrics.at("roc_auc") > 0.9) << '\n';
  // endregion

  begin("bleu");
  // region bleu
  using Words = std::vector<std::string>;
  const std::vector<Words> written{{"two", "dogs", "run", "over", "the", "snow"}, {"a", "man", "sleeps"}};
  const std::vector<Words> right{{"two", "dogs", "run", "through", "the", "snow"}, {"a", "man", "sleeps"}};
  std::cout << corpus_bleu(written, right).str() << "\nexact " << exact_match(written, right) << '\n';

  Bleu first, second;  // of two batches, or threads
  first.add(written[0], std::vector<Words>{right[0], {"a", "pair", "of", "dogs", "run", "over", "snow"}});
  second.add(written[1], right[1]);
  first += second;
  std::cout << first.score().str() << '\n';
  // endregion

  Machines machines;
  begin("machines");
  // region machines
  auto shared = untrained;
  fit(shared, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, training,
      {.epochs = 2, .clip_norm = 1, .on_gradient = [&](BatchGradient& batch) {
         batch.add_up([&](auto numbers) { machines.sum(numbers); });  // std::span<float> or <double>
       }});
  // endregion
  begin("look");
  // region look
  fit(shared, BinaryCrossEntropy{}, Adam{.rate = 1e-2}, training, {.on_gradient = [](const BatchGradient& batch) {
        if (batch.step > 0) return;
        batch.visit([](const Path& path, auto g) { std::cout << path.str() << ' ' << g.size() << '\n'; });
      }});
  // endregion
  std::cout << "// endregion\n";
}
