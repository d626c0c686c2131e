// Bodies of train/fit_run.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/finite.hpp>
#include <unroll/core/parameters.hpp>
#include <unroll/data/batches.hpp>
#include <unroll/data/split.hpp>
#include <unroll/train/batch_parts.hpp>
#include <unroll/train/batch_reader.hpp>
#include <unroll/train/fit_job.hpp>
#include <unroll/train/fit_run.hpp>
#include <unroll/train/fit_start.hpp>
#include <unroll/train/not_finite.hpp>
#include <unroll/train/progress.hpp>
#include <unroll/train/run_record.hpp>
#include <unroll/train/run_store.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

class FitRun final : public Run {
  using Clock = std::chrono::steady_clock;

 public:
  FitRun(FitJob& job, const FitSettings& options)
      : job_(job),
        options_(options),
        split_(split_rows(job.size(), options)),
        batches_(in_batches(split_.training, job, options)) {
    draw_rows(0);
    for (const Callback& callback : options.callbacks) callbacks_.push_back(callback.copy());
    if (options.progress != nullptr) callbacks_.emplace_back(Progress(*options.progress));
  }

  History run() {
    if (options_.resume != nullptr) {
      options_.resume->load_run_(*this, *options_.resume);
    } else {
      initialize_if_forgotten(job_, options_.seed);
      call(&Callback::on_train_begin);
      save();
    }
    while (at_.epoch < options_.epochs && at_.history.stopped == Stopped::no) run_epoch();
    call(&Callback::on_train_end);
    return std::move(at_.history);
  }

  Index epoch() const override { return at_.epoch + 1; }
  Index epochs() const override { return options_.epochs; }
  Index batch() const override { return at_.batch; }
  Index batches() const override { return batches_.count(); }
  Index sequences() const override { return batches_.size(); }
  std::int64_t step() const override { return at_.step; }
  bool has_validation() const override { return options_.validation_size >= 0 || !split_.validation.empty(); }
  const History& history() const override { return at_.history; }
  EpochLog& log() override { return log_; }
  double rate() const override { return job_.rate(); }
  void set_rate(double rate) override { job_.set_rate(rate); }
  void freeze(std::string_view pattern) override { set_trainable(pattern, false); }
  void thaw(std::string_view pattern) override { set_trainable(pattern, true); }
  void stop(std::string why) override {
    at_.history.stopped = Stopped::by_callback;
    at_.history.message = std::move(why);
  }

 private:
  friend Resume;
  /// Those of an epoch, from 0. Nothing is held out of streams, so all of their windows are for training.
  void draw_rows(Index epoch) {
    const Index rows = job_.draw_rows(Rng(options_.seed).child(static_cast<std::uint64_t>(epoch)).child(2));
    if (options_.streams > 0 && rows != batches_.size())
      batches_ = in_batches(split_tail(rows, 0).training, job_, options_);
  }
  ModelRef model_ref() const override { return job_.model; }
  TypeId model_type() const override { return job_.model_type(); }
  void* model_address() override { return job_.model_address; }
  TypeId optimizer_type() const override { return job_.optimizer_type(); }
  void* optimizer_address() override { return job_.optimizer_address; }

  void set_trainable(std::string_view pattern, bool trainable) {
    SetTrainable set{pattern, trainable};
    job_.model.visit([&](const Path& path, const ParameterRef& p) { set.set(path, p.trainable()); });
    set.finish();
  }
  void call(void (Callback::*hook)(Run&)) {
    for (Callback& callback : callbacks_) (callback.*hook)(*this);
  }

  void run_epoch() {
    begin_ = Clock::now();
    draw_rows(at_.epoch);
    batches_.start_epoch(at_.epoch);
    if (at_.batch == 0) {
      at_.totals = {};
      log_ = {.epoch = at_.epoch + 1};
      for (std::size_t k = callbacks_.size(); k-- > 0;) callbacks_[k].on_updates_begin(*this);  // undone in reverse
      call(&Callback::on_epoch_begin);
    }
    const bool complete = run_batches() && weights_are_finite();
    call(&Callback::on_updates_end);
    if (!complete) return;
    if (has_validation()) validate();
    update_log();
    call(&Callback::on_epoch_end);
    at_.history.epochs.push_back(log_);
    ++at_.epoch;
    at_.batch = 0;
    save();
  }
  /// The rest of an epoch. False: it was ended.
  bool run_batches() {
    BatchReader reader(job_, parts_to_read(batches_, at_.batch, options_.batch_size), options_.prefetch);
    while (at_.batch < batches_.count()) {
      if (options_.stop.stop_requested()) {
        if (!weights_are_finite()) return false;
        save();
        at_.history.stopped = Stopped::by_request;
        at_.history.message = concat_text("fit: stopped on request in epoch ", at_.epoch + 1, " after ", at_.batch,
                                          " of ", batches_.count(), " updates");
        return false;
      }
      if (!run_batch(reader, batches_[at_.batch])) return false;
      ++at_.batch, ++at_.step;
      log_.rate = job_.rate();
      update_log();
      call(&Callback::on_batch_end);
      if (at_.history.stopped != Stopped::no) {
        save_unfinished();
        return false;
      }
      if (options_.checkpoint_every > 0 && at_.step % options_.checkpoint_every == 0 && at_.batch < batches_.count()) {
        if (!weights_are_finite()) return false;
        save();
      }
    }
    return true;
  }

  /// One update, from all parts of a batch. False: its loss or gradient was no finite number, and there was none.
  bool run_batch(BatchReader& reader, std::span<const Index> rows) {
    const std::size_t parts = BatchParts(rows, options_.batch_size).count();
    double whole = 0;
    BatchSize whole_size;
    for (std::size_t k = 0; parts > 1 && k < parts; ++k) {
      reader.next();
      whole += job_.weight();
      whole_size += job_.batch_size();
    }
    Context context{.training = true, .seed = options_.seed, .step = static_cast<std::uint64_t>(at_.step)};
    StepResult all;
    for (std::size_t k = 0; k < parts; ++k) {
      reader.next();
      context.first_row = static_cast<Index>(k) * (options_.streams > 0 ? options_.streams : options_.batch_size);
      if (parts > 1) context.share = job_.batch_size().share_of(whole_size);
      const StepResult some = job_.add_gradient(context, whole);
      all.loss += some.loss * some.weight;
      all.weight += some.weight;
      all.correct += some.correct;
      all.count += some.count;
      all.finite = all.finite && some.finite;
    }
    if (options_.on_gradient != nullptr) call_hook(all);
    {
      const ScaledRate scaled(job_, job_.rate_scale(rows));
      all = job_.apply_gradient(
          {options_.clip_norm, options_.clip_each_norm, options_.clip_value, options_.clip_epsilon}, all);
    }
    if (!all.finite) {
      stop_at_update(at_, job_, options_, batches_.count(), all);
      return false;
    }
    at_.totals.add(all, static_cast<Index>(rows.size()));
    return true;
  }
  /// What it leaves in the sums is what the update has found.
  void call_hook(StepResult& all) {
    const auto touch_tables = [this] { job_.touch_tables(); };
    BatchGradient batch(job_.gradient(), touch_tables, at_.step, all);
    options_.on_gradient(batch);
    all.loss = batch.loss;
    all.weight = batch.weight;
    all.correct = batch.correct;
    all.count = batch.count;
    all.finite = all.finite && has_finite_bits(all.loss);
  }
  /// Looked at where a run is saved or ends: once an epoch costs nothing, once an update would.
  bool weights_are_finite() { return !stop_at_weights(at_, job_, options_, batches_.count()); }

  void update_log() {
    const auto now = Clock::now();
    at_.totals.seconds += std::chrono::duration<double>(now - begin_).count();
    begin_ = now;
    at_.totals.write(log_);
  }
  void validate() {
    log_.validation =
        job_.validate({.batch_size = options_.batch_size, .rows = split_.validation, .metrics = options_.metrics});
  }

  // ---- a run that can be resumed: see run_store.ipp
  void save() {
    if (options_.checkpoint != nullptr) options_.checkpoint->save_run_(*this, *options_.checkpoint);
  }
  /// In mid-epoch: an interruption, after which the run goes on when it is resumed.
  void save_unfinished() {
    if (!weights_are_finite()) return;
    const std::string why = std::exchange(at_.history.message, {});
    save();
    at_.history.message = why;
  }

  FitJob& job_;
  const FitSettings& options_;
  Split split_;
  Batches batches_;
  std::vector<Callback> callbacks_;

  RunPosition at_;
  EpochLog log_;
  Clock::time_point begin_;
};

UNROLL_FUNCTION FitSettings checked(const FitSettings& settings) {
  check_options(settings);
  if (settings.streams == 0) return settings;
  check_stream_options(settings);
  FitSettings of_windows = settings;
  of_windows.batch_size = 1;
  of_windows.shuffle = false;
  return of_windows;
}
UNROLL_FUNCTION History run_fit(FitJob& job, const FitSettings& settings) { return FitRun(job, settings).run(); }

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
