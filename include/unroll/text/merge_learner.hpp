// Which pair of neighbours is the most frequent one, while pairs are merged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <string_view>
#include <vector>

#include <unroll/core/config.hpp>
#include <unroll/text/token_table.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Two tokens side by side.
struct TokenPair {
  std::int32_t left = 0, right = 0;
};

/// Pairs and their numbers, in the order of insertion: a table of tokens of eight bytes.
class PairTable {
 public:
  UNROLL_API std::int32_t find(TokenPair pair) const;
  UNROLL_API std::int32_t insert(TokenPair pair);
  UNROLL_API TokenPair operator[](std::int32_t number) const;
  std::int32_t size() const { return static_cast<std::int32_t>(table_.size()); }
  bool operator==(const PairTable&) const = default;

 private:
  TokenTable table_;
};

/// The words of texts as tokens, at first a byte each, in which pairs are merged. A merge costs as much as the pair has
/// occurrences in distinct words, whatever the length of the words; all counts are exact after each.
class MergeLearner {
 public:
  /// The tokens of bytes are first_byte, first_byte + 1, ...; rarer pairs than `least` are of no interest.
  UNROLL_API MergeLearner(const TokenTable& words, const std::vector<Index>& counts, std::int32_t first_byte,
                          Index least);

  /// The pair with the most occurrences, among equals the one whose left token has the least id, and then its right
  /// one. False where none occurs `least` times.
  UNROLL_API bool find_most_frequent(TokenPair& pair);
  /// Makes one token of the pair wherever it occurs, from left to right.
  UNROLL_API void merge(TokenPair pair, std::int32_t merged);

 private:
  using Place = std::int32_t;
  static constexpr std::int32_t none = -1;

  struct Symbol {
    std::int32_t id;
    Place previous, next;  // within the word, or none
    std::int32_t word;
  };
  /// `places` are where it occurs, rising, and where it did.
  struct Pair {
    Index count = 0;
    std::vector<Place> places;
  };
  /// A count that was true once; it can only have become smaller.
  struct Candidate {
    Index count;
    TokenPair tokens;
    std::int32_t pair;
    bool operator<(const Candidate& other) const;
  };

  Symbol& at(Place place) { return symbols_[static_cast<std::size_t>(place)]; }
  void add(TokenPair tokens, Place place, Index count);
  void remove(TokenPair tokens, Index count);
  void propose(std::int32_t first_pair);

  std::vector<Symbol> symbols_;
  std::vector<Index> counts_;  // of words
  PairTable numbers_;
  std::vector<Pair> pairs_;
  std::priority_queue<Candidate> candidates_;
  Index least_;
};

}  // namespace unroll::inline UNROLL_ABI::detail

#if UNROLL_HEADER_ONLY
#include <unroll/text/merge_learner.ipp>
#endif
