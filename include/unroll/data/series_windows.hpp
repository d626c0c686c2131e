// Windows over a long series: what was, and what is to be forecast.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/data/targets.hpp>

namespace unroll::inline UNROLL_ABI {

struct WindowOptions {
  Index look_back = 96;  ///< steps that the model sees
  Index horizon = 24;    ///< steps after them that it is to forecast
  Index stride = 1;      ///< from the begin of a window to that of the next
  /// Features that are to be forecast; none: all.
  std::vector<Index> targets = {};
  /// Every one of them is a series of its own: a window has one feature, and its target is that feature's future.
  bool each_alone = false;
  /// Steps at which something new begins, after a gap in the record: no window reaches across one.
  std::vector<Index> breaks = {};
};

namespace detail {
/// Where windows begin whose targets are all in [first, last), in a series of `steps`; those begin at `from` or later.
UNROLL_API std::vector<Index> window_starts(const WindowOptions& options, Index steps, Index from, Index first,
                                            Index last);
UNROLL_API void check_window_options(const WindowOptions& options, Index features, Index steps);
UNROLL_API void check_window_rows(std::span<const Index> rows, Index size);
}  // namespace detail

/// A data set of all windows of a series (D, steps), a column a step: each a sequence of `look_back` steps of all D
/// features, and as its target a column (C H) of numbers, row h C + c feature targets[c] of the step h + 1 after it.
/// The series is kept once, for all windows and all parts of it; batches are filled from it.
template <class T = float> class SeriesWindows {
 public:
  using Batch = PackedSequence<T>;

  SeriesWindows() = default;
  /// Throws for options without meaning, a number that is not finite, and where the series, or what is between its
  /// breaks, is shorter than a window.
  UNROLL_API explicit SeriesWindows(Matrix<T> series, WindowOptions options = {});

  Index size() const { return static_cast<Index>(offsets_.size()); }
  Index length(Index) const { return options_.look_back; }
  /// Of a window.
  Index features() const { return options_.each_alone ? 1 : size_of(0); }
  /// Steps of the series.
  Index steps() const { return size_of(1); }
  const WindowOptions& options() const { return options_; }
  /// C H: rows of the targets, and of the model's output.
  Index outputs() const { return (options_.each_alone ? 1 : channels()) * options_.horizon; }
  bool has_targets() const { return size() > 0; }

  /// The step at which window k begins, and the first of its features.
  Index start(Index k) const { return checked_offset(k) / size_of(0); }
  Index feature(Index k) const { return checked_offset(k) % size_of(0); }
  /// (D, look_back), no copy.
  auto operator[](Index k) const { return series_->block(feature(k), start(k), features(), options_.look_back); }
  /// (D, steps)
  const Matrix<T>& series() const { return *series_; }
  /// (C H, n): the targets of all windows, as `infer` gives forecasts of them.
  Matrix<T> truth() const {
    Matrix<T> all(outputs(), size());
    for (Index k = 0; k < size(); ++k) copy_target(k, all.data() + k * all.rows());
    return all;
  }

  UNROLL_API void fill(std::span<const Index> rows, PackedSequence<T>& batch) const;
  template <class U>
  UNROLL_API void fill_targets(std::span<const Index> rows, const Packing& packing, BatchTargets<U>& out) const;
  /// These windows alone, in this order.
  UNROLL_API SeriesWindows select(std::span<const Index> rows) const;
  /// The windows whose targets are all within the steps [first, last); what they look back on may be before. With
  /// `closed` it may not. Throws where there is none, unless first is last.
  UNROLL_API SeriesWindows within(Index first, Index last, bool closed = false) const;

 private:
  Index size_of(int axis) const { return series_ == nullptr ? 0 : axis == 0 ? series_->rows() : series_->cols(); }
  Index channels() const { return options_.targets.empty() ? size_of(0) : static_cast<Index>(options_.targets.size()); }
  Index offset(Index k) const { return offsets_[static_cast<std::size_t>(k)]; }
  Index checked_offset(Index k) const {
    detail::check_window_rows(std::span(&k, 1), size());
    return offset(k);
  }
  Index target(Index c) const { return options_.targets.empty() ? c : options_.targets[static_cast<std::size_t>(c)]; }
  template <class U> void copy_target(Index k, U* to) const {
    const Index D = size_of(0);
    const T* from = series_->data() + offset(k) + options_.look_back * D;
    for (Index h = 0; h < options_.horizon; ++h, from += D)
      if (options_.each_alone)
        *to++ = static_cast<U>(*from);
      else
        for (Index c = 0; c < channels(); ++c) *to++ = static_cast<U>(from[target(c)]);
  }
  /// Windows that begin at these steps.
  void place(const std::vector<Index>& starts) {
    offsets_.clear();
    for (const Index start : starts)
      for (Index c = 0; c < (options_.each_alone ? channels() : 1); ++c)
        offsets_.push_back(start * size_of(0) + (options_.each_alone ? target(c) : 0));
  }

  std::shared_ptr<const Matrix<T>> series_;
  WindowOptions options_;
  std::vector<Index> offsets_;  ///< of each window's first number in the series
};

template <class T>
SeriesWindows<T>::SeriesWindows(Matrix<T> series, WindowOptions options) : options_(std::move(options)) {
  detail::check_window_options(options_, series.rows(), series.cols());
  if (const Index k = detail::find_not_finite(series.data(), series.size()); k >= 0)
    fail("SeriesWindows: feature ", k % series.rows(), " of step ", k / series.rows(), " is ", series.data()[k],
         ", expected a finite number; fill the hole, or cut it out and name the cut in `breaks`");
  series_ = std::make_shared<const Matrix<T>>(std::move(series));
  place(detail::window_starts(options_, steps(), 0, 0, steps()));
}
template <class T> void SeriesWindows<T>::fill(std::span<const Index> rows, PackedSequence<T>& batch) const {
  detail::check_window_rows(rows, size());
  const Index D = features(), all = size_of(0), L = options_.look_back, B = static_cast<Index>(rows.size());
  batch.packing.assign(B, L, [](Index, Index) { return true; });
  batch.values.resize(D, L * B);
  for (Index b = 0; b < B; ++b) {
    const T* from = series_->data() + offset(rows[static_cast<std::size_t>(b)]);
    T* to = batch.values.data() + b * D;
    for (Index t = 0; t < L; ++t, from += all, to += B * D)
      for (Index d = 0; d < D; ++d) to[d] = from[d];
  }
}
template <class T>
template <class U>
void SeriesWindows<T>::fill_targets(std::span<const Index> rows, const Packing& packing, BatchTargets<U>& out) const {
  detail::check_window_rows(rows, size());
  require(packing.batch() == static_cast<Index>(rows.size()), "SeriesWindows: the packing is of ", packing.batch(),
          " windows, not of these ", rows.size());
  out.are_labels = false;
  out.labels.clear();
  out.sample_weights.clear();
  out.values.resize(outputs(), packing.batch());
  for (std::size_t b = 0; b < rows.size(); ++b)
    copy_target(rows[b], out.values.data() + static_cast<Index>(b) * outputs());
}
template <class T> SeriesWindows<T> SeriesWindows<T>::select(std::span<const Index> rows) const {
  detail::check_window_rows(rows, size());
  SeriesWindows some(*this);
  some.offsets_.clear();
  for (const Index row : rows) some.offsets_.push_back(offsets_[static_cast<std::size_t>(row)]);
  return some;
}
template <class T> SeriesWindows<T> SeriesWindows<T>::within(Index first, Index last, bool closed) const {
  require(0 <= first && first <= last && last <= steps(), "SeriesWindows: a part from step ", first, " to ", last,
          " of a series of ", steps());
  SeriesWindows some(*this);
  some.place(detail::window_starts(options_, steps(), closed ? first : 0, first, last));
  return some;
}
template <class T> SeriesWindows(Matrix<T>) -> SeriesWindows<T>;
template <class T> SeriesWindows(Matrix<T>, WindowOptions) -> SeriesWindows<T>;

/// The steps at which three parts of a series end that follow each other.
struct TimeBorders {
  Index training = 0, validation = 0, test = 0;
};
/// Windows by the part of time that their targets are in.
template <class T = float> struct TimeSplit {
  SeriesWindows<T> training, validation, test;
};
/// What comes later is never trained on, and no target is in two parts. Those of validation and test look back on steps
/// of the part before, as a forecast would; `closed` forbids that. Throws where a part is shorter than a window's
/// target.
template <class T>
TimeSplit<T> split_in_time(const SeriesWindows<T>& all, const TimeBorders& ends, bool closed = false) {
  return {all.within(0, ends.training), all.within(ends.training, ends.validation, closed),
          all.within(ends.validation, ends.test, closed)};
}
namespace detail {
UNROLL_API TimeBorders borders_of(Index steps, double training, double validation);
}  // namespace detail
/// By fractions of the steps, rounded; what they leave is the test.
template <class T>
TimeSplit<T> split_in_time(const SeriesWindows<T>& all, double training, double validation, bool closed = false) {
  return split_in_time(all, detail::borders_of(all.steps(), training, validation), closed);
}

#define UNROLL_SERIES_WINDOWS_INSTANCES_OF(DECLARE, T)                                                         \
  DECLARE SeriesWindows<T>::SeriesWindows(Matrix<T>, WindowOptions);                                           \
  DECLARE void SeriesWindows<T>::fill(std::span<const Index>, PackedSequence<T>&) const;                       \
  DECLARE void SeriesWindows<T>::fill_targets(std::span<const Index>, const Packing&, BatchTargets<T>&) const; \
  DECLARE SeriesWindows<T> SeriesWindows<T>::select(std::span<const Index>) const;                             \
  DECLARE SeriesWindows<T> SeriesWindows<T>::within(Index, Index, bool) const;
#define UNROLL_SERIES_WINDOWS_INSTANCES(DECLARE)     \
  UNROLL_SERIES_WINDOWS_INSTANCES_OF(DECLARE, float) \
  UNROLL_SERIES_WINDOWS_INSTANCES_OF(DECLARE, double)
#if !UNROLL_HEADER_ONLY
UNROLL_SERIES_WINDOWS_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/series_windows.ipp>
#endif
