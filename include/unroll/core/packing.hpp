// Packing: a batch of sequences of different lengths without its padding.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <unroll/core/size.hpp>

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
  static Packing from_lengths(std::span<const Index> lengths, Index padded_steps) {
    Packing packing;
    packing.assign_lengths(lengths, padded_steps);
    return packing;
  }
  void assign_lengths(std::span<const Index> of, Index steps) {
    Index longest = 0;
    for (std::size_t b = 0; b < of.size(); ++b) {
      require(of[b] >= 0 && of[b] <= steps, "pack: sequence ", b, " has length ", of[b], ", expected 0 to ", steps);
      longest = (std::max)(longest, of[b]);
    }
    lay_out(static_cast<Index>(of.size()), steps, longest,
            [&](Index b, Index t) { return t < of[static_cast<std::size_t>(b)]; });
  }
  /// mask[b * steps + t] != 0 says that step t of sequence b is there; holes anywhere, also all of a sequence.
  static Packing from_mask(std::span<const std::uint8_t> mask, Index batch, Index steps) {
    require(static_cast<Index>(mask.size()) == detail::product_of_sizes(batch, steps), "pack: the mask has ",
            mask.size(), " elements, expected ", batch, " x ", steps);
    Packing packing;
    packing.assign(batch, steps, [&](Index b, Index t) { return mask[static_cast<std::size_t>(b * steps + t)] != 0; });
    return packing;
  }

  /// Throws unless it is of n steps, what there is one of for each step being called `what`.
  void require_total(std::string_view who, Index n, std::string_view what) const {
    const Index steps = offsets.empty() || static_cast<Index>(source.size()) != offsets.back() ? -1 : offsets.back();
    require(n == steps, who, ": input has ", n, " ", what, ", its packing ", steps);
  }
  /// Throws where its parts do not belong together, as in one that was put together by hand. O(B + T + N).
  void check(std::string_view who) const {
    const auto require_sound = [&](bool sound, std::string_view what) {
      require(sound, who, ": the packing is not sound: ", what, " (pack and Packing::from_lengths make one that is)");
    };
    require_sound(
        offsets.size() == batch_sizes.size() + 1 && offsets[0] == 0 && lengths.size() == sorted_indices.size(),
        "its arrays have sizes that do not fit each other");
    require_sound(detail::product_of_sizes(batch(), padded_steps) >= 0, "padded_steps is not a size");
    bool falling = true;
    for (Index j = 0; j < batch(); ++j)
      falling &= length(j) >= 0 && length(j) <= (j > 0 ? length(j - 1) : padded_steps);
    require_sound(falling, "lengths do not fall from at most padded_steps to at least 0");
    bool same = steps() == (batch() > 0 ? length(0) : 0);
    for (Index t = 0, running = batch(); same && t < steps(); ++t) {
      while (length(running - 1) <= t) --running;
      same = batch_size(t) == running && offset(t + 1) == offset(t) + running;
    }
    require_sound(same, "batch_sizes and offsets are not those of its lengths");
    require_sound(is_permutation(sorted_indices), "sorted_indices does not name every sequence once");
    require_sound(static_cast<Index>(source.size()) == total(), "source has not one element for each step");
    bool own = true;
    for (Index t = 0; t < steps(); ++t)
      for (Index j = 0; j < batch_size(t); ++j) {
        const Index from = source[static_cast<std::size_t>(offset(t) + j)], first = row(j) * padded_steps;
        const Index before = t > 0 ? source[static_cast<std::size_t>(offset(t - 1) + j)] : first - 1;
        own &= from > before && from < first + padded_steps;
      }
    require_sound(own, "source does not name each sequence's own steps in order");
  }

 private:
  /// The same, of the times before `end`: no later step is there.
  template <class Valid> void lay_out(Index batch, Index steps, Index end, const Valid& valid) {
    require(detail::product_of_sizes(batch, steps) >= 0, "pack: ", batch, " sequences of ", steps,
            " steps, expected sizes of at least 0 whose product is one");
    padded_steps = steps;
    const auto size = static_cast<std::size_t>(batch);
    lengths.assign(size, 0);
    sorted_indices.resize(size);
    offsets.assign(1, 0);
    batch_sizes.clear();
    auto& count = lengths;  // in the user's order until the sort below
    Index longest = 0;
    for (Index b = 0; b < batch; ++b) {
      Index n = 0;
      for (Index t = 0; t < end; ++t) n += valid(b, t) ? 1 : 0;
      count[static_cast<std::size_t>(b)] = n;
      sorted_indices[static_cast<std::size_t>(b)] = b;
      longest = (std::max)(longest, n);
    }
    // Ties keep the user's order; not std::stable_sort, which allocates.
    std::sort(sorted_indices.begin(), sorted_indices.end(), [&](Index a, Index b) {
      const Index la = count[static_cast<std::size_t>(a)], lb = count[static_cast<std::size_t>(b)];
      return la != lb ? la > lb : a < b;
    });
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
    Index running = batch;
    for (Index t = 0; t < longest; ++t) {
      while (length(running - 1) <= t) --running;
      batch_sizes.push_back(running);
      offsets.push_back(offsets.back() + running);
    }
    source.resize(static_cast<std::size_t>(total()));
    for (Index j = 0; j < batch; ++j)
      for (Index t = 0, k = 0; t < end; ++t)
        if (valid(row(j), t)) source[static_cast<std::size_t>(offset(k++) + j)] = row(j) * padded_steps + t;
  }
  /// Does every number from 0 to size - 1 occur once? Allocates nothing: marks on the stack, for as many as fit.
  static bool is_permutation(std::span<const Index> numbers) {
    constexpr Index most = 1 << 15;
    std::array<std::uint64_t, most / 64> marks;
    const auto size = static_cast<Index>(numbers.size());
    for (Index first = 0; first < size; first += most) {
      const Index n = (std::min)(size - first, most);
      std::fill_n(marks.begin(), (n + 63) / 64, 0);
      Index found = 0;
      for (const Index number : numbers)
        if (const Index k = number - first; number >= first && k < n) {
          std::uint64_t& word = marks[static_cast<std::size_t>(k / 64)];
          const std::uint64_t bit = std::uint64_t{1} << (k % 64);
          found += (word & bit) == 0 ? 1 : 0;
          word |= bit;
        }
      if (found != n) return false;
    }
    return true;
  }
};

}  // namespace unroll::inline UNROLL_ABI
