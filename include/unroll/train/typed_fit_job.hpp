// A run of fit and its types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <unroll/core/initialize.hpp>
#include <unroll/optim/optimizer.hpp>
#include <unroll/train/carried_state.hpp>
#include <unroll/train/evaluate.hpp>
#include <unroll/train/fit_job.hpp>
#include <unroll/train/fit_options.hpp>
#include <unroll/train/fit_run.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

template <class D> FitSettings settings_of(const FitOptions<D>& o, const D& data) {
  Index streams = 0;
  if constexpr (Streams<D>) streams = data.streams();
  return {.epochs = o.epochs,
          .batch_size = o.batch_size,
          .accumulate = o.accumulate,
          .seed = o.seed,
          .shuffle = o.shuffle,
          .similar_length = o.similar_length,
          .prefetch = o.prefetch,
          .streams = streams,
          .validation_split = o.validation_split,
          .validation_shuffled = o.validation_shuffled,
          .validation_size = o.validation.get() != nullptr ? rows_of(*o.validation.get()) : -1,
          .clip_norm = o.clip_norm,
          .clip_each_norm = o.clip_each_norm,
          .clip_value = o.clip_value,
          .clip_epsilon = o.clip_epsilon,
          .on_gradient = o.on_gradient,
          .metrics = o.metrics,
          .callbacks = o.callbacks,
          .progress = o.progress,
          .stop = o.stop,
          .checkpoint = o.checkpoint.get(),
          .checkpoint_every = o.checkpoint_every,
          .resume = o.resume.get()};
}

/// Of a batch of several inputs that of the first.
template <class In> BatchSize size_of(const In& x) {
  if constexpr (is_inputs<In>) {
    return size_of(std::get<0>(x.all));
  } else if constexpr (is_matrix<In>) {
    BatchSize size;
    size.sequences = x.cols();
    return size;
  } else {
    return BatchSize(x.packing);
  }
}

template <class M, class L, class R, class D> class TypedFitJob final : public FitJob {
  using Batch = typename D::Batch;
  using Output = typename M::template Output<Batch>;
  using Targets = typename TargetsOf<D, unroll::ScalarOf<Output>>::type;
  using Bound = BoundLoss<M, L>;

 public:
  /// Validates on options.validation, or on held out rows of `data` where there is none. The options have to live as
  /// long.
  TypedFitJob(M& of, const L& loss, Optimizer<M, R>& updated_by, const D& data, const FitOptions<D>& options)
      : FitJob(ModelRef(of), state_of(updated_by), R::moments, &of, &updated_by),
        model_(of),
        loss_(loss),
        optimizer_(updated_by),
        data_(data),
        validation_(options.validation.get() != nullptr ? *options.validation.get() : data),
        on_batch_(options.on_batch),
        work_(of),
        made_(std::make_unique<Made[]>(static_cast<std::size_t>(options.prefetch) + 1)) {}

  Index size() const override { return rows_of(data_); }
  Index length([[maybe_unused]] Index row) const override {
    if constexpr (Streams<D>)
      return 0;
    else
      return data_.length(row);
  }
  Index draw_rows(const Rng& rng) override { return windows_.draw(data_, rng); }
  double rate_scale(std::span<const Index> rows) const override { return windows_.rate_scale(data_, rows); }
  void make_batch(Index place, std::span<const Index> rows) override {
    Made& made = made_[static_cast<std::size_t>(place)];
    if constexpr (Streams<D>)
      windows_.with(rows.front(), [&](const auto& window) { load_window(data_, window, made.x, made.targets); });
    else
      load_batch<!takes_batch<Bound, Output, Batch>>(data_, rows, made.x, made.targets);
  }
  void use_batch(Index place, std::span<const Index> rows) override {
    present_ = &made_[static_cast<std::size_t>(place)];
    rows_ = rows;
  }
  double weight() const override {
    const Targets& of = present_->targets;
    if constexpr (takes_batch<Bound, Output, Batch>)
      return weight_of(present_->x);
    else if constexpr (!is_batch_targets<Targets>)
      return weight_of(of);
    else
      return of.are_labels ? weight_of(of.labels) : weight_of(of.values);
  }
  BatchSize batch_size() const override { return size_of(present_->x); }
  StepResult add_gradient(const Context& context, double whole_weight) override {
    if constexpr (requires { on_batch_(context, present_->x); })
      if (on_batch_ != nullptr) on_batch_(context, present_->x);
    return unroll::add_gradient(model_, loss_, present_->x, present_->targets, work_, context, whole_weight,
                                state_.into(data_, rows_, windows_));
  }
  ModelRef gradient() override { return ModelRef(work_.gradient); }
  void touch_tables() override { touch_tables_of(work_.gradient); }
  StepResult apply_gradient(const ClipLimits& clip, const StepResult& found) override {
    return unroll::apply_gradient(model_, optimizer_, work_.gradient, clip, found);
  }
  Evaluation validate(const EvaluateOptions& options) override {
    return detail::evaluate(model_, loss_, validation_, options, work_.cache, work_.head, validation_x_,
                            validation_targets_);
  }
  void initialize_copy(std::uint64_t seed, FunctionRef<const ModelRef&> use) const override {
    if constexpr (requires(M& m, Rng rng, Scheme scheme) { m.initialize(rng, scheme); }) {
      M drawn = model_;
      initialize(drawn, Rng(seed));
      use(ModelRef(drawn));
    }
  }

  Record state() const override { return state_.record(); }
  void load_state([[maybe_unused]] const Record& record) override {
    if constexpr (Streams<D>) {
      const std::vector<Index> first{0};
      make_batch(0, first);
      forward(model_, inference, made_[0].x, work_.cache, state_.into(data_, first));  // which gives it its shape
      state_.load(record);
    }
  }

  double rate() const override { return optimizer_.rate(); }
  void set_rate(double rate) override { optimizer_.set_rate(rate); }
  bool uses_moment(std::size_t slot) const override { return optimizer_.rule().uses(slot); }

  TypeId model_type() const override { return TypeId::of<M>(); }
  TypeId optimizer_type() const override { return TypeId::of<Optimizer<M, R>>(); }

 private:
  template <class Of> double weight_of(const Of& targets) const {
    HeadScratch<M> unused;
    decltype(auto) bound = bind_loss(loss_, model_, static_cast<M*>(nullptr), unused);
    if constexpr (requires { bound.weight(targets); })
      return bound.weight(targets);
    else
      return 1;
  }

  M& model_;
  const L& loss_;
  Optimizer<M, R>& optimizer_;
  const D &data_, &validation_;
  const typename BatchHook<D>::type& on_batch_;
  Workspace<M, Batch> work_;
  CarriedState<M, D> state_;
  EpochWindows<D> windows_;
  struct Made {
    Batch x;
    Targets targets;
  };
  std::unique_ptr<Made[]> made_;
  Made* present_ = nullptr;
  std::span<const Index> rows_;  ///< of the present batch
  Batch validation_x_;
  Targets validation_targets_;
};

template <class M, class L, class R, class D>
History fit(M& model, const L& loss, Optimizer<M, R>& optimizer, const D& data, const FitOptions<D>& options) {
  using Output = typename M::template Output<typename D::Batch>;
  const FitSettings settings = checked(settings_of(options, data));
  require_targets<BoundLoss<M, L>, Output>("fit: the data set", data);
  const D* const held_out = options.validation.get();
  if (held_out != nullptr) require_targets<BoundLoss<M, L>, Output>("fit: the validation data set", *held_out);
  TypedFitJob<M, L, R, D> job(model, loss, optimizer, data, options);
  return run_fit(job, settings);
}

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
