// The ways from the user's arrays to packed batches and back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <unroll/core/packed_sequence.hpp>
#include <unroll/core/size.hpp>

namespace unroll::inline UNROLL_ABI {

/// A padded array of the user's, seen without a copy: column(b, t) holds the D values of step t of sequence b.
template <class T> struct Padded {
  Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>> values;  ///< (D, B * T) in the array's own order
  Index batch, steps;
  bool time_major;
  Index column(Index b, Index t) const { return time_major ? t * batch + b : b * steps + t; }
};
namespace detail {
template <class T> Padded<T> padded(const T* data, Index batch, Index steps, Index features, bool time_major) {
  const Index columns = product_of_sizes(batch, steps), size = product_of_sizes(columns, features);
  require(size >= 0 && product_of_sizes(size, sizeof(T)) >= 0, "a padded array of ", batch, " sequences, ", steps,
          " steps and ", features, " features, expected sizes of at least 0 that memory can hold");
  require(data != nullptr || size == 0, "a padded array of ", size, " elements at a null pointer");
  return {{data, features, columns}, batch, steps, time_major};
}
}  // namespace detail
/// A row-major (B, T, D) array, NumPy's and PyTorch's batch_first. The layout is named because a swap of B and T has no
/// other symptom.
template <class T> Padded<T> batch_first(const T* data, Index batch, Index steps, Index features) {
  return detail::padded(data, batch, steps, features, false);
}
/// A row-major (T, B, D) array, PyTorch's default.
template <class T> Padded<T> time_first(const T* data, Index steps, Index batch, Index features) {
  return detail::padded(data, batch, steps, features, true);
}

/// The steps that `packing` names, packed. Its `source` counts batch-first whatever the layout of the array.
template <class T> PackedSequence<T> pack(const Padded<T>& padded, Packing packing) {
  require(packing.batch() == padded.batch && packing.padded_steps == padded.steps, "pack: the packing is of ",
          packing.batch(), " x ", packing.padded_steps, " steps, the array of ", padded.batch, " x ", padded.steps);
  packing.check("pack");
  require(padded.values.cols() == padded.batch * padded.steps, "pack: the array has ", padded.values.cols(),
          " columns, expected ", padded.batch, " x ", padded.steps);
  PackedSequence<T> packed{Matrix<T>(padded.values.rows(), packing.total()), std::move(packing)};
  for (Index n = 0; n < packed.packing.total(); ++n)
    packed.values.col(n) = padded.values.col(padded.column(packed.packing.sequence_of(n), packed.packing.time_of(n)));
  return packed;
}
/// lengths (B): sequence b has the steps 0 .. lengths[b] - 1.
template <class T> PackedSequence<T> pack(const Padded<T>& padded, std::span<const Index> lengths) {
  require(static_cast<Index>(lengths.size()) == padded.batch, "pack: ", lengths.size(), " lengths for a batch of ",
          padded.batch);
  return pack(padded, Packing::from_lengths(lengths, padded.steps));
}
/// mask (B, T), row-major, with holes anywhere.
template <class T> PackedSequence<T> pack(const Padded<T>& padded, std::span<const std::uint8_t> mask) {
  return pack(padded, Packing::from_mask(mask, padded.batch, padded.steps));
}

/// Sequences of their own lengths: sequences[b] is (D, T_b).
template <class T, class Sequence>
void pack_sequences(std::span<const Sequence* const> sequences, PackedSequence<T>& out) {
  Index steps = 0, features = -1;
  for (std::size_t b = 0; b < sequences.size(); ++b) {
    require(sequences[b] != nullptr, "pack: sequence ", b, " is a null pointer");
    steps = (std::max)(steps, Index(sequences[b]->cols()));
    if (features < 0) features = sequences[b]->rows();
    require(sequences[b]->rows() == features, "pack: sequence ", b, " has ", sequences[b]->rows(),
            " features, sequence 0 has ", features);
  }
  out.packing.assign(static_cast<Index>(sequences.size()), steps,
                     [&](Index b, Index t) { return t < sequences[static_cast<std::size_t>(b)]->cols(); });
  out.values.resize((std::max)(features, Index(0)), out.packing.total());
  for (Index n = 0; n < out.packing.total(); ++n)
    out.values.col(n) = sequences[static_cast<std::size_t>(out.packing.sequence_of(n))]->col(out.packing.time_of(n));
}
template <class T>
PackedSequence<T> pack(const std::vector<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>>& sequences) {
  std::vector<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>*> pointers;
  for (const auto& s : sequences) pointers.push_back(&s);
  PackedSequence<T> packed;
  pack_sequences<T>(std::span<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>* const>(pointers), packed);
  return packed;
}

/// One sequence of vectors (D, T).
template <class Derived> PackedSequence<typename Derived::Scalar> pack(const Eigen::MatrixBase<Derived>& x) {
  PackedSequence<typename Derived::Scalar> packed{x, {}};
  packed.packing.assign(1, x.cols(), [](Index, Index) { return true; });
  return packed;
}

/// Token ids of a row-major (B, T) array; every id but `padding` counts as a step, wherever it stands.
inline void pack_tokens(std::span<const std::int32_t> ids, Index batch, std::int32_t padding, TokenBatch& out) {
  require(batch > 0 ? ids.size() % static_cast<std::size_t>(batch) == 0 : ids.empty(), "pack: ", ids.size(),
          " ids do not make ", batch, " sequences of one length");
  const Index steps = batch > 0 ? static_cast<Index>(ids.size()) / batch : 0;
  out.packing.assign(batch, steps,
                     [&](Index b, Index t) { return ids[static_cast<std::size_t>(b * steps + t)] != padding; });
  out.ids.resize(out.packing.source.size());
  for (std::size_t n = 0; n < out.ids.size(); ++n) out.ids[n] = ids[static_cast<std::size_t>(out.packing.source[n])];
}
inline TokenBatch pack(std::span<const std::int32_t> ids, Index batch, std::int32_t padding) {
  TokenBatch out;
  pack_tokens(ids, batch, padding, out);
  return out;
}
/// One sequence.
inline TokenBatch pack(std::span<const std::int32_t> ids) {
  TokenBatch out{{ids.begin(), ids.end()}, {}};
  out.packing.assign(1, static_cast<Index>(ids.size()), [](Index, Index) { return true; });
  return out;
}
/// Token sequences of their own lengths.
inline void pack_tokens(std::span<const std::span<const std::int32_t>> sequences, TokenBatch& out) {
  std::size_t steps = 0;
  for (const auto& s : sequences) steps = (std::max)(steps, s.size());
  out.packing.assign(static_cast<Index>(sequences.size()), static_cast<Index>(steps), [&](Index b, Index t) {
    return static_cast<std::size_t>(t) < sequences[static_cast<std::size_t>(b)].size();
  });
  out.ids.resize(out.packing.source.size());
  for (std::size_t n = 0; n < out.ids.size(); ++n) {
    const auto b = static_cast<std::size_t>(out.packing.sequence_of(static_cast<Index>(n)));
    out.ids[n] = sequences[b][static_cast<std::size_t>(out.packing.time_of(static_cast<Index>(n)))];
  }
}
/// One value per step, (B, T) row-major (labels of a tagger, say), in packed order (N).
template <class Value> std::vector<Value> pack_steps(std::span<const Value> padded, const Packing& packing) {
  packing.check("pack_steps");
  require(static_cast<Index>(padded.size()) == packing.batch() * packing.padded_steps, "pack_steps: ", padded.size(),
          " values, expected ", packing.batch(), " x ", packing.padded_steps);
  std::vector<Value> packed;
  packed.reserve(packing.source.size());
  for (const Index column : packing.source) packed.push_back(padded[static_cast<std::size_t>(column)]);
  return packed;
}

/// What unpacking writes at a step that was masked: zero, or the output of the step processed before it (Keras), which
/// is the earlier one for a forward layer and the later one for a reverse layer. Before the first valid step both are
/// zero, as Keras 3 emits.
enum class Fill { zero, repeat };

namespace detail {
/// f(padded column, packed column) for every padded column that takes a value.
template <class F> void for_each_padded(const Packing& packing, Fill fill, Direction direction, F f) {
  const Index steps = packing.padded_steps;
  std::vector<Index> from(static_cast<std::size_t>(packing.batch() * steps), -1);
  for (Index n = 0; n < packing.total(); ++n) from[static_cast<std::size_t>(packing.source[std::size_t(n)])] = n;
  for (Index b = 0; b < packing.batch(); ++b)
    for (Index k = 0, last = -1; k < steps; ++k) {
      const Index column = b * steps + (direction == Direction::forward ? k : steps - 1 - k);
      const Index n = from[static_cast<std::size_t>(column)];
      if (n >= 0) last = n;
      if (const Index taken = fill == Fill::repeat ? last : n; taken >= 0) f(column, taken);
    }
}
}  // namespace detail

/// The padded batch (D, B * T), batch-first: column b * T + t.
template <class T>
Matrix<T> unpack(const PackedSequence<T>& packed, Fill fill = Fill::zero, Direction direction = Direction::forward) {
  check_batch("unpack", packed);
  Matrix<T> padded(packed.values.rows(), packed.packing.batch() * packed.packing.padded_steps);
  padded.setZero();
  detail::for_each_padded(packed.packing, fill, direction,
                          [&](Index column, Index n) { padded.col(column) = packed.values.col(n); });
  return padded;
}
/// Its backward: the gradients of an output that was repeated add up.
template <class T>
PackedSequence<T> unpack_backward(const Matrix<T>& d_padded, const Packing& packing, Fill fill = Fill::zero,
                                  Direction direction = Direction::forward) {
  packing.check("unpack_backward");
  require(d_padded.cols() == packing.batch() * packing.padded_steps, "unpack_backward: the gradient has ",
          d_padded.cols(), " columns, expected ", packing.batch(), " x ", packing.padded_steps);
  PackedSequence<T> d{Matrix<T>(d_padded.rows(), packing.total()), packing};
  d.values.setZero();
  detail::for_each_padded(packing, fill, direction,
                          [&](Index column, Index n) { d.values.col(n) += d_padded.col(column); });
  return d;
}

}  // namespace unroll::inline UNROLL_ABI
