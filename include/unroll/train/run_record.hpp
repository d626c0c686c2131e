// The parts of a run as records: weights, optimizer, and the sums of the present epoch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <unroll/train/history.hpp>
#include <unroll/train/train_step.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// Every parameter by its path, and which of them are trainable.
template <class M> Record weights_record(const M& model) {
  Record record;
  std::vector<std::int64_t> trainable;
  visit(
      [&](const Path& path, const auto& p) {
        record.set(path.str(), Matrix<typename std::remove_cvref_t<decltype(p)>::Scalar>(p));
        trainable.push_back(p.trainable ? 1 : 0);
      },
      model);
  record.set("trainable", trainable);
  return record;
}
/// The model is as it was where this throws.
template <class M> void load_weights(M& model, const Record& record) {
  record.check_like(weights_record(model));
  const auto& trainable = record.get<std::vector<std::int64_t>>("trainable");
  std::size_t k = 0;
  visit(
      [&](const Path& path, auto& p) {
        using T = typename std::remove_cvref_t<decltype(p)>::Scalar;
        static_cast<Matrix<T>&>(p) = record.get<Matrix<T>>(path.str());
        p.trainable = trainable[k++] != 0;
      },
      model);
}

/// Rate, counts and moments; those that do not exist yet are left out.
template <class M, class O> Record optimizer_record(const M& model, const O& optimizer) {
  Record record;
  record.set("rate", optimizer.rate());
  record.set("counts", std::vector<std::int64_t>(optimizer.counts().begin(), optimizer.counts().end()));
  optimizer.visit_state(model, [&](const Path& path, std::string_view moment, const auto& m) {
    using T = typename std::remove_cvref_t<decltype(m)>::Scalar;
    if (m.size() > 0) record.set(concat(path.str(), ".", moment), Matrix<T>(m));
  });
  return record;
}
/// Throws where `load_optimizer` would not give back what was saved. Moments may be infinite: an update that divides by
/// one is zero, and the run that has one goes on.
template <class M, class O> void check_optimizer(const M& model, const O& optimizer, const Record& record) {
  const double rate = record.numbers("rate", 1).front();
  record.check(rate >= 0, "the optimizer's rate is ", rate, ", expected 0 or more");
  const auto& counts = record.counts("counts", optimizer.counts().size());
  std::vector<std::pair<Index, Index>> shapes;
  visit([&](const Path&, const auto& p) { shapes.emplace_back(p.rows(), p.cols()); }, model);
  std::size_t used = 2, k = 0;
  optimizer.visit_state(model, [&](const Path& path, std::string_view moment, const auto& m) {
    const std::size_t slot = k / shapes.size(), i = k++ % shapes.size();
    const auto [rows, cols] = shapes[i];
    const bool in_use = optimizer.rule().uses(slot);
    const std::string name = concat(path.str(), ".", moment);
    if (!record.contains(name)) {
      record.check(!in_use || counts[i] == 0 || rows * cols == 0, "no moment '", name, "', but ", counts[i],
                   " updates");
      return;
    }
    ++used;
    record.check(in_use, "a moment '", name, "', which this optimizer does not use");
    const auto& saved = record.get<Matrix<typename std::remove_cvref_t<decltype(m)>::Scalar>>(name);
    record.check(saved.rows() == rows && saved.cols() == cols, "the moment '", name, "' is ", saved.rows(), " x ",
                 saved.cols(), ", expected ", rows, " x ", cols);
  });
  record.check(record.values().size() == used, "of another optimizer, with ", record.values().size() - 2,
               " moments, of which ", used - 2, " have a place here");
}
/// What was checked.
template <class M, class O> void load_optimizer(const M& model, O& optimizer, const Record& record) {
  optimizer.set_rate(record.number("rate"));
  std::ranges::copy(record.get<std::vector<std::int64_t>>("counts"), optimizer.counts().begin());
  optimizer.visit_state(model, [&](const Path& path, std::string_view moment, auto& m) {
    using T = typename std::remove_cvref_t<decltype(m)>::Scalar;
    const std::string name = concat(path.str(), ".", moment);
    static_cast<Matrix<T>&>(m) = record.contains(name) ? record.get<Matrix<T>>(name) : Matrix<T>();
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
    log.training = {ratio(loss, weight), ratio(static_cast<double>(correct), count), count};
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
      r.insert(concat("history.", k), to_record(history.epochs[k]));
    return r;
  }
  /// Throws where the run that was saved is not the one that these settings describe, whose epochs have so many updates
  /// and sequences, or is nowhere that a run can be.
  static RunPosition from(const Record& record, const std::vector<std::int64_t>& settings, Index updates,
                          Index sequences) {
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
    for (std::size_t k = 0; record.contains(concat("history.", k, ".numbers")); ++k)
      at.history.epochs.push_back(log_from_record(record.part(concat("history.", k))));
    at.history.message = record.get<std::string>("stopped");
    if (!at.history.message.empty()) at.history.stopped = Stopped::by_callback;
    at.check(record, updates, sequences);
    return at;
  }

 private:
  void check(const Record& record, Index all, Index sequences) const {
    record.check(static_cast<Index>(history.epochs.size()) == epoch, epoch, " epochs are done, but the history has ",
                 history.epochs.size());
    for (Index k = 0; k < epoch; ++k) {
      const Index number = history.epochs[static_cast<std::size_t>(k)].epoch;
      record.check(number == k + 1, "epoch ", k + 1, " of the history says that it is epoch ", number);
    }
    record.check(batch <= all, batch, " updates of an epoch are done, which has ", all);
    // Divided, for a product might be too large.
    record.check(step >= batch && (step - batch) % all == 0 && (step - batch) / all == epoch, step,
                 " updates are done, but ", epoch, " epochs of ", all, " and ", batch, " of the next");
    const bool between = batch == 0 && (totals.updates == 0 || (epoch > 0 && totals.updates == all));
    record.check(totals.updates == batch || between, "the sums are those of ", totals.updates, " updates, expected ",
                 batch);
    record.check(totals.sequences <= sequences, "the sums are those of ", totals.sequences,
                 " sequences, but an epoch has ", sequences);
    record.check(history.stopped == Stopped::no || (epoch > 0 && batch == 0),
                 "the run was stopped by a callback, but not at the end of an epoch");
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
