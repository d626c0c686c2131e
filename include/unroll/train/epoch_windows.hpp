// The rows that fit reads in an epoch, which of streams may be windows that are drawn for it.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include <unroll/core/random.hpp>
#include <unroll/data/contiguous_batches.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

/// What batches are made of: sequences, or windows of streams.
template <class D> Index rows_of(const D& data) {
  if constexpr (Streams<D>)
    return data.count();
  else
    return data.size();
}
/// Throws where a member of the streams does not take a window that they have drawn.
UNROLL_API void require_window_taken(bool taken, const char* member);

/// Of data without `windows`: the rows are those of the data, by their numbers.
template <class D> class EpochWindows {
 public:
  Index draw(const D& data, Rng) { return rows_of(data); }
  template <class F> void with(Index row, const F& f) const { f(row); }
  double rate_scale(const D&, std::span<const Index>) const { return 1; }
};

/// Of streams that may draw windows: until they have drawn some, the rows are those of the data.
template <class D> requires Streams<D> && requires(const D& data, Rng rng) { data.windows(rng).size(); }
class EpochWindows<D> {
  using Windows = std::remove_cvref_t<decltype(std::declval<const D&>().windows(Rng()))>;

 public:
  /// Those of an epoch, by its Rng; how many there are.
  Index draw(const D& data, Rng rng) {
    windows_ = data.windows(rng);
    if (windows_.empty()) return data.count();
    constexpr bool by_number = requires { data.restarts(Index()); },
                   by_window = requires { data.restarts(windows_[0]); };
    require_window_taken(by_window || !by_number, "restarts");
    return static_cast<Index>(windows_.size());
  }
  /// f(the row's window), or f(row) where there are none.
  template <class F> void with(Index row, const F& f) const {
    if (windows_.empty())
      f(row);
    else
      f(windows_[static_cast<std::size_t>(row)]);
  }
  /// The mean over the windows of an update.
  double rate_scale([[maybe_unused]] const D& data, std::span<const Index> rows) const {
    double sum = 0;
    if constexpr (requires { data.rate_scale(windows_[0]); })
      if (!windows_.empty()) {
        for (const Index row : rows) sum += data.rate_scale(windows_[static_cast<std::size_t>(row)]);
        return sum / static_cast<double>(rows.size());
      }
    return 1;
  }

 private:
  Windows windows_;
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/train/epoch_windows.ipp>
#endif
