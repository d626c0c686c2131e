// The sequences of a batch as linear chains of labels: their scores, the room for their recursions, and the way through
// them. The recursions are in kernel/linear_chain.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <unroll/core/denormals.hpp>
#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/parallel.hpp>
#include <unroll/head/tag_scheme.hpp>
#include <unroll/kernel/linear_chain.hpp>
#include <unroll/kernel/panels.hpp>
#include <unroll/loss/loss.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {

template <class T> struct Chains {
  static constexpr Index most_pieces = 16;  // fixed: sums over sequences have one order, whatever the threads
  static constexpr T impossible = ChainArguments<T>::impossible;

  Matrix<T> from, to, start, end;  // (stride, K), (stride, K), (stride), (stride): with what is forbidden
  Matrix<T> alpha, gamma, shift;   // (stride, N), (stride, N), (N)
  Matrix<T> room;                  // of each piece: (stride)

  Index stride() const { return from.rows(); }
  static Index sequences(const Packing& packing) { return packing.steps() > 0 ? packing.batch_size(0) : 0; }
  static Index pieces(const Packing& packing) { return (std::min)(most_pieces, sequences(packing)); }

  /// Once a batch: scores (K, K), (K), (K), and those that are forbidden made impossible.
  void prepare(const Matrix<T>& transitions, const Matrix<T>& starts, const Matrix<T>& ends,
               const ForbiddenTransitions& forbidden, const Packing& packing) {
    const Index K = transitions.rows(), padded = round_up(K, 16);
    const auto fill = [&](Matrix<T>& m, const auto& scores) {
      m.resize(padded, scores.cols());
      m.setConstant(impossible);
      m.topRows(K) = scores;
    };
    fill(to, transitions), fill(from, transitions.transpose());
    fill(start, starts), fill(end, ends);
    for (const auto& [i, j] : forbidden.pairs) to(i, j) = from(j, i) = impossible;
    for (const Index k : forbidden.starts) start(k, 0) = impossible;
    for (const Index k : forbidden.ends) end(k, 0) = impossible;
    alpha.resize(padded, packing.total());
    gamma.resize(padded, packing.total());
    shift.resize(packing.total(), 1);
    room.resize(padded, most_pieces);
  }

  /// f(piece, j, arguments) for each sequence that is not empty, j being its sorted position. Threads split the pieces;
  /// the lengths of a piece's sequences are spread.
  template <class F> void for_each(const PackedSequence<T>& z, const F& f) {
    const Index n = pieces(z.packing);
    const Index cost = z.packing.total() * z.values.rows() * z.values.rows() / (std::max<Index>)(n, 1);
    parallel_ranges(n, (std::max<Index>)(1, 20'000 / (std::max<Index>)(cost, 1)), [&](Index first, Index last) {
      const FlushDenormals flush;
      for (Index piece = first; piece < last; ++piece)
        for (Index j = piece; j < sequences(z.packing); j += n)
          f(piece, j,
            ChainArguments<T>{.labels = z.values.rows(),
                              .stride = stride(),
                              .steps = z.packing.length(j),
                              .first_column = z.packing.offsets.data(),
                              .sequence = j,
                              .z = z.values.data(),
                              .from = from.data(),
                              .to = to.data(),
                              .start = start.data(),
                              .end = end.data(),
                              .alpha = alpha.data(),
                              .shift = shift.data(),
                              .room = room.col(piece).data(),
                              .gamma = gamma.data()});
    });
  }

  /// Is the label of step t, after `before`, one that it can have in sequence j?
  bool allows(const Packing& packing, Index j, Index t, Index before, Index label) const {
    return (t == 0 ? start(label, 0) : to(before, label)) != impossible &&
           (t + 1 < packing.length(j) || end(label, 0) != impossible);
  }
  /// Of the labels of sequence j.
  double score(const PackedSequence<T>& z, Labels labels, Index j) const {
    double sum = 0;
    for (Index t = 0, before = 0; t < z.packing.length(j); ++t) {
      const Index n = z.packing.offset(t) + j, label = labels[n];
      sum += double(z.values(label, n)) + double(t == 0 ? start(label, 0) : to(before, label));
      if (t + 1 == z.packing.length(j)) sum += double(end(label, 0));
      before = label;
    }
    return sum;
  }
  /// The most likely labels of all sequences, one a step, in packed order.
  void best_labels(const PackedSequence<T>& z, std::vector<Index>& labels) {
    labels.resize(static_cast<std::size_t>(z.packing.total()));
    for_each(z, [&](Index, Index, const ChainArguments<T>& a) {
      Index label = dispatch<ChainBest>(a);
      for (Index t = a.steps - 1; t >= 0; --t) {
        labels[static_cast<std::size_t>(a.column(t))] = label;
        if (t > 0) label = static_cast<Index>(gamma(label, a.column(t)));
      }
    });
  }
};

}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
