// Bodies of head/tag_scheme.hpp.
#pragma once

#include <string_view>

#include <unroll/head/tag_scheme.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// A tag of any of the schemes, as the first (B), a middle (I), the last (L) or the only step (U) of a span, or O.
struct SchemeTag {
  char role = 'O';
  std::string_view kind;
};
UNROLL_FUNCTION SchemeTag read_tag(TagScheme scheme, std::string_view name) {
  if (name == "O") return {};
  SchemeTag tag;
  if (name.size() > 2 && name[1] == '-') tag = {name[0], name.substr(2)};
  if (scheme == TagScheme::bilou) tag.role = tag.role == 'E' ? 'L' : tag.role == 'S' ? 'U' : tag.role;
  const std::string_view roles = scheme == TagScheme::bilou ? "BILU" : "BI";
  require(!tag.kind.empty() && roles.find(tag.role) != roles.npos, "forbidden_by: '", name,
          "' is no tag of the scheme, expected O or one of ", roles, ", a hyphen and a kind");
  return tag;
}
UNROLL_FUNCTION bool may_follow(TagScheme scheme, const SchemeTag& a, const SchemeTag& b) {
  const bool same = a.role != 'O' && b.role != 'O' && a.kind == b.kind;
  if (scheme == TagScheme::iob1) return b.role != 'B' || same;
  if (scheme == TagScheme::bio) return b.role != 'I' || same;
  const bool open = a.role == 'B' || a.role == 'I', goes_on = b.role == 'I' || b.role == 'L';
  return open == goes_on && (!open || same);
}
}  // namespace detail

UNROLL_FUNCTION ForbiddenTransitions forbidden_by(TagScheme scheme, const std::vector<std::string>& names) {
  std::vector<detail::SchemeTag> tags;
  for (const std::string& name : names) tags.push_back(detail::read_tag(scheme, name));
  ForbiddenTransitions forbidden;
  for (std::size_t i = 0; i < tags.size(); ++i) {  // before the first step and after the last it is as if there were O
    if (!detail::may_follow(scheme, {}, tags[i])) forbidden.starts.push_back(static_cast<Index>(i));
    if (!detail::may_follow(scheme, tags[i], {})) forbidden.ends.push_back(static_cast<Index>(i));
    for (std::size_t j = 0; j < tags.size(); ++j)
      if (!detail::may_follow(scheme, tags[i], tags[j]))
        forbidden.pairs.emplace_back(static_cast<Index>(i), static_cast<Index>(j));
  }
  return forbidden;
}

}  // namespace unroll::inline UNROLL_ABI
