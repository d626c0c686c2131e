// Bodies of train/weight_average.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <unroll/core/range.hpp>
#include <unroll/kernel/sweep.hpp>
#include <unroll/train/early_stopping.hpp>
#include <unroll/train/weight_average.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
template <class T> Matrix<T>& matrix_of(OtherWeights& of) {
  if constexpr (std::is_same_v<T, float>)
    return of.floats;
  else
    return of.doubles;
}
/// a += share (w - a)
template <class T> struct MoveTo {
  T share;
  template <class V> UNROLL_INLINE void operator()(const V& w, V& a) const { a = fma(V(share), w - a, a); }
};
/// Whether the last of the metrics of all epochs is worse than the best of those but the last `patience` before it.
inline bool stopped_improving(const History& before, double last, std::string_view monitor, Goal goal, int patience) {
  std::optional<double> best;
  for (std::size_t k = 0; k + static_cast<std::size_t>(patience) < before.epochs.size(); ++k)
    if (const auto value = before.epochs[k].find(monitor); value && improved(*value, best, goal, 0)) best = value;
  return best && (goal == Goal::minimize ? last > *best : last < *best);
}
}  // namespace detail

UNROLL_FUNCTION void WeightAverage::on_train_begin(Run& run) {
  constexpr const char* who = "WeightAverage";
  detail::require_at_least(who, "epoch", epoch, 1);
  detail::require_fraction(who, "decay", decay);
  detail::require_at_least(who, "patience", patience, 0);
  if (kind == Averaging::non_monotone) detail::check_monitor(who, run, monitor);
  first_epoch = first_of_kind();
  count = 0, in_model = false, other = {};
}
UNROLL_FUNCTION Index WeightAverage::first_of_kind() const {
  return kind == Averaging::since_epoch ? epoch : kind == Averaging::exponential ? 1 : 0;
}
UNROLL_FUNCTION void WeightAverage::on_updates_begin(Run& run) {
  if (in_model) exchange(run);
}
UNROLL_FUNCTION void WeightAverage::on_batch_end(Run& run) {
  if (first_epoch == 0 || run.epoch() < first_epoch) return;
  if (other.empty())
    run.visit([&]<class T>(const Path& path, const Parameter<T>& p) {
      detail::matrix_of<T>(other.emplace_back(detail::OtherWeights{path.str(), {}, {}})) =
          Matrix<T>::Zero(p.rows(), p.cols());
    });
  const double k = static_cast<double>(++count);
  const double share = kind == Averaging::exponential ? (1 - decay) / -std::expm1(k * std::log(decay)) : 1 / k;
  std::size_t next = 0;
  run.visit([&]<class T>(const Path&, const Parameter<T>& w) {
    T* const a = detail::matrix_of<T>(other[next++]).data();
    detail::sweep(w.size(), detail::MoveTo<T>{static_cast<T>(share)}, w.data(), a);
  });
}
UNROLL_FUNCTION void WeightAverage::on_updates_end(Run& run) {
  if (count > 0 && !in_model) exchange(run);
}
UNROLL_FUNCTION void WeightAverage::on_epoch_end(Run& run) {
  if (kind != Averaging::non_monotone || first_epoch > 0) return;
  const double last = detail::monitored("WeightAverage", run, monitor);
  if (detail::stopped_improving(run.history(), last, monitor, detail::goal_of(monitor, goal), patience))
    first_epoch = run.epoch() + 1;
}
UNROLL_FUNCTION void WeightAverage::exchange(Run& run) {
  std::size_t next = 0;
  run.visit([&]<class T>(const Path&, Parameter<T>& w) {
    std::swap_ranges(w.data(), w.data() + w.size(), detail::matrix_of<T>(other[next++]).data());
  });
  in_model = !in_model;
}

UNROLL_FUNCTION void WeightAverage::save(Record& record) const {
  record.set("kind", static_cast<int>(kind));
  record.set("first_epoch", first_epoch);
  record.set("count", count);
  record.set("in_model", in_model ? 1 : 0);
  for (const detail::OtherWeights& of : other) {
    const std::string name = concat_text("other.", of.path);
    if (of.floats.size() > 0)
      record.set(name, of.floats);
    else
      record.set(name, of.doubles);
  }
}
UNROLL_FUNCTION void WeightAverage::load(const Record& record, const Run& run) {
  const auto saved_kind = record.integer("kind", 0, static_cast<int>(Averaging::exponential));
  record.check(saved_kind == static_cast<int>(kind), "WeightAverage: the average is of another kind");
  first_epoch = detail::as<Index>(record.integer("first_epoch", 0, detail::most_epochs));
  const bool by_metric = kind == Averaging::non_monotone;
  const Index expected_first = by_metric ? (std::min)(first_epoch, run.epoch()) : first_of_kind();
  record.check(first_epoch == expected_first, "WeightAverage: the average begins with epoch ", first_epoch,
               ", expected ", by_metric ? "at most " : "", expected_first);
  count = record.integer("count", 0, run.step());
  in_model = record.integer("in_model", 0, 1) == 1;
  record.check(!in_model || (count > 0 && run.batch() == 0), "WeightAverage: the average is in the model, but ",
               count > 0 ? "not at the end of an epoch" : "there is none");
  other.clear();
  const Record weights = record.part("other");
  Record expected;
  if (count > 0)
    run.visit([&]<class T>(const Path& path, const Parameter<T>& p) { expected.set(path.str(), Matrix<T>(p)); });
  weights.check_like(expected);
  if (count > 0)
    run.visit([&]<class T>(const Path& path, const Parameter<T>&) {
      auto& of = other.emplace_back(detail::OtherWeights{path.str(), {}, {}});
      detail::matrix_of<T>(of) = weights.get<Matrix<T>>(path.str());
    });
}

}  // namespace unroll::inline UNROLL_ABI
