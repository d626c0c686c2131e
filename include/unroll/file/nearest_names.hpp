// What somebody may have meant who asked for a name that is not there.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <unroll/core/error.hpp>

namespace unroll::inline UNROLL_ABI::detail {

/// Untrusted text for a message: short and on one line.
inline std::string quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 100)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return out + (text.size() > 100 ? "...'" : "'");
}

/// Characters that two names have in common at their ends: all but one of "weight_ih" and "weight_hh", all of the
/// shorter of "weight" and "encoder.weight".
inline std::size_t common_ends(std::string_view a, std::string_view b) {
  const std::size_t shorter = (std::min)(a.size(), b.size());
  std::size_t front = 0, back = 0;
  while (front < shorter && a[front] == b[front]) ++front;
  while (back < shorter - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  return front + back;
}

/// "; the nearest names are 'a', 'b', 'c'": at most three of the keys of `names` with half of the characters at the
/// right place; where there is none, what names there are. One pass over them, each compared as far as `wanted` is
/// long.
template <class Names> std::string nearest_names(std::string_view wanted, const Names& names) {
  struct Near {
    std::size_t score = 0, extra = 0;
    std::string_view name{};
    bool before(const Near& other) const { return score != other.score ? score > other.score : extra < other.extra; }
  };
  std::array<Near, 3> best{};
  std::size_t found = 0;
  for (const auto& entry : names) {
    const std::string_view name = entry.first;
    const std::size_t score = common_ends(wanted, name);
    if (2 * score < wanted.size() || score == 0) continue;
    Near candidate{score, (std::max)(name.size(), wanted.size()) - score, name};
    found = (std::min)(found + 1, best.size());
    for (Near& slot : best)
      if (candidate.before(slot)) std::swap(candidate, slot);
  }
  std::string text = found == 0 ? "; there " : "; the nearest ";
  if (found == 0)
    for (auto entry = names.begin(); entry != names.end() && found < best.size(); ++entry)
      best[found++].name = entry->first;
  if (found == 0) return "; there are none";
  text += concat_text(found == 1 ? "is " : "are ");
  for (std::size_t k = 0; k < found; ++k) text += concat_text(k > 0 ? ", " : "", quote(best[k].name));
  return text + (names.size() > found && text.starts_with("; there")
                     ? concat_text(" and ", names.size() - found, " more")
                     : "");
}

}  // namespace unroll::inline UNROLL_ABI::detail
