// Bodies of kernel/distinct_columns.hpp.
#pragma once

#include <bit>
#include <cstring>

#include <unroll/kernel/distinct_columns.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Four sums that do not wait for each other. A poor hash costs time, never correctness.
inline std::size_t hash_of_column(const void* data, std::size_t bytes) {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15;
  std::uint64_t sum[4] = {1, 2, 3, 4};
  const auto* at = static_cast<const unsigned char*>(data);
  for (; bytes >= 32; bytes -= 32, at += 32)
    for (int i = 0; i < 4; ++i) {
      std::uint64_t word;
      std::memcpy(&word, at + 8 * i, 8);
      sum[i] = (sum[i] ^ word) * odd;
    }
  for (; bytes >= 4; bytes -= 4, at += 4) {
    std::uint32_t word;
    std::memcpy(&word, at, 4);
    sum[0] = (sum[0] ^ word) * odd;
  }
  std::uint64_t all = sum[0];
  for (int i = 1; i < 4; ++i) all = (all ^ (sum[i] >> 29)) * odd + sum[i];
  return as<std::size_t>(all ^ (all >> 32));
}
}  // namespace detail

UNROLL_FUNCTION bool DistinctColumns::find(const void* data, std::size_t bytes, std::size_t stride, Index columns) {
  const auto column_at = [&](Index j) {
    return static_cast<const std::byte*>(data) + static_cast<std::size_t>(j) * stride;
  };
  constexpr Index trial = 1024;  // text repeats half of its words by then
  first_.clear();
  if (columns < least) return false;
  which_.resize(static_cast<std::size_t>(columns));
  first_.reserve(static_cast<std::size_t>(columns));
  const std::size_t places = std::bit_ceil(static_cast<std::size_t>(2 * columns));
  slots_.assign(places, -1);
  for (Index j = 0; j < columns; ++j) {
    const std::byte* column = column_at(j);
    std::size_t slot = detail::hash_of_column(column, bytes) & (places - 1);
    while (slots_[slot] >= 0 &&
           std::memcmp(column_at(first_[static_cast<std::size_t>(slots_[slot])]), column, bytes) != 0)
      slot = (slot + 1) & (places - 1);
    if (slots_[slot] < 0) {
      slots_[slot] = static_cast<std::int32_t>(first_.size());
      first_.push_back(j);
    }
    which_[static_cast<std::size_t>(j)] = slots_[slot];
    if (j + 1 == trial && count() * 3 > 2 * trial) return false;
  }
  return 2 * count() < columns;
}

}  // namespace unroll::inline UNROLL_ABI
