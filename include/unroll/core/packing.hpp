// Packing: a batch of sequences of different lengths without its padding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

enum class Direction { forward, reverse };

/// Which packed column is whom. Packed columns are time-major blocks: block t holds step t of every sequence that is
/// still running, longest sequence first, so the running ones are always a prefix. What has one column per sequence
/// (states, labels, final outputs) is in the user's order everywhere outside `Recurrent`.
///
/// States are kept in T + 1 blocks of widths B, B_0, .., B_(T-1): a forward sequence enters at block 0, step t reads
/// block t and writes block t + 1, and leaves at block `length`; a reverse one enters at block `length`, reads t + 1,
/// writes t and leaves at block 0. So neither direction has a first-step or last-step branch, and an empty sequence is
/// a column that is in block 0 alone.
struct Packing {
  std::vector<Index> batch_sizes;     ///< (T) sequences in block t, falling
  std::vector<Index> offsets{0};      ///< (T + 1) first packed column of block t
  std::vector<Index> lengths;         ///< (B) in sorted order
  std::vector<Index> sorted_indices;  ///< (B) sorted position -> the user's row
  std::vector<Index> source;          ///< (N) column b * padded_steps + t of the padded batch that a column came from
  Index padded_steps = 0;             ///< steps of the padded batch

  Index batch() const { return static_cast<Index>(sorted_indices.size()); }
  Index steps() const { return static_cast<Index>(batch_sizes.size()); }
  Index total() const { return offsets.back(); }
  Index batch_size(Index t) const { return batch_sizes[static_cast<std::size_t>(t)]; }
  Index offset(Index t) const { return offsets[static_cast<std::size_t>(t)]; }
  Index length(Index j) const { return lengths[static_cast<std::size_t>(j)]; }
  Index row(Index j) const { return sorted_indices[static_cast<std::size_t>(j)]; }
  /// The user's row and time of packed column n.
  Index sequence_of(Index n) const { return source[static_cast<std::size_t>(n)] / padded_steps; }
  Index time_of(Index n) const { return source[static_cast<std::size_t>(n)] % padded_steps; }
  /// Column of sorted sequence j in block `block` of the state storage (B + N columns).
  Index state_column(Index block, Index j) const { return (block == 0 ? 0 : batch() + offset(block - 1)) + j; }

  bool operator==(const Packing&) const = default;

  /// Lays out the steps for which valid(b, t) holds, B sequences of `steps` padded steps. Reuses its memory.
  template <class Valid> void assign(Index batch, Index steps, Valid valid) { lay_out(batch, steps, steps, valid); }

  /// Sequence b has the steps 0 .. lengths[b] - 1. Throws where a length is not in 0 .. padded_steps.
  UNROLL_API static Packing from_lengths(std::span<const Index> lengths, Index padded_steps);
  UNROLL_API void assign_lengths(std::span<const Index> of, Index steps);
  /// mask[b * steps + t] != 0 says that step t of sequence b is there; holes anywhere, also all of a sequence.
  UNROLL_API static Packing from_mask(std::span<const std::uint8_t> mask, Index batch, Index steps);

  /// Throws unless it is of n steps, what there is one of for each step being called `what`.
  UNROLL_API void require_total(std::string_view who, Index n, std::string_view what) const;
  /// Throws where its parts do not belong together, as in one that was put together by hand. O(B + T + N).
  UNROLL_API void check(std::string_view who) const;

 private:
  /// The same, of the times before `end`: no later step is there.
  template <class Valid> void lay_out(Index batch, Index steps, Index end, const Valid& valid) {
    begin(batch, steps);
    for (Index b = 0; b < batch; ++b) {
      Index& count = lengths[static_cast<std::size_t>(b)];  // in the user's order until they are sorted
      for (Index t = 0; t < end; ++t) count += valid(b, t) ? 1 : 0;
    }
    sort_by_length();
    for (Index j = 0; j < batch; ++j)
      for (Index t = 0, k = 0; t < end; ++t)
        if (valid(row(j), t)) source[static_cast<std::size_t>(offset(k++) + j)] = row(j) * padded_steps + t;
  }
  UNROLL_API void begin(Index batch, Index steps);
  UNROLL_API void sort_by_length();
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/packing.ipp>
#endif
