// Numbers in memory of one type as vectors of another.
#pragma once

#include <cstring>
#include <type_traits>

#include <unroll/core/config.hpp>
#include <unroll/kernel/lanes.hpp>

UNROLL_KERNEL_BEGIN
namespace unroll::inline UNROLL_ABI {
namespace detail {

/// V::width numbers of another type, exactly what they are: floats for a sum in double, whole numbers of 16 bits that a
/// scale makes weights of.
template <class V, class Stored> UNROLL_INLINE V load_as(const Stored* from) {
  using T = typename V::Scalar;
  if constexpr (std::is_same_v<Stored, T>) {
    return V::load(from);
  } else if constexpr (V::width == 1) {
    return V(*from);
  } else if constexpr (std::is_floating_point_v<Stored>) {
    LanesOf<Stored, V::width> lanes;
    std::memcpy(&lanes, from, sizeof lanes);
    return V::from(__builtin_convertvector(lanes, typename V::Storage));
  } else if constexpr (requires { &V::Instructions::load_int16; }) {
    typename V::Storage lanes;
    V::Instructions::load_int16(from, &lanes);
    return V::from(lanes);
  } else {
    T lanes[V::width];
    UNROLL_UNROLL
    for (int lane = 0; lane < V::width; ++lane) lanes[lane] = static_cast<T>(from[lane]);
    return V::load(lanes);
  }
}

}  // namespace detail
}  // namespace unroll::inline UNROLL_ABI
UNROLL_KERNEL_END
