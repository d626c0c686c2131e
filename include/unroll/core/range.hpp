// Options that are numbers: the range that each must be in, refused with its name in one sentence.
#pragma once

#include <cstdint>
#include <string_view>

#include <unroll/core/config.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// Throws unless `inside` and the value is finite.
UNROLL_API void require_range(std::string_view who, std::string_view what, double value, bool inside,
                              std::string_view expected);
UNROLL_API void require_positive(std::string_view who, std::string_view what, double value);
UNROLL_API void require_not_negative(std::string_view who, std::string_view what, double value);
/// 0 <= value < 1
UNROLL_API void require_fraction(std::string_view who, std::string_view what, double value);
/// 0 <= value <= 1
UNROLL_API void require_share(std::string_view who, std::string_view what, double value);
UNROLL_API void require_at_least(std::string_view who, std::string_view what, std::int64_t value, std::int64_t least);
/// 0 <= index < size
UNROLL_API void require_index(std::string_view who, std::string_view what, std::int64_t index, std::int64_t size);
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/core/range.ipp>
#endif
