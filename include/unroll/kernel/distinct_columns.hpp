// The different columns of a matrix: a batch of text says the same words again and again.
#pragma once

#include <cstddef>
#include <cstdint>
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
    return find(m.data, sizeof(T) * static_cast<std::size_t>(m.rows), sizeof(T) * static_cast<std::size_t>(m.stride),
                m.cols);
  }

  /// How many there are; distinct column k is column first(k) of the matrix, and column j is distinct column which(j).
  Index count() const { return static_cast<Index>(first_.size()); }
  Index first(Index k) const { return first_[static_cast<std::size_t>(k)]; }
  Index which(Index j) const { return which_[static_cast<std::size_t>(j)]; }

 private:
  std::vector<Index> first_;
  std::vector<std::int32_t> which_, slots_;

  UNROLL_API bool find(const void* data, std::size_t bytes, std::size_t stride, Index columns);
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/kernel/distinct_columns.ipp>
#endif
