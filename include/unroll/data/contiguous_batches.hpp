// One long sequence as parallel streams, for truncated backpropagation through time.
#pragma once

#include <concepts>
#include <cstdint>
#include <utility>
#include <vector>

#include <unroll/core/error.hpp>
#include <unroll/core/matrix.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/packing.hpp>
#include <unroll/core/random.hpp>

namespace unroll::inline UNROLL_ABI {

struct StreamOptions {
  Index streams = 32;  ///< B
  Index window = 35;   ///< K steps

  /// `fit` draws windows of other lengths for every epoch, as Merity et al. 2017: normal around K, sometimes around
  /// K / 2, so that no step is always at a border, where its gradient stops. The rate of each update is multiplied by
  /// its steps / K. `evaluate` and validation read windows of K steps.
  bool vary = false;
  double deviation = 5;            ///< of the lengths, steps
  double half_probability = 0.05;  ///< how probable K / 2 is
  Index min_window = 5;            ///< steps of a window at least, but for the last one and where `window` is less
};

/// Some steps of all streams: `steps` of them, the first one step `first` of each stream.
struct StreamWindow {
  Index first = 0, steps = 0;
};

/// A long sequence cut into B streams of one length L, each seen through windows of K steps (the last one shorter). A
/// stream goes on from window to window, so the state carried from one forward pass into the next is the right one; at
/// most B steps at the end of the sequence are left out. Windows are packed batches of equal lengths: column t * B + b
/// is step t of stream b, for inputs and targets alike.
class ContiguousBatches {
 public:
  /// Throws where a stream would have no step, and for options outside of their range.
  UNROLL_API explicit ContiguousBatches(Index steps, StreamOptions options = {});

  Index count() const { return 1 + (length_ - 1) / options_.window; }
  Index streams() const { return options_.streams; }
  /// L
  Index stream_length() const { return length_; }
  UNROLL_API StreamWindow window(Index window) const;
  Index window_steps(Index k) const { return window(k).steps; }
  /// Where in the long sequence step t of stream b of a window is.
  UNROLL_API Index source(Index window, Index t, Index b) const;

  /// Windows of an epoch whose lengths are drawn, see StreamOptions::vary; none without it. Each begins where the one
  /// before ended, together they have all steps.
  UNROLL_API std::vector<StreamWindow> windows(Rng rng) const;
  /// What the rate of an update on a window is multiplied by.
  double rate_scale(const StreamWindow& window) const {
    return static_cast<double>(window.steps) / static_cast<double>(options_.window);
  }

  /// f(column, step of the long sequence) for every column of a window, after laying out its packing.
  template <class F> void for_each(const StreamWindow& window, Packing& packing, const F& f) const {
    lay_out(window, packing);
    for (Index t = 0, column = 0; t < window.steps; ++t)
      for (Index b = 0; b < streams(); ++b) f(column++, b * length_ + window.first + t);
  }
  template <class F> void for_each(Index k, Packing& packing, const F& f) const { for_each(window(k), packing, f); }

 private:
  UNROLL_API void lay_out(const StreamWindow& window, Packing& packing) const;

 protected:
  /// Throws for a window that is not in the streams.
  UNROLL_API void check(const StreamWindow& window) const;

 private:
  StreamOptions options_;
  Index length_;
};

using StreamBatches [[deprecated("say ContiguousBatches")]] = ContiguousBatches;

/// What `fit` and `evaluate` ask of sequences that are read through windows: `count()` windows of `streams()` sequences
/// each, `fill(window, batch, targets)` with targets that are a std::vector<Index> or a Matrix, one for each column.
/// The state goes from window to window. Where it should not, `restarts(window)` are the streams (a range of Index)
/// that begin anew there.
///
/// For windows that `fit` asks for anew in every epoch, `windows(rng)` are those of an epoch, in order: a vector of
/// StreamWindow, or of a type of the streams' own, that is a function of the Rng alone; an empty one says that it is
/// count() windows as ever. `fill`, and `restarts` where there is one, then take such a window as well as a number, and
/// `rate_scale(window)`, if there is one, is what the rate of an update on it is multiplied by (the mean of several).
template <class D>
concept Streams = requires(const D& data) {
  typename D::Batch;
  { data.count() } -> std::convertible_to<Index>;
  { data.streams() } -> std::convertible_to<Index>;
};

/// Windows of one long sequence of token ids, and at each step the id that follows: a language model's task.
class TokenStreams : public ContiguousBatches {
 public:
  using Batch = TokenBatch;

  UNROLL_API explicit TokenStreams(std::vector<std::int32_t> ids, StreamOptions options = {});

  UNROLL_API void fill(const StreamWindow& window, TokenBatch& x, std::vector<Index>& next) const;
  void fill(Index k, TokenBatch& x, std::vector<Index>& next) const { fill(window(k), x, next); }

 private:
  static Index steps_of(const std::vector<std::int32_t>& ids);

  std::vector<std::int32_t> ids_;
};

/// Windows of one long sequence of vectors x (D, steps) and of what is to be learned at each step, y (K, steps).
template <class T = float> class SequenceStreams : public ContiguousBatches {
 public:
  using Batch = PackedSequence<T>;

  UNROLL_API SequenceStreams(Matrix<T> x, Matrix<T> y, StreamOptions options = {});

  UNROLL_API void fill(const StreamWindow& window, PackedSequence<T>& x, Matrix<T>& y) const;
  void fill(Index k, PackedSequence<T>& x, Matrix<T>& y) const { fill(window(k), x, y); }

 private:
  Matrix<T> x_, y_;
};

template <class T>
SequenceStreams<T>::SequenceStreams(Matrix<T> x, Matrix<T> y, StreamOptions options)
    : ContiguousBatches(x.cols(), options), x_(std::move(x)), y_(std::move(y)) {
  require(x_.cols() == y_.cols(), "SequenceStreams: x has ", x_.cols(), " steps, y ", y_.cols());
}
template <class T> void SequenceStreams<T>::fill(const StreamWindow& window, PackedSequence<T>& x, Matrix<T>& y) const {
  check(window);
  x.values.resize(x_.rows(), streams() * window.steps);
  y.resize(y_.rows(), x.values.cols());
  for_each(window, x.packing, [&](Index column, Index step) {
    x.values.col(column) = x_.col(step);
    y.col(column) = y_.col(step);
  });
}

#define UNROLL_CONTIGUOUS_BATCHES_INSTANCES(DECLARE)                                                            \
  DECLARE SequenceStreams<float>::SequenceStreams(Matrix<float>, Matrix<float>, StreamOptions);                 \
  DECLARE void SequenceStreams<float>::fill(const StreamWindow&, PackedSequence<float>&, Matrix<float>&) const; \
  DECLARE SequenceStreams<double>::SequenceStreams(Matrix<double>, Matrix<double>, StreamOptions);              \
  DECLARE void SequenceStreams<double>::fill(const StreamWindow&, PackedSequence<double>&, Matrix<double>&) const;
#if !UNROLL_HEADER_ONLY
UNROLL_CONTIGUOUS_BATCHES_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/contiguous_batches.ipp>
#endif
