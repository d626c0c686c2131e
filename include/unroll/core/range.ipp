// Bodies of core/range.hpp.
#pragma once

#include <unroll/core/error.hpp>
#include <unroll/core/finite.hpp>
#include <unroll/core/range.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
// By bits first: under -ffast-math a NaN may pass any comparison.
UNROLL_FUNCTION void require_range(std::string_view who, std::string_view what, double value, bool inside,
                                   std::string_view expected) {
  const bool finite = has_finite_bits(value);
  if (!finite || !inside) [[unlikely]]
    fail(who, ": ", what, " is ", value, ", expected ", finite ? "" : "a finite number, ", expected);
}
UNROLL_FUNCTION void require_positive(std::string_view who, std::string_view what, double value) {
  require_range(who, what, value, value > 0, "more than 0");
}
UNROLL_FUNCTION void require_not_negative(std::string_view who, std::string_view what, double value) {
  require_range(who, what, value, value >= 0, "0 or more");
}
UNROLL_FUNCTION void require_fraction(std::string_view who, std::string_view what, double value) {
  require_range(who, what, value, value >= 0 && value < 1, "0 or more and less than 1");
}
UNROLL_FUNCTION void require_share(std::string_view who, std::string_view what, double value) {
  require_range(who, what, value, value >= 0 && value <= 1, "0 to 1");
}
UNROLL_FUNCTION void require_at_least(std::string_view who, std::string_view what, std::int64_t value,
                                      std::int64_t least) {
  if (value < least) [[unlikely]]
    fail(who, ": ", what, " is ", value, ", expected ", least == 0 ? "" : "at least ", least,
         least == 0 ? " or more" : "");
}
UNROLL_FUNCTION void require_index(std::string_view who, std::string_view what, std::int64_t index, std::int64_t size) {
  if (index >= 0 && index < size) [[likely]]
    return;
  require(size > 0, who, ": ", what, " ", index, ", but there is none");
  fail(who, ": ", what, " ", index, ", expected 0 to ", size - 1);
}
}  // namespace detail

}  // namespace unroll::inline UNROLL_ABI
