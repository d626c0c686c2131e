// One long sequence as parallel streams, for truncated backpropagation through time.
#pragma once

#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/range.hpp>

namespace unroll::inline UNROLL_ABI {

struct StreamOptions {
  Index streams = 32;  ///< B
  Index window = 35;   ///< K steps
};

/// A long sequence cut into B streams of one length L, each seen through windows of K steps (the last one shorter). A
/// stream goes on from window to window, so the state carried from one forward pass into the next is the right one; at
/// most B steps at the end of the sequence are left out. Windows are packed batches of equal lengths: column t * B + b
/// is step t of stream b, for inputs and targets alike.
class StreamBatches {
 public:
  /// Throws where a stream would have no step.
  explicit StreamBatches(Index steps, StreamOptions options = {})
      : options_(options), length_(options.streams > 0 ? steps / options.streams : 0) {
    require(options.streams > 0 && options.window > 0, "StreamBatches: ", options.streams, " streams, windows of ",
            options.window, " steps, expected at least 1 each");
    require(length_ > 0, "StreamBatches: ", steps, " steps are too few for ", options.streams, " streams");
  }

  Index count() const { return 1 + (length_ - 1) / options_.window; }
  Index streams() const { return options_.streams; }
  /// L
  Index stream_length() const { return length_; }
  Index window_steps(Index window) const {
    detail::require_index("StreamBatches", "window", window, count());
    return (std::min)(options_.window, length_ - window * options_.window);
  }
  /// Where in the long sequence step t of stream b of a window is.
  Index source(Index window, Index t, Index b) const {
    detail::require_index("StreamBatches", "step", t, window_steps(window));
    detail::require_index("StreamBatches", "stream", b, streams());
    return b * length_ + window * options_.window + t;
  }

  /// f(column, step of the long sequence) for every column of a window, after laying out its packing.
  template <class F> void for_each(Index window, Packing& packing, const F& f) const {
    const Index steps = window_steps(window);
    if (packing.batch() != streams() || packing.padded_steps != steps || packing.total() != streams() * steps)
      packing.assign(streams(), steps, [](Index, Index) { return true; });
    for (Index t = 0, column = 0; t < steps; ++t)
      for (Index b = 0; b < streams(); ++b) f(column++, b * length_ + window * options_.window + t);
  }

 private:
  StreamOptions options_;
  Index length_;
};

/// Windows of one long sequence of token ids, and at each step the id that follows: a language model's task.
class TokenStreams : public StreamBatches {
 public:
  explicit TokenStreams(std::vector<std::int32_t> ids, StreamOptions options = {})
      : StreamBatches(steps_of(ids), options), ids_(std::move(ids)) {}

  void fill(Index window, TokenBatch& x, std::vector<Index>& next) const {
    x.ids.resize(static_cast<std::size_t>(streams() * window_steps(window)));
    next.resize(x.ids.size());
    for_each(window, x.packing, [&](Index column, Index step) {
      x.ids[static_cast<std::size_t>(column)] = ids_[static_cast<std::size_t>(step)];
      next[static_cast<std::size_t>(column)] = ids_[static_cast<std::size_t>(step + 1)];
    });
  }

 private:
  /// The last id has no next one.
  static Index steps_of(const std::vector<std::int32_t>& ids) {
    require(ids.size() >= 2, "TokenStreams: ", ids.size(), " ids, expected at least 2");
    return static_cast<Index>(ids.size()) - 1;
  }

  std::vector<std::int32_t> ids_;
};

/// Windows of one long sequence of vectors x (D, steps) and of what is to be learned at each step, y (K, steps).
template <class T = float> class SequenceStreams : public StreamBatches {
 public:
  SequenceStreams(Matrix<T> x, Matrix<T> y, StreamOptions options = {})
      : StreamBatches(x.cols(), options), x_(std::move(x)), y_(std::move(y)) {
    require(x_.cols() == y_.cols(), "SequenceStreams: x has ", x_.cols(), " steps, y ", y_.cols());
  }

  void fill(Index window, PackedSequence<T>& x, Matrix<T>& y) const {
    x.values.resize(x_.rows(), streams() * window_steps(window));
    y.resize(y_.rows(), x.values.cols());
    for_each(window, x.packing, [&](Index column, Index step) {
      x.values.col(column) = x_.col(step);
      y.col(column) = y_.col(step);
    });
  }

 private:
  Matrix<T> x_, y_;
};

}  // namespace unroll::inline UNROLL_ABI
