// The different words of a batch: a text says the same ones again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <unroll/core/packed_sequence.hpp>

namespace unroll::inline UNROLL_ABI {

/// Which columns are vectors of the same word. Keeps its memory: V and N numbers.
class DistinctWords {
 public:
  static constexpr Index least = 512;  ///< columns; fewer are not worth a look

  /// False where so few columns repeat that it does not pay. O(N), whatever V.
  bool find(const ColumnWords& words) {
    const auto columns = static_cast<Index>(words.ids.size());
    first_.clear();
    if (columns < least) return false;
    words.check();
    which_.resize(words.ids.size());
    first_.reserve(words.ids.size());
    // What an earlier batch left here counts only if this one's list of words says the same.
    if (of_word_.size() < static_cast<std::size_t>(words.vocabulary))
      of_word_.resize(static_cast<std::size_t>(words.vocabulary));
    for (std::size_t j = 0; j < words.ids.size(); ++j) {
      const std::int32_t id = words.ids[j];
      std::int32_t& k = of_word_[static_cast<std::size_t>(id)];
      if (k >= count() || words.ids[static_cast<std::size_t>(first(k))] != id) {
        k = static_cast<std::int32_t>(count());
        first_.push_back(static_cast<Index>(j));
      }
      which_[j] = k;
    }
    return 2 * count() < columns;
  }

  /// How many there are; distinct word k is first said in column first(k), and column j says distinct word which(j).
  Index count() const { return static_cast<Index>(first_.size()); }
  Index first(Index k) const { return first_[static_cast<std::size_t>(k)]; }
  Index which(Index j) const { return which_[static_cast<std::size_t>(j)]; }

 private:
  std::vector<Index> first_;
  std::vector<std::int32_t> which_, of_word_;
};

}  // namespace unroll::inline UNROLL_ABI
