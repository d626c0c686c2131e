// Distinct tokens and their ids, both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/text/token.hpp>

namespace unroll::inline UNROLL_ABI {

/// A list of distinct tokens that also answers where in it a token stands. Ids are 0, 1, .. in the order of insertion.
///
/// Why not std::unordered_map: it would keep each token twice (the list needs it too), or hold views that a copy leaves
/// dangling; and on the 5.8 million words of the IMDB training reviews a find takes a quarter of its time here (open
/// addressing with linear probing, at most half full; a token of up to eight bytes is compared without being looked
/// at). Where a token goes depends on a random number of the table's own, so that no list of tokens, made for the
/// purpose, collides in it; ids do not depend on it.
class TokenTable {
 public:
  static constexpr std::int32_t not_found = -1;

  UNROLL_API TokenTable();
  UNROLL_API TokenTable(const TokenTable& other);
  UNROLL_API TokenTable(TokenTable&& other) noexcept;
  UNROLL_API TokenTable& operator=(const TokenTable& other);
  UNROLL_API TokenTable& operator=(TokenTable&& other) noexcept;
  UNROLL_API ~TokenTable();

  UNROLL_API std::size_t size() const;

  /// The token with an id. Throws std::invalid_argument for one that is not in 0 .. size() - 1.
  UNROLL_API std::string_view operator[](std::int32_t id) const;
  /// The id of a token, or `not_found`.
  UNROLL_API std::int32_t find(const Token& token) const;
  /// The id of a token, which is put at the end of the list if it is not there yet.
  UNROLL_API std::int32_t insert(const Token& token);
  /// The same tokens in the same order.
  UNROLL_API bool operator==(const TokenTable& other) const;

 private:
  // Key and size class say all about a token of up to eight bytes. A longer one has its hash as key, and class 9.
  struct Slot {
    std::uint64_t key = 0;
    std::int32_t id = not_found;
    std::uint32_t size_class = 0;
  };

  static std::uint32_t size_class(const Token& token);
  std::string_view text(std::int32_t id) const;
  std::uint64_t mix(std::uint64_t word) const;
  std::uint64_t key_of(const Token& token) const;
  static std::uint64_t random_odd();
  std::size_t slot_of(const Token& token, std::uint64_t key) const;
  std::size_t home(std::uint64_t key, std::uint32_t size_class) const;
  void grow();

  std::string bytes_;                // all tokens, one after another
  std::vector<std::size_t> begins_;  // (size + 1) where each begins
  std::vector<Slot> slots_;          // a power of two
  std::uint64_t multiplier_;
  int shift_ = 64 - 6;  // 64 - log2(slots)
};

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/text/token_table.ipp>
#endif
