// Distinct tokens and their ids, both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <unroll/core/error.hpp>
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

  std::size_t size() const { return begins_.empty() ? 0 : begins_.size() - 1; }

  /// The token with an id. Throws std::invalid_argument for one that is not in 0 .. size() - 1.
  std::string_view operator[](std::int32_t id) const {
    require(id >= 0 && static_cast<std::size_t>(id) < size(), "TokenTable: got id ", id, ", expected 0 to ",
            static_cast<std::int64_t>(size()) - 1);
    return text(id);
  }

  /// The id of a token, or `not_found`.
  std::int32_t find(const Token& token) const {
    return slots_.empty() ? not_found : slots_[slot_of(token, key_of(token))].id;
  }

  /// The id of a token, which is put at the end of the list if it is not there yet.
  std::int32_t insert(const Token& token) {
    if (slots_.empty()) *this = {};  // what it had was moved away
    const std::uint64_t key = key_of(token);
    Slot& slot = slots_[slot_of(token, key)];
    if (slot.id != not_found) return slot.id;
    require(size() < (std::numeric_limits<std::int32_t>::max)(), "TokenTable: more tokens than ids of 32 bits");
    const auto id = static_cast<std::int32_t>(size());
    slot = {key, id, size_class(token)};
    bytes_ += token.text();
    begins_.push_back(bytes_.size());
    if (2 * size() > slots_.size()) grow();
    return id;
  }

  /// The same tokens in the same order.
  friend bool operator==(const TokenTable& a, const TokenTable& b) {
    return a.begins_ == b.begins_ && a.bytes_ == b.bytes_;
  }

 private:
  // Key and size class say all about a token of up to eight bytes. A longer one has its hash as key, and class 9.
  struct Slot {
    std::uint64_t key = 0;
    std::int32_t id = not_found;
    std::uint32_t size_class = 0;
  };

  static std::uint32_t size_class(const Token& token) {
    return static_cast<std::uint32_t>(token.size() <= Token::prefix_size ? token.size() : Token::prefix_size + 1);
  }
  std::string_view text(std::int32_t id) const {
    const auto i = static_cast<std::size_t>(id);
    return std::string_view(bytes_).substr(begins_[i], begins_[i + 1] - begins_[i]);
  }

  /// Both halves of the product with the table's number: who does not know that cannot tell where two words meet.
  std::uint64_t mix(std::uint64_t word) const {
#if defined(__SIZEOF_INT128__)
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{word} * multiplier_;
    return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
#else
    const std::uint64_t a = word >> 32, b = word & 0xFFFFFFFF, c = multiplier_ >> 32, d = multiplier_ & 0xFFFFFFFF;
    const std::uint64_t middle = (b * d >> 32) + (a * d & 0xFFFFFFFF) + b * c;
    return (a * c + (a * d >> 32) + (middle >> 32)) ^ (word * multiplier_);
#endif
  }
  std::uint64_t key_of(const Token& token) const {
    if (token.size() <= Token::prefix_size) return token.prefix();
    std::uint64_t hash = mix(token.size() ^ token.prefix()), word;
    const char* const end = token.text().data() + token.size();
    for (const char* at = token.text().data() + 8; at < end - 8; at += 8) {
      std::memcpy(&word, at, 8);
      hash = mix(hash ^ word);
    }
    std::memcpy(&word, end - 8, 8);  // the last word may overlap the one before
    return mix(hash ^ word);
  }
  static std::uint64_t random_odd() {
    std::random_device random;
    return (std::uint64_t{random()} << 32 | random()) | 1;
  }

  /// Where the token is, or the free slot where it would go.
  std::size_t slot_of(const Token& token, std::uint64_t key) const {
    const std::uint32_t wanted = size_class(token);
    std::size_t at = home(key, wanted);
    while (true) {
      const Slot& slot = slots_[at];
      if (slot.id == not_found) return at;
      if (slot.key == key && slot.size_class == wanted &&
          (wanted <= Token::prefix_size || text(slot.id) == token.text()))
        return at;
      at = (at + 1) & (slots_.size() - 1);
    }
  }
  std::size_t home(std::uint64_t key, std::uint32_t size_class) const {
    return detail::as<std::size_t>(mix(key + size_class) >> shift_);
  }
  void grow() {
    std::vector<Slot> old(4 * slots_.size());
    old.swap(slots_);
    shift_ -= 2;
    for (const Slot& slot : old) {
      if (slot.id == not_found) continue;
      std::size_t at = home(slot.key, slot.size_class);
      while (slots_[at].id != not_found) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  std::string bytes_;                                // all tokens, one after another
  std::vector<std::size_t> begins_{0};               // (size + 1) where each begins
  std::vector<Slot> slots_ = std::vector<Slot>(64);  // a power of two
  std::uint64_t multiplier_ = random_odd();
  int shift_ = 64 - 6;  // 64 - log2(slots)
};

}  // namespace unroll::inline UNROLL_ABI
