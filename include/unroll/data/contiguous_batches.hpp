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

namespace unroll::inline UNROLL_ABI {

struct StreamOptions {
  Index streams = 32;  ///< B
  Index window = 35;   ///< K steps
};

/// A long sequence cut into B streams of one length L, each seen through windows of K steps (the last one shorter). A
/// stream goes on from window to window, so the state carried from one forward pass into the next is the right one; at
/// most B steps at the end of the sequence are left out. Windows are packed batches of equal lengths: column t * B + b
/// is step t of stream b, for inputs and targets alike.
class ContiguousBatches {
 public:
  /// Throws where a stream would have no step.
  UNROLL_API explicit ContiguousBatches(Index steps, StreamOptions options = {});

  Index count() const { return 1 + (length_ - 1) / options_.window; }
  Index streams() const { return options_.streams; }
  /// L
  Index stream_length() const { return length_; }
  UNROLL_API Index window_steps(Index window) const;
  /// Where in the long sequence step t of stream b of a window is.
  UNROLL_API Index source(Index window, Index t, Index b) const;

  /// f(column, step of the long sequence) for every column of a window, after laying out its packing.
  template <class F> void for_each(Index window, Packing& packing, const F& f) const {
    const Index steps = lay_out(window, packing);
    for (Index t = 0, column = 0; t < steps; ++t)
      for (Index b = 0; b < streams(); ++b) f(column++, b * length_ + window * options_.window + t);
  }

 private:
  /// Steps of the window, whose packing this is then.
  UNROLL_API Index lay_out(Index window, Packing& packing) const;

  StreamOptions options_;
  Index length_;
};

using StreamBatches [[deprecated("say ContiguousBatches")]] = ContiguousBatches;

/// What `fit` and `evaluate` ask of sequences that are read through windows: `count()` windows of `streams()` sequences
/// each, `fill(window, batch, targets)` with targets that are a std::vector<Index> or a Matrix, one for each column.
/// The state goes from window to window. Where it should not, `restarts(window)` are the streams (a range of Index)
/// that begin anew there.
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

  UNROLL_API void fill(Index window, TokenBatch& x, std::vector<Index>& next) const;

 private:
  static Index steps_of(const std::vector<std::int32_t>& ids);

  std::vector<std::int32_t> ids_;
};

/// Windows of one long sequence of vectors x (D, steps) and of what is to be learned at each step, y (K, steps).
template <class T = float> class SequenceStreams : public ContiguousBatches {
 public:
  using Batch = PackedSequence<T>;

  UNROLL_API SequenceStreams(Matrix<T> x, Matrix<T> y, StreamOptions options = {});

  UNROLL_API void fill(Index window, PackedSequence<T>& x, Matrix<T>& y) const;

 private:
  Matrix<T> x_, y_;
};

template <class T>
SequenceStreams<T>::SequenceStreams(Matrix<T> x, Matrix<T> y, StreamOptions options)
    : ContiguousBatches(x.cols(), options), x_(std::move(x)), y_(std::move(y)) {
  require(x_.cols() == y_.cols(), "SequenceStreams: x has ", x_.cols(), " steps, y ", y_.cols());
}
template <class T> void SequenceStreams<T>::fill(Index window, PackedSequence<T>& x, Matrix<T>& y) const {
  x.values.resize(x_.rows(), streams() * window_steps(window));
  y.resize(y_.rows(), x.values.cols());
  for_each(window, x.packing, [&](Index column, Index step) {
    x.values.col(column) = x_.col(step);
    y.col(column) = y_.col(step);
  });
}

#define UNROLL_CONTIGUOUS_BATCHES_INSTANCES(DECLARE)                                               \
  DECLARE SequenceStreams<float>::SequenceStreams(Matrix<float>, Matrix<float>, StreamOptions);    \
  DECLARE void SequenceStreams<float>::fill(Index, PackedSequence<float>&, Matrix<float>&) const;  \
  DECLARE SequenceStreams<double>::SequenceStreams(Matrix<double>, Matrix<double>, StreamOptions); \
  DECLARE void SequenceStreams<double>::fill(Index, PackedSequence<double>&, Matrix<double>&) const;
#if !UNROLL_HEADER_ONLY
UNROLL_CONTIGUOUS_BATCHES_INSTANCES(extern template)
#endif

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/contiguous_batches.ipp>
#endif
