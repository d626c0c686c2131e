// Is it a number?
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Neither infinite nor NaN. By bits that the compiler knows nothing of: under -ffast-math it takes every number for
/// finite, and clang also what comes out of arithmetic.
template <class T> bool has_finite_bits(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    using U = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    constexpr U infinity = sizeof(T) == 4 ? U{0x7F800000} : static_cast<U>(0x7FF0000000000000);
    U bits = std::bit_cast<U>(value);
#if defined(__GNUC__) && defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
    asm("" : "+r"(bits));
#endif
    return (bits & infinity) != infinity;
  } else {
    return true;
  }
}

/// The first of n numbers that is infinite or NaN; -1: none is. One pass without a branch where all is well.
template <class T> Index find_not_finite(const T* x, Index n) {
  bool all = true;
  for (Index k = 0; k < n; ++k) all &= has_finite_bits(x[k]);
  if (all) [[likely]]
    return -1;
  Index k = 0;
  while (has_finite_bits(x[k])) ++k;
  return k;
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
