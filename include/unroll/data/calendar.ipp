// Bodies of data/calendar.hpp.
#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>
#include <numbers>

#include <unroll/core/error.hpp>
#include <unroll/data/calendar.hpp>

namespace unroll::inline UNROLL_ABI {

namespace detail {
/// The parts of a time, off the front of a text.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : all_(text), rest_(text) {}

  std::int64_t read() {
    const std::int64_t year = digits(4);
    expect('-');
    const std::int64_t month = digits(2);
    expect('-');
    const std::int64_t day = digits(2);
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) refuse();
    std::int64_t seconds = std::chrono::sys_days(date).time_since_epoch().count() * 86'400;
    if (rest_.empty()) return seconds;
    if (!take('T')) expect(' ');
    seconds += 3600 * digits(2, 23);
    expect(':');
    seconds += 60 * digits(2, 59);
    if (take(':')) {
      seconds += digits(2, 60);  // 60 is a leap second
      if (take('.') || take(',')) {
        digits(1);
        while (!rest_.empty() && is_digit(rest_.front())) rest_.remove_prefix(1);
      }
    }
    const bool east = !rest_.empty() && rest_.front() == '+';
    if (!take('Z') && (take('+') || take('-'))) {
      std::int64_t zone = 3600 * digits(2, 23);
      if (!rest_.empty()) {
        take(':');
        zone += 60 * digits(2, 59);
      }
      seconds -= east ? zone : -zone;
    }
    if (!rest_.empty()) refuse();
    return seconds;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  [[noreturn]] void refuse() const {
    fail<FormatError>("'", all_.substr(0, 100), "' is no time, expected one such as 2016-07-01 or 2016-07-01 13:30:00");
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse();
  }
  std::int64_t digits(int count, std::int64_t most = 9999) {
    std::int64_t number = 0;
    for (int k = 0; k < count; ++k, rest_.remove_prefix(1)) {
      if (rest_.empty() || !is_digit(rest_.front())) refuse();
      number = 10 * number + (rest_.front() - '0');
    }
    if (number > most) refuse();
    return number;
  }

  std::string_view all_, rest_;
};
}  // namespace detail

UNROLL_FUNCTION std::int64_t parse_time(std::string_view text) { return detail::TimeReader(text).read(); }

UNROLL_FUNCTION std::vector<Index> gaps_in(std::span<const std::int64_t> times, std::int64_t most) {
  require(most > 0, "gaps_in: most is ", most, " seconds, expected more than 0");
  std::vector<Index> gaps;
  for (std::size_t t = 1; t < times.size(); ++t)
    if (times[t] - times[t - 1] > most) gaps.push_back(static_cast<Index>(t));
  return gaps;
}

UNROLL_FUNCTION Matrix<float> calendar_features(std::span<const std::int64_t> times, const CalendarOptions& options) {
  const Index each = options.circle ? 2 : 1;
  Matrix<float> features(each * (options.hour + options.weekday + options.day_of_month + options.day_of_year),
                         static_cast<Index>(times.size()));
  for (Index n = 0; n < features.cols(); ++n) {
    const std::int64_t seconds = times[static_cast<std::size_t>(n)];
    const std::int64_t day = seconds / 86'400 - (seconds % 86'400 < 0 ? 1 : 0), of_day = seconds - 86'400 * day;
    const std::chrono::sys_days at{std::chrono::days(day)};
    const std::chrono::year_month_day date(at);
    const std::chrono::sys_days year(
        std::chrono::year_month_day(date.year(), std::chrono::January, std::chrono::day(1)));
    Index row = 0;
    // `position` of a cycle of `length`, of which `whole` is the last whole number.
    const auto add = [&](bool wanted, double position, double length, double whole) {
      if (!wanted) return;
      const double angle = 2 * std::numbers::pi * position / length;
      if (options.circle) {
        features(row++, n) = static_cast<float>(std::sin(angle));
        features(row++, n) = static_cast<float>(std::cos(angle));
      } else {
        features(row++, n) = static_cast<float>(std::floor(position) / whole - 0.5);
      }
    };
    add(options.hour, static_cast<double>(of_day) / 3600, 24, 23);
    add(options.weekday, static_cast<double>(std::chrono::weekday(at).iso_encoding() - 1), 7, 6);
    add(options.day_of_month, static_cast<double>(static_cast<unsigned>(date.day()) - 1), 31, 30);
    add(options.day_of_year, static_cast<double>((at - year).count()), 366, 365);
  }
  return features;
}

}  // namespace unroll::inline UNROLL_ABI
