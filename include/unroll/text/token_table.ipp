// Bodies of text/token_table.hpp.
#pragma once

#include <cstring>
#include <limits>
#include <random>

#include <unroll/core/error.hpp>
#include <unroll/text/token_table.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION TokenTable::TokenTable() : begins_{0}, slots_(64), multiplier_(random_odd()) {}
UNROLL_FUNCTION TokenTable::TokenTable(const TokenTable& other) = default;
UNROLL_FUNCTION TokenTable::TokenTable(TokenTable&& other) noexcept = default;
UNROLL_FUNCTION TokenTable& TokenTable::operator=(const TokenTable& other) = default;
UNROLL_FUNCTION TokenTable& TokenTable::operator=(TokenTable&& other) noexcept = default;
UNROLL_FUNCTION TokenTable::~TokenTable() = default;

UNROLL_FUNCTION std::size_t TokenTable::size() const { return begins_.empty() ? 0 : begins_.size() - 1; }

UNROLL_FUNCTION std::string_view TokenTable::operator[](std::int32_t id) const {
  require(id >= 0 && static_cast<std::size_t>(id) < size(), "TokenTable: got id ", id, ", expected 0 to ",
          static_cast<std::int64_t>(size()) - 1);
  return text(id);
}

UNROLL_FUNCTION std::int32_t TokenTable::find(const Token& token) const {
  return slots_.empty() ? not_found : slots_[slot_of(token, key_of(token))].id;
}
UNROLL_FUNCTION std::int32_t TokenTable::insert(const Token& token) {
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

UNROLL_FUNCTION bool TokenTable::operator==(const TokenTable& other) const {
  return begins_ == other.begins_ && bytes_ == other.bytes_;
}

UNROLL_FUNCTION std::uint32_t TokenTable::size_class(const Token& token) {
  return static_cast<std::uint32_t>(token.size() <= Token::prefix_size ? token.size() : Token::prefix_size + 1);
}
UNROLL_FUNCTION std::string_view TokenTable::text(std::int32_t id) const {
  const auto i = static_cast<std::size_t>(id);
  return std::string_view(bytes_).substr(begins_[i], begins_[i + 1] - begins_[i]);
}

/// Both halves of the product with the table's number: who does not know that cannot tell where two words meet.
UNROLL_FUNCTION std::uint64_t TokenTable::mix(std::uint64_t word) const {
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

UNROLL_FUNCTION std::uint64_t TokenTable::key_of(const Token& token) const {
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
UNROLL_FUNCTION std::uint64_t TokenTable::random_odd() {
  std::random_device random;
  return (std::uint64_t{random()} << 32 | random()) | 1;
}

/// Where the token is, or the free slot where it would go.
UNROLL_FUNCTION std::size_t TokenTable::slot_of(const Token& token, std::uint64_t key) const {
  const std::uint32_t wanted = size_class(token);
  std::size_t at = home(key, wanted);
  while (true) {
    const Slot& slot = slots_[at];
    if (slot.id == not_found) return at;
    if (slot.key == key && slot.size_class == wanted && (wanted <= Token::prefix_size || text(slot.id) == token.text()))
      return at;
    at = (at + 1) & (slots_.size() - 1);
  }
}
UNROLL_FUNCTION std::size_t TokenTable::home(std::uint64_t key, std::uint32_t size_class) const {
  return detail::as<std::size_t>(mix(key + size_class) >> shift_);
}
UNROLL_FUNCTION void TokenTable::grow() {
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

}  // namespace unroll::inline UNROLL_ABI
