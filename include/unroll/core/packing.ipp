// Bodies of core/packing.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <functional>

#include <unroll/core/error.hpp>
#include <unroll/core/packing.hpp>
#include <unroll/core/size.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Does every number from 0 to size - 1 occur once? Allocates nothing: marks on the stack, for as many as fit.
inline bool is_permutation(std::span<const Index> numbers) {
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
}  // namespace detail

UNROLL_FUNCTION Packing Packing::from_lengths(std::span<const Index> lengths, Index padded_steps) {
  Packing packing;
  packing.assign_lengths(lengths, padded_steps);
  return packing;
}
UNROLL_FUNCTION void Packing::assign_lengths(std::span<const Index> of, Index steps) {
  Index longest = 0;
  for (std::size_t b = 0; b < of.size(); ++b) {
    require(of[b] >= 0 && of[b] <= steps, "pack: sequence ", b, " has length ", of[b], ", expected 0 to ", steps);
    longest = (std::max)(longest, of[b]);
  }
  lay_out(static_cast<Index>(of.size()), steps, longest,
          [&](Index b, Index t) { return t < of[static_cast<std::size_t>(b)]; });
}
UNROLL_FUNCTION Packing Packing::from_mask(std::span<const std::uint8_t> mask, Index batch, Index steps) {
  require(static_cast<Index>(mask.size()) == detail::product_of_sizes(batch, steps), "pack: the mask has ", mask.size(),
          " elements, expected ", batch, " x ", steps);
  Packing packing;
  packing.assign(batch, steps, [&](Index b, Index t) { return mask[static_cast<std::size_t>(b * steps + t)] != 0; });
  return packing;
}
UNROLL_FUNCTION void Packing::require_total(std::string_view who, Index n, std::string_view what) const {
  const Index steps = offsets.empty() || static_cast<Index>(source.size()) != offsets.back() ? -1 : offsets.back();
  require(n == steps, who, ": input has ", n, " ", what, ", its packing ", steps);
}
UNROLL_FUNCTION void Packing::check(std::string_view who) const {
  const auto require_sound = [&](bool sound, std::string_view what) {
    require(sound, who, ": the packing is not sound: ", what, " (pack and Packing::from_lengths make one that is)");
  };
  require_sound(offsets.size() == batch_sizes.size() + 1 && offsets[0] == 0 && lengths.size() == sorted_indices.size(),
                "its arrays have sizes that do not fit each other");
  require_sound(detail::product_of_sizes(batch(), padded_steps) >= 0, "padded_steps is not a size");
  bool falling = true;
  for (Index j = 0; j < batch(); ++j) falling &= length(j) >= 0 && length(j) <= (j > 0 ? length(j - 1) : padded_steps);
  require_sound(falling, "lengths do not fall from at most padded_steps to at least 0");
  bool same = steps() == (batch() > 0 ? length(0) : 0);
  for (Index t = 0, running = batch(); same && t < steps(); ++t) {
    while (length(running - 1) <= t) --running;
    same = batch_size(t) == running && offset(t + 1) == offset(t) + running;
  }
  require_sound(same, "batch_sizes and offsets are not those of its lengths");
  require_sound(detail::is_permutation(sorted_indices), "sorted_indices does not name every sequence once");
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

UNROLL_FUNCTION void Packing::begin(Index batch, Index steps) {
  require(detail::product_of_sizes(batch, steps) >= 0, "pack: ", batch, " sequences of ", steps,
          " steps, expected sizes of at least 0 whose product is one");
  padded_steps = steps;
  const auto size = static_cast<std::size_t>(batch);
  lengths.assign(size, 0);
  sorted_indices.resize(size);
  for (Index b = 0; b < batch; ++b) sorted_indices[static_cast<std::size_t>(b)] = b;
  offsets.assign(1, 0);
  batch_sizes.clear();
}
UNROLL_FUNCTION void Packing::sort_by_length() {
  // Ties keep the user's order; not std::stable_sort, which allocates.
  std::sort(sorted_indices.begin(), sorted_indices.end(), [&](Index a, Index b) {
    const Index la = lengths[static_cast<std::size_t>(a)], lb = lengths[static_cast<std::size_t>(b)];
    return la != lb ? la > lb : a < b;
  });
  std::sort(lengths.begin(), lengths.end(), std::greater<>());
  Index running = batch();
  const Index longest = running > 0 ? length(0) : 0;
  for (Index t = 0; t < longest; ++t) {
    while (length(running - 1) <= t) --running;
    batch_sizes.push_back(running);
    offsets.push_back(offsets.back() + running);
  }
  source.resize(static_cast<std::size_t>(total()));
}

}  // namespace unroll::inline UNROLL_ABI
