// The parts of a run as records: optimizer, the sums of the present epoch, and where the run is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unroll/core/function_ref.hpp>
#include <unroll/core/model_ref.hpp>
#include <unroll/train/epoch_record.hpp>
#include <unroll/train/fit_job.hpp>
#include <unroll/train/history.hpp>
#include <unroll/train/step_result.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

inline std::string name_of_moment(const FitJob& job, std::size_t parameter, std::size_t slot) {
  return concat_text(job.optimizer.paths[parameter], ".", job.moments[slot]);
}

/// Rate, counts and moments; those that do not exist yet are left out.
inline Record optimizer_record(const FitJob& job) {
  Record record;
  record.set("rate", job.rate());
  record.set("counts", job.optimizer.counts);
  for (std::size_t k = 0; k < job.optimizer.paths.size(); ++k)
    for (std::size_t slot = 0; slot < job.moments.size(); ++slot) {
      const auto& floats = job.optimizer.moment<float>(k, slot);
      const auto& doubles = job.optimizer.moment<double>(k, slot);
      if (floats.size() > 0) record.set(name_of_moment(job, k, slot), floats);
      if (doubles.size() > 0) record.set(name_of_moment(job, k, slot), doubles);
    }
  return record;
}
/// Throws where `load_optimizer` would not give back what was saved. Moments may be infinite: an update that divides by
/// one is zero, and the run that has one goes on.
inline void check_optimizer(const FitJob& job, const Record& record) {
  const double rate = record.numbers("rate", 1).front();
  record.check(rate >= 0, "the optimizer's rate is ", rate, ", expected 0 or more");
  const auto& counts = record.counts("counts", job.optimizer.counts.size());
  std::size_t used = 2;
  const auto check_moment = [&](std::size_t k, std::size_t slot, const ParameterRef& p) {
    const Index rows = p.rows(), cols = p.cols();
    const bool in_use = job.uses_moment(slot);
    job.optimizer.check_parameter(k);
    const std::string name = name_of_moment(job, k, slot);
    if (!record.contains(name)) {
      record.check(!in_use || counts[k] == 0 || rows * cols == 0, "no moment '", name, "', but ", counts[k],
                   " updates");
      return;
    }
    ++used;
    record.check(in_use, "a moment '", name, "', which this optimizer does not use");
    p.with([&]<class T>(const Parameter<T>&) {
      const auto& saved = record.get<Matrix<T>>(name);
      record.check(saved.rows() == rows && saved.cols() == cols, "the moment '", name, "' is ", saved.rows(), " x ",
                   saved.cols(), ", expected ", rows, " x ", cols);
    });
  };
  for (std::size_t slot = 0; slot < job.moments.size(); ++slot) {
    std::size_t next = 0;
    job.model.visit([&](const Path&, const ParameterRef& p) { check_moment(next++, slot, p); });
  }
  record.check(record.values().size() == used, "of another optimizer, with ", record.values().size() - 2,
               " moments, of which ", used - 2, " have a place here");
}
/// What was checked.
inline void load_optimizer(FitJob& job, const Record& record) {
  job.set_rate(record.number("rate"));
  std::ranges::copy(record.get<std::vector<std::int64_t>>("counts"), job.optimizer.counts.begin());
  std::size_t next = 0;
  job.model.visit([&](const Path&, const ParameterRef& any) {
    const std::size_t k = next++;
    any.with([&]<class T>(const Parameter<T>&) {
      for (std::size_t slot = 0; slot < job.moments.size(); ++slot) {
        const std::string name = name_of_moment(job, k, slot);
        job.optimizer.moment<T>(k, slot) = record.contains(name) ? record.get<Matrix<T>>(name) : Matrix<T>();
      }
    });
  });
}

/// Sums over the updates of an epoch so far.
struct Totals {
  double loss = 0, weight = 0, norm = 0, largest_norm = 0, seconds = 0;
  Index correct = 0, count = 0, updates = 0, clipped = 0, sequences = 0;

  /// The result's loss is a sum here, not a mean.
  void add(const StepResult& result, Index rows) {
    loss += result.loss;
    weight += result.weight;
    norm += result.gradient_norm;
    largest_norm = (std::max)(largest_norm, result.gradient_norm);
    correct += result.correct;
    count += result.count;
    ++updates;
    clipped += result.clipped ? 1 : 0;
    sequences += rows;
  }
  void write(EpochLog& log) const {
    const auto ratio = [](double a, auto b) { return b > 0 ? a / static_cast<double>(b) : 0; };
    log.training.loss = ratio(loss, weight);
    log.training.accuracy = ratio(static_cast<double>(correct), count);
    log.training.count = count;
    log.gradient_norm = ratio(norm, updates);
    log.largest_gradient_norm = largest_norm;
    log.clipped = ratio(static_cast<double>(clipped), updates);
    log.seconds = seconds;
    log.sequences = sequences;
  }
  Record record() const {
    Record r;
    r.set("sums", std::vector<double>{loss, weight, norm, largest_norm, seconds});
    r.set("counts", std::vector<std::int64_t>{correct, count, updates, clipped, sequences});
    return r;
  }
  static Totals from(const Record& record) {
    const auto& s = record.numbers("sums", 5);
    for (std::size_t k = 1; k < 5; ++k) record.check(s[k] >= 0, "a sum of the epoch is ", s[k], ", expected 0 or more");
    const auto& saved = record.counts("counts", 5);
    const std::vector<Index> k(saved.begin(), saved.end());
    record.check(k[0] <= k[1], "of ", k[1], " decisions ", k[0], " were right");
    record.check(k[3] <= k[2], "of ", k[2], " updates ", k[3], " were clipped");
    return {s[0], s[1], s[2], s[3], s[4], k[0], k[1], k[2], k[3], k[4]};
  }
};

/// How much there is of an epoch.
struct EpochSize {
  Index updates, sequences;
};

/// Where a run is: all of it but the model, the optimizer and the callbacks.
struct RunPosition {
  Index epoch = 0, batch = 0;  ///< from 0: done, of the epoch
  std::int64_t step = 0;
  Totals totals{};
  History history{};

  Record record(std::vector<std::int64_t> settings) const {
    Record r;
    r.set("settings", std::move(settings));
    r.set("counters", std::vector<std::int64_t>{epoch, batch, step});
    r.set("stopped", history.message);
    r.insert("totals", totals.record());
    for (std::size_t k = 0; k < history.epochs.size(); ++k)
      r.insert(concat_text("history.", k), to_record(history.epochs[k]));
    return r;
  }
  /// Throws where the run that was saved is not the one that these settings describe, or is nowhere that a run can be.
  /// `size_of` writes the size of an epoch, from 0.
  static RunPosition from(const Record& record, const std::vector<std::int64_t>& settings,
                          FunctionRef<Index, EpochSize&> size_of) {
    constexpr const char* names[] = {"seed",    "batch_size",     "accumulate",         "number of training sequences",
                                     "shuffle", "similar_length", "number of callbacks"};
    const auto& saved = record.get<std::vector<std::int64_t>>("settings");
    record.check(saved.size() == settings.size(), "fit.settings has ", saved.size(), " numbers, expected ",
                 settings.size());
    for (std::size_t k = 0; k < settings.size(); ++k)
      record.check(saved[k] == settings[k], "the run that was saved had ", names[k], " ", saved[k], ", this one has ",
                   settings[k]);
    const auto& counters = record.counts("counters", 3);
    RunPosition at{static_cast<Index>(counters[0]),
                   static_cast<Index>(counters[1]),
                   counters[2],
                   Totals::from(record.part("totals")),
                   {}};
    for (std::size_t k = 0; record.contains(concat_text("history.", k, ".numbers")); ++k)
      at.history.epochs.push_back(log_from_record(record.part(concat_text("history.", k))));
    at.history.message = record.get<std::string>("stopped");
    if (!at.history.message.empty()) at.history.stopped = Stopped::by_callback;
    at.check(record, size_of);
    return at;
  }

 private:
  void check(const Record& record, FunctionRef<Index, EpochSize&> size_of) const {
    record.check(static_cast<Index>(history.epochs.size()) == epoch, epoch, " epochs are done, but the history has ",
                 history.epochs.size());
    for (Index k = 0; k < epoch; ++k) {
      const Index number = history.epochs[static_cast<std::size_t>(k)].epoch;
      record.check(number == k + 1, "epoch ", k + 1, " of the history says that it is epoch ", number);
    }
    EpochSize last{}, present{};
    std::int64_t before = 0;
    for (Index k = 0; k < epoch; ++k, before += last.updates) size_of(k, last);
    size_of(epoch, present);
    record.check(batch <= present.updates, batch, " updates of an epoch are done, which has ", present.updates);
    record.check(step == before + batch, step, " updates are done, but ", before, " in ", epoch, " epochs and ", batch,
                 " in the next");
    const bool between = batch == 0 && (totals.updates == 0 || (epoch > 0 && totals.updates == last.updates));
    record.check(totals.updates == batch || between, "the sums are those of ", totals.updates, " updates, expected ",
                 batch);
    const Index sequences = (std::max)(present.sequences, last.sequences);
    record.check(totals.sequences <= sequences, "the sums are those of ", totals.sequences,
                 " sequences, but an epoch has ", sequences);
    record.check(history.stopped == Stopped::no || (epoch > 0 && batch == 0),
                 "the run was stopped by a callback, but not at the end of an epoch");
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
