// Is it a number?
#pragma once

#include <bit>
#include <cstdint>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// By its bits: under -ffast-math the compiler may take every number for finite.
inline bool is_finite(double x) { return (std::bit_cast<std::uint64_t>(x) >> 52 & 0x7FF) != 0x7FF; }
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
