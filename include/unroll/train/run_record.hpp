// The parts of a run as records: weights, optimizer, and the sums of the present epoch.
#pragma once

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
  const auto& trainable = record.get<std::vector<std::int64_t>>("trainable");
  std::size_t count = 0;
  visit(
      [&](const Path& path, const auto& p) {
        const auto& saved = record.get<Matrix<typename std::remove_cvref_t<decltype(p)>::Scalar>>(path.str());
        require<FormatError>(saved.rows() == p.rows() && saved.cols() == p.cols(), "checkpoint: ", path.str(), " is ",
                             saved.rows(), " x ", saved.cols(), ", expected ", p.rows(), " x ", p.cols());
        ++count;
      },
      model);
  require<FormatError>(trainable.size() == count && record.values().size() == count + 1,
                       "checkpoint: of another model, with ", trainable.size(), " parameters, expected ", count);
  count = 0;
  visit(
      [&](const Path& path, auto& p) {
        using T = typename std::remove_cvref_t<decltype(p)>::Scalar;
        static_cast<Matrix<T>&>(p) = record.get<Matrix<T>>(path.str());
        p.trainable = trainable[count++] != 0;
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
template <class M, class O> void load_optimizer(const M& model, O& optimizer, const Record& record) {
  const auto& counts = record.get<std::vector<std::int64_t>>("counts");
  require<FormatError>(counts.size() == optimizer.counts().size(), "checkpoint: the optimizer has ", counts.size(),
                       " counts, expected ", optimizer.counts().size());
  std::size_t used = 2;
  const auto for_each_moment = [&](const auto& f) {
    optimizer.visit_state(model, [&](const Path& path, std::string_view moment, auto& m) {
      using T = typename std::remove_cvref_t<decltype(m)>::Scalar;
      const std::string name = concat(path.str(), ".", moment);
      f(static_cast<Matrix<T>&>(m), record.contains(name) ? &record.get<Matrix<T>>(name) : nullptr);
    });
  };
  for_each_moment([&](auto&, const auto* saved) { used += saved != nullptr ? 1 : 0; });
  require<FormatError>(record.values().size() == used, "checkpoint: of another optimizer, with ",
                       record.values().size() - 2, " moments, of which ", used - 2, " have a place here");
  optimizer.set_rate(record.number("rate"));
  std::copy(counts.begin(), counts.end(), optimizer.counts().begin());
  for_each_moment([&](auto& m, const auto* saved) {
    if (saved != nullptr)
      m = *saved;
    else
      m.resize(0, 0);
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
    const auto& s = record.get<std::vector<double>>("sums");
    const auto& k = record.get<std::vector<std::int64_t>>("counts");
    require<FormatError>(s.size() == 5 && k.size() == 5, "checkpoint: the sums of the epoch are not five");
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
  /// Throws where the run that was saved is not the one that these settings describe.
  static RunPosition from(const Record& record, const std::vector<std::int64_t>& settings) {
    constexpr const char* names[] = {"seed",    "batch_size",     "accumulate",         "number of training sequences",
                                     "shuffle", "similar_length", "number of callbacks"};
    const auto& saved = record.get<std::vector<std::int64_t>>("settings");
    require<FormatError>(saved.size() == settings.size(), "checkpoint: fit.settings has ", saved.size(),
                         " numbers, expected ", settings.size());
    for (std::size_t k = 0; k < settings.size(); ++k)
      require<FormatError>(saved[k] == settings[k], "checkpoint: the run that was saved had ", names[k], " ", saved[k],
                           ", this one has ", settings[k]);
    const auto& counters = record.get<std::vector<std::int64_t>>("counters");
    require<FormatError>(counters.size() == 3, "checkpoint: fit.counters has ", counters.size(),
                         " numbers, expected 3");
    RunPosition at{counters[0], counters[1], counters[2], Totals::from(record.part("totals")), {}};
    for (std::size_t k = 0; record.contains(concat("history.", k, ".numbers")); ++k)
      at.history.epochs.push_back(log_from_record(record.part(concat("history.", k))));
    at.history.message = record.get<std::string>("stopped");
    if (!at.history.message.empty()) at.history.stopped = Stopped::by_callback;
    return at;
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
