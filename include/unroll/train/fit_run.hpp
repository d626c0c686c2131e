// A run of fit.
#pragma once

#include <chrono>

#include <unroll/train/evaluate.hpp>
#include <unroll/train/fit_options.hpp>
#include <unroll/train/progress.hpp>
#include <unroll/train/run_record.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

template <class M, class L, class O, class D> class FitRun final : public Run {
  using Batch = typename D::Batch;
  using T = unroll::ScalarOf<typename M::template Output<Batch>>;
  using Clock = std::chrono::steady_clock;

 public:
  FitRun(M& model, const L& loss, O& optimizer, const D& data, const FitOptions<D>& options)
      : model_(model),
        loss_(loss),
        optimizer_(optimizer),
        data_(data),
        options_(options),
        split_(split(data, options)),
        batches_(split_.training,
                 {.batch_size = options.batch_size * options.accumulate,
                  .shuffle = options.shuffle,
                  .similar_length = options.similar_length,
                  .seed = options.seed},
                 [&](Index row) { return data.length(row); }),
        work_(model) {
    for (const Callback& callback : options.callbacks) callbacks_.push_back(callback.copy());
    if (options.progress != nullptr) callbacks_.emplace_back(Progress(*options.progress));
  }

  History run() {
    if (options_.resume != nullptr) {
      load(options_.resume->load());
    } else {
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
  bool has_validation() const override { return options_.validation != nullptr || !split_.validation.empty(); }
  const History& history() const override { return at_.history; }
  EpochLog& log() override { return log_; }
  double rate() const override { return optimizer_.rate(); }
  void set_rate(double rate) override { optimizer_.set_rate(rate); }
  void freeze(std::string_view pattern) override { unroll::freeze(model_, pattern); }
  void thaw(std::string_view pattern) override { unroll::thaw(model_, pattern); }
  Record weights() const override { return weights_record(model_); }
  void set_weights(const Record& weights) override { load_weights(model_, weights); }
  void stop(std::string why) override {
    at_.history.stopped = Stopped::by_callback;
    at_.history.message = std::move(why);
  }

 private:
  const std::type_info& model_type() const override { return typeid(M); }
  void* model_address() override { return &model_; }
  const std::type_info& optimizer_type() const override { return typeid(O); }
  void* optimizer_address() override { return &optimizer_; }

  static Split split(const D& data, const FitOptions<D>& o) {
    require(o.epochs >= 0, "fit: epochs is ", o.epochs, ", expected 0 or more");
    require(o.batch_size > 0 && o.accumulate > 0, "fit: batch_size is ", o.batch_size, " and accumulate ", o.accumulate,
            ", expected at least 1");
    require((o.validation_split != 0) + (o.validation_shuffled != 0) + (o.validation != nullptr) <= 1,
            "fit: validation_split, validation_shuffled and validation exclude each other");
    require((o.clip_norm != 0) + (o.clip_each_norm != 0) + (o.clip_value != 0) <= 1,
            "fit: clip_norm, clip_each_norm and clip_value exclude each other");
    require(o.validation == nullptr || o.validation->size() > 0, "fit: the validation data have no sequence");
    require(o.clip_norm >= 0 && o.clip_each_norm >= 0 && o.clip_value >= 0, "fit: a limit to clip at is negative");
    Split of = o.validation_shuffled > 0 ? split_shuffled(data.size(), o.validation_shuffled, Rng(o.seed).child(~0ull))
                                         : split_tail(data.size(), o.validation_split);
    require(!of.training.empty(), "fit: there is nothing to train on: ", data.size(), " sequences, of which ",
            of.validation.size(), " are held out");
    return of;
  }
  void call(void (Callback::*hook)(Run&)) {
    for (Callback& callback : callbacks_) (callback.*hook)(*this);
  }

  void run_epoch() {
    begin_ = Clock::now();
    batches_.start_epoch(at_.epoch);
    if (at_.batch == 0) {
      at_.totals = {};
      log_ = {.epoch = at_.epoch + 1};
      call(&Callback::on_epoch_begin);
    }
    complete_gradient(model_, work_.gradient);
    while (at_.batch < batches_.count()) {
      if (options_.stop.stop_requested()) {
        save();
        at_.history.stopped = Stopped::by_request;
        at_.history.message = concat("fit: stopped on request in epoch ", at_.epoch + 1, " after ", at_.batch, " of ",
                                     batches_.count(), " updates");
        return;
      }
      if (!run_batch(batches_[at_.batch])) return;
      ++at_.batch, ++at_.step;
      log_.rate = optimizer_.rate();
      update_log();
      call(&Callback::on_batch_end);
      if (at_.history.stopped != Stopped::no) return save_unfinished();
      if (options_.checkpoint_every > 0 && at_.step % options_.checkpoint_every == 0 && at_.batch < batches_.count())
        save();
    }
    if (has_validation()) validate();
    update_log();
    call(&Callback::on_epoch_end);
    at_.history.epochs.push_back(log_);
    ++at_.epoch;
    at_.batch = 0;
    save();
  }

  void load_batch(std::span<const Index> rows) {
    data_.fill(rows, x_);
    data_.fill_targets(rows, x_.packing, targets_);
  }
  /// One update, from all parts of a batch. False: its loss or gradient was no finite number, and there was none.
  bool run_batch(std::span<const Index> rows) {
    const auto part_size = static_cast<std::size_t>(options_.batch_size);
    const auto part = [&](std::size_t first) { return rows.subspan(first, std::min(part_size, rows.size() - first)); };
    double whole = 0;
    if (rows.size() > part_size)
      for (std::size_t first = 0; first < rows.size(); first += part_size) {
        load_batch(part(first));
        whole += targets_.are_labels ? weight_of(targets_.labels) : weight_of(targets_.values);
      }
    Context context{.training = true, .seed = options_.seed, .step = static_cast<std::uint64_t>(at_.step)};
    StepResult all;
    for (std::size_t first = 0; first < rows.size(); first += part_size) {
      load_batch(part(first));
      context.first_row = static_cast<Index>(first);
      const StepResult some = add_gradient(model_, loss_, x_, targets_, work_, context, whole);
      all.loss += some.loss * some.weight;
      all.weight += some.weight;
      all.correct += some.correct;
      all.count += some.count;
      all.finite = all.finite && some.finite;
    }
    all = apply_gradient(model_, optimizer_, work_.gradient,
                         {options_.clip_norm, options_.clip_each_norm, options_.clip_value}, all);
    if (!all.finite) {
      report_not_finite(all);
      return false;
    }
    at_.totals.add(all, static_cast<Index>(rows.size()));
    return true;
  }
  template <class Of> double weight_of(const Of& targets) const {
    if constexpr (requires { loss_.weight(targets); })
      return loss_.weight(targets);
    else
      return 1;
  }
  void report_not_finite(const StepResult& result) {
    at_.history.stopped = Stopped::not_finite;
    at_.history.message = concat(
        "fit: in epoch ", at_.epoch + 1, ", batch ", at_.batch + 1, " of ", batches_.count(), " the ",
        has_finite_bits(result.loss) ? "gradient" : "loss", " is not a finite number (loss ",
        result.weight > 0 ? result.loss / result.weight : result.loss, ", gradient norm ", result.gradient_norm,
        "; largest gradient norm of this epoch before ", at_.totals.largest_norm,
        "). The weights are those before this batch. Lower the rate (", optimizer_.rate(), ")",
        options_.clip_norm > 0 ? "" : ", clip the gradient (clip_norm = 1)", " or look for bad numbers in the data");
  }

  void update_log() {
    const auto now = Clock::now();
    at_.totals.seconds += std::chrono::duration<double>(now - begin_).count();
    begin_ = now;
    at_.totals.write(log_);
  }
  void validate() {
    const D& data = options_.validation != nullptr ? *options_.validation : data_;
    log_.validation =
        detail::evaluate(model_, loss_, data, {.batch_size = options_.batch_size, .rows = split_.validation},
                         work_.cache, validation_x_, validation_targets_);
  }

  // ---- a run that can be resumed
  std::vector<std::int64_t> settings() const {
    const std::size_t own = options_.progress != nullptr ? 1 : 0;
    return {static_cast<std::int64_t>(options_.seed),          options_.batch_size, options_.accumulate,
            static_cast<std::int64_t>(split_.training.size()), options_.shuffle,    options_.similar_length,
            static_cast<std::int64_t>(callbacks_.size() - own)};
  }
  void save() {
    if (options_.checkpoint == nullptr) return;
    Record record;
    record.insert("fit", at_.record(settings()));
    record.insert("model", weights_record(model_));
    record.insert("optimizer", optimizer_record(model_, optimizer_));
    for (std::size_t k = 0; k < callbacks_.size(); ++k) {
      Record own;
      callbacks_[k].save(own);
      record.insert(concat("callback.", k), own);
    }
    options_.checkpoint->save(record);
  }
  /// In mid-epoch: an interruption, after which the run goes on when it is resumed.
  void save_unfinished() {
    const std::string why = std::exchange(at_.history.message, {});
    save();
    at_.history.message = why;
  }
  /// Before on_train_begin callbacks learn where the run is, after it everything is as it was.
  void load(const Record& record) {
    at_ = RunPosition::from(record.part("fit"), settings());
    log_.epoch = at_.epoch + 1;
    at_.totals.write(log_);
    call(&Callback::on_train_begin);
    load_weights(model_, record.part("model"));
    load_optimizer(model_, optimizer_, record.part("optimizer"));
    for (std::size_t k = 0; k < callbacks_.size(); ++k) callbacks_[k].load(record.part(concat("callback.", k)));
  }

  M& model_;
  const L& loss_;
  O& optimizer_;
  const D& data_;
  const FitOptions<D>& options_;
  Split split_;
  Batches batches_;
  Workspace<M, Batch> work_;
  Batch x_, validation_x_;
  BatchTargets<T> targets_, validation_targets_;
  std::vector<Callback> callbacks_;

  RunPosition at_;
  EpochLog log_;
  Clock::time_point begin_;
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
