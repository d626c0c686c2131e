// EarlyStopping against Keras's: the last epoch that runs, and the epoch whose weights are restored.
#include <unroll/train/early_stopping.hpp>

#include "../train/one_weight.hpp"
#include "golden.hpp"

namespace {

using namespace unroll;

/// A run whose weights are the number of the epoch, and whose validation losses are given.
class NumberedRun : public Run {
 public:
  explicit NumberedRun(Index epochs) : epochs_(epochs) {}
  bool stopped = false;
  OneWeight weight;

  void begin(Index epoch, double loss) {
    log_.epoch = epoch;
    log_.validation = Evaluation{.loss = loss};
    weight = static_cast<double>(epoch);
  }
  Index epoch() const override { return log_.epoch; }
  Index epochs() const override { return epochs_; }
  Index batch() const override { return 1; }
  Index batches() const override { return 1; }
  Index sequences() const override { return 1; }
  std::int64_t step() const override { return log_.epoch; }
  bool has_validation() const override { return true; }
  const History& history() const override { return history_; }
  EpochLog& log() override { return log_; }
  double rate() const override { return 1; }
  void set_rate(double) override {}
  void freeze(std::string_view) override {}
  void thaw(std::string_view) override {}
  void stop(std::string) override { stopped = true; }

 private:
  detail::ModelRef model_ref() const override { return detail::ModelRef(weight); }
  TypeId model_type() const override { return TypeId::of<void>(); }
  void* model_address() override { return nullptr; }
  TypeId optimizer_type() const override { return TypeId::of<void>(); }
  void* optimizer_address() override { return nullptr; }

  Index epochs_;
  EpochLog log_;
  History history_;
};

}  // namespace

TEST_CASE("early stopping ends in Keras's epoch and restores Keras's weights, stopped early or not") {
  const Golden golden("schedules");
  const auto losses = golden.numbers("plateau.losses");
  const std::vector<std::pair<std::string, EarlyStopping>> cases{
      {"early_stopping", {.patience = 3}},
      {"early_stopping_min_delta", {.patience = 3, .min_delta = 0.05}},
      {"early_stopping_patience_0", {.patience = 0}},
      {"early_stopping_start_from_epoch", {.patience = 2, .skip_epochs = 4}},
      {"early_stopping_never", {.patience = 50}}};
  for (const auto& [name, of] : cases) {
    CAPTURE(name);
    EarlyStopping callback = of;
    NumberedRun run(static_cast<Index>(losses.size()));
    callback.on_train_begin(run);
    for (std::size_t k = 0; k < losses.size() && !run.stopped; ++k) {  // epochs count from 1 here, from 0 in Keras
      run.begin(static_cast<Index>(k) + 1, losses[k]);
      callback.on_epoch_end(run);
    }
    callback.on_train_end(run);
    const auto expected = golden.integers(name + ".stopped_and_restored");
    CHECK(run.epoch() - 1 == expected[0]);
    CHECK(run.weight - 1 == static_cast<double>(expected[1]));
  }
}
