// Infinities, NaN and other numbers, by bits that the compiler does not see: -ffast-math believes that there are none.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace not_finite {

template <class T> T of_bits(std::uint64_t number) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const volatile Bits hidden = static_cast<Bits>(number);
  const Bits bits = hidden;
  return std::bit_cast<T>(bits);
}
template <class T> T infinity() { return of_bits<T>(sizeof(T) == 4 ? 0x7F800000 : 0x7FF0000000000000); }
template <class T> T nan() { return of_bits<T>(sizeof(T) == 4 ? 0x7FC00000 : 0x7FF8000000000000); }

}  // namespace not_finite
