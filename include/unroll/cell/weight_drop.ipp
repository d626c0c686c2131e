// Bodies of cell/weight_drop.hpp.
#pragma once

#include <functional>
#include <string_view>

#include <unroll/cell/weight_drop.hpp>
#include <unroll/core/random.hpp>

namespace unroll::inline UNROLL_ABI {

UNROLL_FUNCTION std::uint64_t detail::hash_of(const Path& path) {
  const std::hash<std::string_view> hash;
  std::uint64_t key = 0;
  for (const Path* at = &path; at != nullptr; at = at->parent)
    for (const std::uint64_t part :
         {std::uint64_t{hash(at->name)}, std::uint64_t{hash(at->suffix)}, static_cast<std::uint64_t>(at->number),
          static_cast<std::uint64_t>(at->layer_number)})
      key = join_keys(key, part);
  return key;
}

}  // namespace unroll::inline UNROLL_ABI
