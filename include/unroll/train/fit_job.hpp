// What a run of fit asks of the user's types, and is told: all else in it is compiled once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <stop_token>
#include <string_view>

#include <unroll/core/batch_size.hpp>
#include <unroll/core/context.hpp>
#include <unroll/core/model_ref.hpp>
#include <unroll/core/random.hpp>
#include <unroll/core/type_id.hpp>
#include <unroll/optim/optimizer_state.hpp>
#include <unroll/train/batch_gradient.hpp>
#include <unroll/train/callback.hpp>
#include <unroll/train/evaluate.hpp>
#include <unroll/train/history.hpp>
#include <unroll/train/step_result.hpp>

namespace unroll::inline UNROLL_ABI {

class RunStore;

namespace detail {

/// FitOptions without the type of the data, which has the explanations; valid as long as those.
struct FitSettings {
  Index epochs, batch_size, accumulate;
  std::uint64_t seed;
  bool shuffle, similar_length;
  Index prefetch;
  Index streams;  ///< that a batch is a window of; 0: batches are of sequences
  double validation_split, validation_shuffled;
  Index validation_size;  ///< of a data set of its own; -1: there is none
  double clip_norm, clip_each_norm, clip_value, clip_epsilon;
  const std::function<void(BatchGradient&)>& on_gradient;
  const Metrics& metrics;
  const Callbacks& callbacks;
  std::ostream* progress;
  const std::stop_token& stop;
  RunStore* checkpoint;
  Index checkpoint_every;
  RunStore* resume;
};

/// Model, loss, optimizer and data of a run.
class UNROLL_API FitJob {
 public:
  FitJob(const FitJob&) = delete;
  FitJob& operator=(const FitJob&) = delete;

  virtual Index size() const = 0;
  virtual Index length(Index row) const = 0;
  /// The rows of an epoch are the present ones from then on; how many there are. Only streams may have others in each.
  virtual Index draw_rows(const Rng& rng) = 0;
  /// What the rate of an update on these rows is multiplied by.
  virtual double rate_scale(std::span<const Index> rows) const = 0;
  /// Makes a batch in one of the places that there are, of which each is used by one thread at a time.
  virtual void make_batch(Index place, std::span<const Index> rows) = 0;
  /// The batch there, made of these rows, is the present one from then on.
  virtual void use_batch(Index place, std::span<const Index> rows) = 0;
  /// The loss's weight of the present batch.
  virtual double weight() const = 0;
  virtual BatchSize batch_size() const = 0;
  virtual StepResult add_gradient(const Context& context, double whole_weight) = 0;
  /// What was added so far.
  virtual ModelRef gradient() = 0;
  /// All columns of the gradient's tables count as touched from then on.
  virtual void touch_tables() = 0;
  virtual StepResult apply_gradient(const ClipLimits& clip, const StepResult& found) = 0;
  virtual Evaluation validate(const EvaluateOptions& options) = 0;
  /// Hands over a copy of the model with weights that are drawn, if they can be.
  virtual void initialize_copy(std::uint64_t seed, FunctionRef<const ModelRef&> use) const = 0;

  /// The state that streams have carried so far, and back; nothing of other data sets.
  virtual Record state() const = 0;
  virtual void load_state(const Record& record) = 0;

  virtual double rate() const = 0;
  virtual void set_rate(double rate) = 0;
  virtual bool uses_moment(std::size_t slot) const = 0;

  virtual TypeId model_type() const = 0;
  virtual TypeId optimizer_type() const = 0;

  ModelRef model;
  OptimizerState& optimizer;
  std::span<const std::string_view> moments;  ///< their names
  void *model_address, *optimizer_address;

 protected:
  FitJob(ModelRef of, OptimizerState& state, std::span<const std::string_view> names, void* model_at,
         void* optimizer_at)
      : model(of), optimizer(state), moments(names), model_address(model_at), optimizer_address(optimizer_at) {}
  ~FitJob() = default;
};

/// The rate of one update; afterwards it is again what it was.
class ScaledRate {
 public:
  ScaledRate(FitJob& job, double scale) : job_(job), rate_(job.rate()), scale_(scale) {
    if (scale != 1) job.set_rate(rate_ * scale);
  }
  ~ScaledRate() {
    if (scale_ != 1) job_.set_rate(rate_);
  }
  ScaledRate(const ScaledRate&) = delete;
  ScaledRate& operator=(const ScaledRate&) = delete;

 private:
  FitJob& job_;
  double rate_, scale_;
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
