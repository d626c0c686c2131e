// The values of equations, one for each of their operations.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {
namespace detail {

/// N values, each a member of its own: compilers do not take an array of many apart into registers.
template <std::size_t K, class V> struct ValueAt {
  V value;
};
template <class V, class Places> struct ValuesOf;
template <class V, std::size_t... K> struct ValuesOf<V, std::index_sequence<K...>> : ValueAt<K, V>... {};
template <std::size_t K, class V> UNROLL_INLINE V& value_at(ValueAt<K, V>& at) { return at.value; }
template <std::size_t K, class V> UNROLL_INLINE const V& value_at(const ValueAt<K, V>& at) { return at.value; }

/// first, first + 1, ..
template <std::size_t n> constexpr std::array<std::size_t, n> counted(std::size_t first) {
  std::array<std::size_t, n> places{};
  for (std::size_t& place : places) place = first++;
  return places;
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
