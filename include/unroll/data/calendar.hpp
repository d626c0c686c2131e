// Times as numbers, and what the clock and the calendar say of them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <unroll/core/matrix.hpp>

namespace unroll::inline UNROLL_ABI {

/// The rows before which time jumps by more than so many seconds: `WindowOptions::breaks`.
UNROLL_API std::vector<Index> gaps_in(std::span<const std::int64_t> times, std::int64_t most);

/// Seconds since 1970 of an ISO 8601 time: 2016-07-01, 2016-07-01 00:30, 2016-07-01T00:30:05Z,
/// 2016-07-01T00:30:05.25+02:00. Fractions of a second are cut off; without a zone it is taken as it stands. Throws
/// FormatError.
UNROLL_API std::int64_t parse_time(std::string_view text);

struct CalendarOptions {
  bool hour = true, weekday = true, day_of_month = false, day_of_year = true;
  /// True: sine and cosine, two rows for each, so that midnight is near midnight. False: one row from -0.5 to 0.5.
  bool circle = true;
};
/// What the clock and the calendar say at each time, (F, times): known of the future, too. In the order of the options;
/// a week begins on Monday.
UNROLL_API Matrix<float> calendar_features(std::span<const std::int64_t> times, const CalendarOptions& options = {});

}  // namespace unroll::inline UNROLL_ABI

#if UNROLL_HEADER_ONLY
#include <unroll/data/calendar.ipp>
#endif
