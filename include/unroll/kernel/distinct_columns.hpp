// The different columns of a matrix: a batch of text says the same words again and again.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include <unroll/core/config.hpp>
#include <unroll/kernel/view.hpp>

namespace unroll::inline UNROLL_ABI {

/// Which columns are equal, by their bits. Keeps its memory.
class DistinctColumns {
 public:
  static constexpr Index least = 512;  ///< columns; fewer are not worth a look

  /// False, soon and with nothing found, where so few columns repeat that it does not pay.
  template <class T> bool find(const View<const T>& m) {
    constexpr Index trial = 1024;  // text repeats half of its words by then
    first_.clear();
    if (m.cols < least) return false;
    which_.resize(static_cast<std::size_t>(m.cols));
    first_.reserve(static_cast<std::size_t>(m.cols));
    const std::size_t places = std::bit_ceil(static_cast<std::size_t>(2 * m.cols));
    slots_.assign(places, -1);
    const auto bytes = sizeof(T) * static_cast<std::size_t>(m.rows);
    for (Index j = 0; j < m.cols; ++j) {
      const T* column = m.data + j * m.stride;
      std::size_t slot = hash(column, bytes) & (places - 1);
      while (slots_[slot] >= 0 &&
             std::memcmp(m.data + first_[static_cast<std::size_t>(slots_[slot])] * m.stride, column, bytes) != 0)
        slot = (slot + 1) & (places - 1);
      if (slots_[slot] < 0) {
        slots_[slot] = static_cast<std::int32_t>(first_.size());
        first_.push_back(j);
      }
      which_[static_cast<std::size_t>(j)] = slots_[slot];
      if (j + 1 == trial && count() * 3 > 2 * trial) return false;
    }
    return 2 * count() < m.cols;
  }

  /// How many there are; distinct column k is column first(k) of the matrix, and column j is distinct column which(j).
  Index count() const { return static_cast<Index>(first_.size()); }
  Index first(Index k) const { return first_[static_cast<std::size_t>(k)]; }
  Index which(Index j) const { return which_[static_cast<std::size_t>(j)]; }

 private:
  std::vector<Index> first_;
  std::vector<std::int32_t> which_, slots_;

  /// Four sums that do not wait for each other. A poor hash costs time, never correctness.
  static std::size_t hash(const void* data, std::size_t bytes) {
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
    return detail::as<std::size_t>(all ^ (all >> 32));
  }
};

}  // namespace unroll::inline UNROLL_ABI
