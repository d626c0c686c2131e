// Snippets of docs/guide.md: training. using.cpp loads what this one saves.
#include <fstream>

#include <unroll/train/freeze_until.hpp>

// region includes
#include <iostream>

#include <unroll/io/model_file.hpp>     // save and load; nlohmann/json
#include <unroll/train/checkpoint.hpp>  // exact resume
#include <unroll/unroll.hpp>            // all that needs only Eigen

using namespace unroll;
// endregion

namespace {
void begin(const char* region) { std::cout << "// endregion\n// region " << region << '\n'; }

template <class M> bool same_weights(const M& a, const M& b) {
  bool same = true;
  visit([&](const Path&, const auto& x, const auto& y) { same = same && x == y; }, a, b);
  return same;
}

LabelledTexts moods() {
  LabelledTexts data{{}, {}, {"down", "up"}};
  for (int k = 0; k < 240; ++k) {
    data.texts.push_back(concat_text(k % 2 == 0 ? "not " : "so ",
                                     k % 3 == 0   ? "happy"
                                     : k % 3 == 1 ? "glad"
                                                  : "merry",
                                     k % 5 == 0   ? " today"
                                     : k % 5 == 1 ? " at all"
                                                  : ""));
    data.labels.push_back(k % 2);
  }
  return data;
}

// region dataset
/// Sequences made when they are asked for; one that reads a file looks the same. Label: the parity of the ones.
struct Parity {
  using Batch = TokenBatch;
  Index size() const { return 500; }
  Index length(Index k) const { return 1 + k % 7; }
  std::vector<std::int32_t> sequence(Index k) const {
    std::vector<std::int32_t> bits(static_cast<std::size_t>(length(k)));
    Rng rng = Rng(11).child(static_cast<std::uint64_t>(k));
    for (auto& bit : bits) bit = static_cast<std::int32_t>(rng.below(2));
    return bits;
  }
  void fill(std::span<const Index> rows, TokenBatch& batch) const {
    std::vector<std::vector<std::int32_t>> sequences;
    for (const Index row : rows) sequences.push_back(sequence(row));
    pack_tokens(std::vector<std::span<const std::int32_t>>(sequences.begin(), sequences.end()), batch);
  }
  void fill_targets(std::span<const Index> rows, const Packing&, BatchTargets<float>& targets) const {
    targets.are_labels = true;
    targets.labels.clear();
    for (const Index row : rows) {
      const auto bits = sequence(row);
      targets.labels.push_back(std::count(bits.begin(), bits.end(), 1) % 2);
    }
  }
};
static_assert(Dataset<Parity>);
// endregion

}  // namespace

int main() {
  begin("fit");
  // region fit
  const LabelledTexts texts = moods();  // or read_labelled_text("reviews.tsv")
  const Vocabulary vocabulary = Vocabulary::build(texts.texts, {.max_size = 1000});
  const Encoder encoder(vocabulary, {.length = 20, .keep = Keep::first});
  const TokenDataset data = encoder(texts);

  Sequential model{Embedding{vocabulary.size(), 8, {.padding = Vocabulary::pad}}, FinalState{Recurrent{Gru{8, 12}}},
                   Dense{12, 2}};
  initialize(model, Rng(5));
  const auto untrained = model;

  const EarlyStopping stop{.monitor = "val_loss", .patience = 3};
  const ReduceLROnPlateau slower{.schedule = {.rule = PlateauRule::keras, .factor = 0.5, .patience = 2}};
  const ModelCheckpoint best{.save_model = [&](Run&) { save("best.safetensors", model, vocabulary); }};
  const CsvLog log{.path = "training.csv"};
  const auto report = [](Run& run) { run.log().metrics["steps"] = static_cast<double>(run.step()); };
  const History history = fit(model, CrossEntropy{}, Adam{.rate = 1e-2}, data,
                              {.epochs = 8,
                               .batch_size = 16,
                               .seed = 1,
                               .validation_shuffled = 0.2,
                               .clip_norm = 1,
                               .callbacks = {stop, slower, best, log, report}});
  const EpochLog& last = history.epochs.back();
  std::cout << "validation accuracy " << last.validation->accuracy << " after " << last.find("steps").value()
            << " steps\n";
  // endregion

  begin("norms");
  // region norms
  for (const EpochLog& epoch : history.epochs)
    if (epoch.clipped > 0.9) std::cout << "epoch " << epoch.epoch << ": nearly every update was clipped\n";
  std::cout << history.series("gradient_norm").size() << " mean norms\n";
  // endregion

  begin("groups");
  // region groups
  auto tuned = untrained;
  Optimizer optimizer(tuned, AdamW{.rate = 1e-2});
  optimizer.group("0.*", {.rate_scale = 0.1}).group("*bias*", {.weight_decay = 0});
  const RateSchedule schedule{WarmUp{20, CosineDecay{.steps = 100}}, Every::step};
  fit(tuned, CrossEntropy{}, optimizer, data, {.epochs = 1, .callbacks = {schedule}});
  // endregion
  std::cout << "rate " << optimizer.rate() << '\n';

  begin("freeze");
  // region freeze
  auto pretrained = untrained;
  Parameter<float>& table = pretrained.layer<0>().weight;  // (D, V): a column a token
  table.col(vocabulary.id("happy")).setConstant(0.1f);     // here go the vectors of a file: fill_embedding
  fit(pretrained, CrossEntropy{}, Adam{}, data, {.epochs = 3, .callbacks = FreezeUntil{"0.*", 3}});
  // endregion
  std::cout << count_trainable(pretrained) << " of " << count_parameters(pretrained) << " trainable\n";

  begin("resume");
  // region resume
  auto whole = untrained, parts = untrained;
  fit(whole, CrossEntropy{}, Adam{}, data, {.epochs = 4, .seed = 3});

  fit(parts, CrossEntropy{}, Adam{}, data, {.epochs = 2, .seed = 3, .checkpoint = checkpoint_file("run.safetensors")});
  parts = untrained;  // the process dies here
  fit(parts, CrossEntropy{}, Adam{}, data, {.epochs = 4, .seed = 3, .resume = checkpoint_file("run.safetensors")});
  std::cout << "the same bits: " << (same_weights(whole, parts) ? "yes" : "no") << '\n';
  // endregion

  begin("loop");
  // region loop
  auto by_hand = untrained;
  Optimizer adam(by_hand, Adam{.rate = 1e-2});
  Workspace<decltype(by_hand), TokenBatch> work(by_hand);
  Batches batches(data, {.batch_size = 16, .seed = 1});
  TokenBatch x;
  BatchTargets<float> y;
  std::uint64_t step = 0;
  double largest = 0;
  for (Index epoch = 0; epoch < 3; ++epoch) {
    batches.start_epoch(epoch);
    for (Index k = 0; k < batches.count(); ++k) {
      data.fill(batches[k], x);
      data.fill_targets(batches[k], x.packing, y);
      const Context context{.training = true, .seed = 1, .step = step++};
      const StepResult result = train_step(by_hand, CrossEntropy{}, adam, x, y, work, context, {.norm = 1});
      largest = std::max(largest, result.gradient_norm);
    }
  }
  std::cout << step << " steps, the largest norm " << (largest > 1 ? "above" : "below") << " 1\n";
  // endregion

  begin("dataset");
  // region own
  Sequential parity{Embedding{2, 4}, FinalState{Recurrent{Gru{4, 12}}}, Dense{12, 2}};
  initialize(parity, Rng(1));
  std::cout << evaluate(parity, CrossEntropy{}, Parity{}).count << " decisions\n";  // fit takes it as well
  // endregion

  std::ofstream file("moods.tsv");
  for (std::size_t k = 0; k < texts.size(); ++k)
    file << texts.label_names[static_cast<std::size_t>(texts.labels[k])] << '\t' << texts.texts[k] << '\n';
  file.close();
  begin("parts");
  // region parts
  auto by_parts = untrained;
  Optimizer lasting(by_parts, Adam{.rate = 1e-2});  // keeps its moments from part to part
  LabelledTextParts file_parts("moods.tsv", {.label_names = {"down", "up"}});
  Index read = 0;
  for (LabelledTexts some = file_parts.next(100); some.size() > 0; some = file_parts.next(100)) {
    fit(by_parts, CrossEntropy{}, lasting, encoder(some), {.batch_size = 16, .seed = 1});
    read += std::ssize(some.texts);
  }
  std::cout << read << " texts, of which at most 100 were in memory\n";
  // endregion

  // region save
  save("moods.safetensors", model, vocabulary,
       {.architecture = "gru", .labels = texts.label_names, .extra = encoder.metadata()});
  // endregion
}
